// One function can be written down in many ways: a channel between two layers may be multiplied by any positive number,
// if what writes it is multiplied and what reads it is divided.

/// A hidden channel of a network whose scale is free. The name is that of the first layer that writes it; layers whose
/// values are added share their channels' scale.
public struct HiddenChannel: Hashable, Sendable {
  /// The layer that writes it: a batch norm, a convolution or a linear layer.
  public let node: String
  /// Counted from 0.
  public let channel: Int

  /// - Parameters:
  ///   - node: the layer that writes it.
  ///   - channel: counted from 0.
  public init(_ node: String, _ channel: Int) {
    self.node = node
    self.channel = channel
  }
}

extension Network {
  /// The channels whose scale can be chosen without changing the function, in the order of their nodes.
  ///
  /// A convolution or a linear layer over features can write its channels at any scale and read them at any scale; a
  /// batch norm can write them at any scale. ReLU, leaky and parametric ReLU, clips from below 0 to above 0, max and
  /// average pooling, sums, concatenations, slices of channels, flattening and gates that multiply a channel pass a
  /// scale on. Everything else fixes it at 1: inputs and outputs of the network; the input of a batch norm, since its
  /// output's spread is gamma because its statistics are those of its input; and smooth activations, layer norms and
  /// attention. A transformer whose activations are GELUs may have no such channel.
  public var rescalableChannels: [HiddenChannel] { ChannelScales(graph).free.map { HiddenChannel(graph, $0) } }

  /// The same function with hidden channels multiplied by positive factors, and what reads them divided by these.
  ///
  /// With powers of two not a bit of the network's value changes, as long as no number leaves the range of floats. A
  /// clip of rescaled channels becomes a ``ChannelClip``, whose limits are rescaled as well; everything else keeps its
  /// operation, and all nodes keep their names. The gradient stays as it is; a soft pullback at a fixed temperature
  /// does not, and ``RuleSet/relativePullback(_:_:over:border:)`` is made to. (The paper's soft rules hold a
  /// ``ChannelClip`` as they hold every gate that the paper does not name; ``AveragedGate`` is the soft rule of ReLU6.)
  ///
  /// - Parameter factor: the factor of each channel of ``rescalableChannels``, asked for in that order.
  /// - Throws: `PullbackError` naming the first channel whose factor is not positive and finite.
  /// - Complexity: a pass over the parameters.
  public func rescaled(by factor: (HiddenChannel) -> Float) throws(PullbackError) -> Network {
    let scales = ChannelScales(graph)
    var factors: [Float] = []
    for index in scales.free {
      let channel = HiddenChannel(graph, index)
      let chosen = factor(channel)
      guard chosen > 0, chosen.isFinite else {
        throw PullbackError(
          .usage, "channel \(channel.channel) of \(channel.node)", "expected a positive factor, found \(chosen)")
      }
      factors.append(chosen)
    }
    return rescaled(scales, factors)
  }

  /// The same function with each hidden channel times a power of two, drawn evenly from `2^-exponent ... 2^exponent`.
  ///
  /// - Parameters:
  ///   - exponent: the largest; at 0 nothing changes.
  ///   - seed: the seed of the draws.
  /// - Precondition: the exponent is within `0 ... 100`.
  public func rescaled(byPowersOfTwoUpTo exponent: Int, seed: UInt64 = 0) -> Network {
    precondition((0...100).contains(exponent), "an exponent of \(exponent) leaves the range of floats")
    let scales = ChannelScales(graph)
    let draws = RandomStream(seed: seed, "rescaling").integers(below: 2 * exponent + 1, count: scales.free.count)
    return rescaled(scales, draws.map { Float(sign: .plus, exponent: $0 - exponent, significand: 1) })
  }

  private func rescaled(_ scales: ChannelScales, _ factors: [Float]) -> Network {
    let values = scales.values(factors)
    var (nodes, parameters) = (graph.nodes, self.values)
    for (index, node) in graph.nodes.enumerated() {
      let written = values[index]
      guard let read = node.inputs.first.map({ values[$0] }), (read + written).contains(where: { $0 != 1 }) else {
        continue
      }
      switch node.operation {
      case let layer as Convolution:
        parameters[index] = parameters[index].rescaled(read, written, groups: layer.groups)
      case let layer as VolumeConvolution:
        parameters[index] = parameters[index].rescaled(read, written, groups: layer.groups)
      case is Linear where node.shape.count == 1:
        parameters[index] = parameters[index].rescaled(read, written, groups: 1)
      case is BatchNorm:
        for place in 0..<2 { parameters[index][place] = parameters[index][place].rowsScaled(by: written) }
      default:
        guard let (low, high) = node.operation.limits(channels: written.count) else { continue }
        nodes[index] = node.with(
          ChannelClip(
            low: zip(low, written).map { $0 * Double($1) }, high: zip(high, written).map { $0 * Double($1) }),
          parameters: [])
      }
    }
    return Network(
      Graph(name: graph.name, nodes: nodes, outputs: graph.outputs, partOf: graph), values: parameters,
      executor: executor)
  }
}

extension HiddenChannel {
  fileprivate init(_ graph: Graph, _ place: (node: Int, channel: Int)) {
    self.init(graph.nodes[place.node].name, place.channel)
  }
}

extension Operation {
  /// The limits of a clip, for each channel; nil for other operations, and where 0 is cut off.
  fileprivate func limits(channels: Int) -> (low: [Double], high: [Double])? {
    func same(_ low: Double, _ high: Double) -> (low: [Double], high: [Double]) {
      (Array(repeating: low, count: channels), Array(repeating: high, count: channels))
    }
    switch self {
    case is ReLU6: return same(0, 6)
    case let clip as Clip: return same(clip.low, clip.high)
    case let clip as ChannelClip: return (clip.low, clip.high)
    default: return nil
    }
  }
}

extension [Tensor] {
  /// The weight and the bias of a layer that reads channels times `read` and is to write them times `written`.
  fileprivate func rescaled(_ read: [Float], _ written: [Float], groups: Int) -> [Tensor] {
    let (outputs, columns) = (self[0].shape[0], self[0].shape[1])
    let inner = self[0].count / (outputs * columns)
    let weight = self[0].withUnsafeBuffer { weight in
      Tensor(shape: self[0].shape) { scaled in
        for output in 0..<outputs {
          let first = output / (outputs / groups) * columns
          for column in 0..<columns {
            let factor = written[output] / read[first + column]
            let start = (output * columns + column) * inner
            for place in start..<start + inner { scaled[place] = factor * weight[place] }
          }
        }
      }
    }
    return [weight] + dropFirst().map { $0.rowsScaled(by: written) }
  }
}

extension Tensor {
  /// A vector times a vector.
  fileprivate func rowsScaled(by factors: [Float]) -> Tensor {
    Tensor(shape: shape, zip(scalars, factors).map { $0 * $1 })
  }
}

/// The constraints on a graph's channels: which of them must have the same scale, and which the scale 1. Channels are
/// the first axis of a value; a value without an axis has one.
private struct ChannelScales {
  private let starts: [Int]
  private let counts: [Int]
  /// The union-find parents of all channels of all nodes: another channel with the same scale, or the channel itself.
  private var parents: [Int]
  private var isFixed: [Bool]

  init(_ graph: Graph) {
    counts = graph.nodes.map { $0.shape.first ?? 1 }
    var start = 0
    starts = counts.map { count in
      defer { start += count }
      return start
    }
    parents = Array(0..<start)
    isFixed = Array(repeating: false, count: start)
    for (index, node) in graph.nodes.enumerated() { addConditions(of: node, index, graph) }
    for output in graph.outputs { fix(output.node) }
    for place in parents.indices where isFixed[place] { isFixed[root(place)] = true }
  }

  /// The first channel of each set whose scale is free.
  var free: [(node: Int, channel: Int)] {
    starts.indices.flatMap { node in
      (0..<counts[node]).filter { starts[node] + $0 == root(starts[node] + $0) && !isFixed[starts[node] + $0] }
        .map { (node, $0) }
    }
  }

  /// The scale of each channel of each node, with factors for ``free``.
  func values(_ factors: [Float]) -> [[Float]] {
    var scales = [Float](repeating: 1, count: parents.count)
    for (place, factor) in zip(free, factors) { scales[starts[place.node] + place.channel] = factor }
    return starts.indices.map { node in (0..<counts[node]).map { scales[root(starts[node] + $0)] } }
  }

  private mutating func addConditions(of node: Graph.Node, _ index: Int, _ graph: Graph) {
    let inputs = node.inputs
    switch node.operation {
    case is Convolution, is VolumeConvolution: break
    case is Linear where node.shape.count == 1: break
    case is BatchNorm: fix(inputs[0])
    case is ReLU, is LeakyReLU, is PReLU, is Identity, is any MaxPooling, is AveragePool, is VolumeAveragePool:
      join(index, inputs[0])
    case let operation where operation.limits(channels: counts[index]).map(Self.containsZero) == true:
      join(index, inputs[0])
    case is Add where inputs.allSatisfy { graph.nodes[$0].shape == node.shape }:
      for input in inputs { join(index, input) }
    case is Multiply where graph.nodes[inputs[0]].shape == node.shape:
      join(index, inputs[0])
      fix(inputs[1])
    case let operation as Concatenate:
      var first = 0
      for input in inputs {
        join(index, input, at: first)
        if operation.axis == 0 { first += counts[input] }
      }
    case let slice as Slice:
      for (channel, source) in slice.channels(of: counts[inputs[0]]).enumerated() {
        join(starts[index] + channel, place: starts[inputs[0]] + source)
      }
    case is Reshape where node.shape.first == graph.nodes[inputs[0]].shape.first && !node.shape.isEmpty:
      join(index, inputs[0])
    case is Reshape where node.shape.count == 1 && counts[index] % counts[inputs[0]] == 0:
      let inner = counts[index] / counts[inputs[0]]
      for value in 0..<counts[index] { join(starts[index] + value, place: starts[inputs[0]] + value / inner) }
    default:
      fix(index)
      for input in inputs { fix(input) }
    }
  }

  private static func containsZero(_ limits: (low: [Double], high: [Double])) -> Bool {
    limits.low.allSatisfy { $0 <= 0 } && limits.high.allSatisfy { $0 >= 0 }
  }

  private mutating func fix(_ node: Int) {
    for place in starts[node]..<starts[node] + counts[node] { isFixed[place] = true }
  }

  /// The channels of `input` are those of `node` from `first` on.
  private mutating func join(_ node: Int, _ input: Int, at first: Int = 0) {
    for channel in 0..<counts[input] { join(starts[node] + first + channel, place: starts[input] + channel) }
  }

  /// The earlier of two sets' first channels is that of both.
  private mutating func join(_ place: Int, place other: Int) {
    let (a, b) = (root(place), root(other))
    parents[max(a, b)] = min(a, b)
  }

  private func root(_ place: Int) -> Int {
    var place = place
    while parents[place] != place { place = parents[place] }
    return place
  }
}
