/// The spreads of a network's pre-activations and of what its max pools take, by the activations' and pools' names.
///
/// They are what a soft pullback's noise is relative to: see ``RuleSet/relativePullback(_:_:over:border:)``.
public struct Spreads: Hashable, Sendable {
  private var spreads: [String: Spread]

  /// - Parameter spreads: by the name of the activation or max pool.
  public init(_ spreads: [String: Spread] = [:]) { self.spreads = spreads }

  /// The spread of what the node called `name` takes; nil where it is not known.
  public subscript(name: String) -> Spread? { spreads[name] }

  /// The spreads that a network's parameters tell of, without an image: a batch norm gives its channel the mean beta
  /// and the deviation |gamma|, and from there means and variances are followed.
  ///
  /// Values are taken to be normal and branches independent: the variances of a sum add, and an activation makes of a
  /// normal variable the mean and the variance of its value. Sums, concatenations of channels and fixed scales per
  /// channel are passed too; behind everything else nothing is known until the next batch norm.
  public init(of network: Network) {
    self.init()
    var known = [Moments?](repeating: nil, count: network.graph.nodes.count)
    for (index, node) in network.graph.nodes.enumerated() {
      if node.isSoftened, let moments = known[node.inputs[0]] {
        spreads[node.name] = Spread(.batchNorm, moments.variance.map { Float($0.squareRoot()) })
      }
      known[index] = Moments(of: node, network.parameters(of: index), node.inputs.map { known[$0] }, network.graph)
    }
  }

  /// The spreads that images show: the standard deviation of each channel over all images and places.
  ///
  /// - Parameters:
  ///   - network: whose values are looked at.
  ///   - batches: of images, `(N, C, H, W)`; together they must be more than a few for the numbers to mean something.
  /// - Complexity: one forward pass for each image.
  public static func measured(of network: Network, at batches: some Sequence<Tensor>) throws(PullbackError) -> Spreads {
    let graph = network.graph
    let nodes = graph.nodes.filter(\.isSoftened)
    let sources = nodes.map { graph.nodes[$0.inputs[0]] }
    let axes = graph.channelAxes
    var sums = nodes.map { ChannelMoments(graph.nodes[$0.inputs[0]].shape, $0.channelAxis(axes)) }
    for batch in batches {
      let trace = try network.trace(at: batch, rules: [], keeping: sources.map(\.name))
      for (place, source) in sources.enumerated() { sums[place].add(try trace.activation(source.name)) }
    }
    return Spreads(
      Dictionary(uniqueKeysWithValues: zip(nodes, sums).map { node, sums in (node.name, sums.spread) }))
  }

  /// These spreads, and those of `others` where these have none.
  public func completed(by others: Spreads) -> Spreads {
    Spreads(spreads.merging(others.spreads) { own, _ in own })
  }
}

extension Graph.Node {
  /// Whether the soft pullback perturbs what the node takes.
  fileprivate var isSoftened: Bool {
    !inputs.isEmpty && (operation.isGate && operation.character == .gate || operation is any MaxPooling)
  }

  /// Which axis has the channels of what the node takes, given the axes of all values.
  fileprivate func channelAxis(_ axes: [Spread.ChannelAxis]) -> Spread.ChannelAxis {
    operation is any MaxPooling ? .first : axes[inputs[0]]
  }
}

extension RuleSet {
  /// The soft pullback with noise of c times each channel's own spread, in place of a temperature for all: an
  /// extension, not in the paper. Attention, normalisation and routing are held as in the hard pullback.
  ///
  /// - Parameters:
  ///   - c: the multiple; ``RelativeGate`` and ``RelativeMaxPool`` say what it does.
  ///   - spreads: of the network's pre-activations. Where one is missing, the image's own values give it; a channel
  ///     that is a single number has none there, and keeps its hard rule.
  ///   - graph: of the network that is to be explained.
  ///   - border: what the places of a max pool's window outside the plane do.
  public static func relativePullback(
    _ c: Float, _ spreads: Spreads, over graph: Graph, border: SoftMaxPool.Border = .zeros
  ) -> RuleSet {
    var entries: [(Pattern, any Rule)] = []
    let axes = graph.channelAxes
    for node in graph.nodes where node.isSoftened {
      let spread = spreads[node.name] ?? .ofImage(channelAxis: node.channelAxis(axes))
      entries.append(
        (
          .node(node.name),
          node.operation is any MaxPooling
            ? RelativeMaxPool(c, of: spread, border: border) : RelativeGate(c, of: spread)
        ))
    }
    return RuleSet("relative-pullback", entries + hardPullback.entries.map { ($0.pattern, $0.rule) })
  }
}

/// The mean and the variance of each channel of a value `(C, ...)`, as far as batch norms tell.
private struct Moments {
  var mean: [Double]
  var variance: [Double]

  /// - Parameter inputs: of what the node takes; nil where nothing is known.
  init?(of node: Graph.Node, _ parameters: [Tensor], _ inputs: [Moments?], _ graph: Graph) {
    if node.operation is BatchNorm {
      mean = parameters[1].scalars.map(Double.init)
      variance = parameters[0].scalars.map { Double($0) * Double($0) }
      return
    }
    guard !inputs.isEmpty, let first = inputs[0] else { return nil }
    self = first
    switch node.operation {
    // Twice the same is not independent.
    case is Add where Set(node.inputs).count == node.inputs.count:
      for (input, other) in zip(node.inputs, inputs).dropFirst() {
        guard let other, graph.nodes[input].shape == node.shape else { return nil }
        mean = zip(mean, other.mean).map(+)
        variance = zip(variance, other.variance).map(+)
      }
    case is Concatenate where graph.nodes[node.inputs[0]].shape.dropFirst() == node.shape.dropFirst():
      for other in inputs.dropFirst() {
        guard let other else { return nil }
        mean += other.mean
        variance += other.variance
      }
    case let affine as ChannelAffine:
      mean = zip(mean, zip(affine.scale, affine.shift)).map { $0 * Double($1.0) + Double($1.1) }
      variance = zip(variance, affine.scale).map { $0 * Double($1) * Double($1) }
    case let slice as Slice:
      let channels = slice.channels(of: mean.count)
      (mean, variance) = (channels.map { first.mean[$0] }, channels.map { first.variance[$0] })
    case is Identity: break
    case let gate as any Gate: self = first.through { _, z in gate.value(z) }
    case let gates as any ChannelwiseGate: self = first.through { gates.gate(ofChannel: $0, parameters).value($1) }
    // The largest of a window is larger on average; its spread is taken to be that of the window's values.
    case is any MaxPooling: break
    default: return nil
    }
  }

  private init(mean: [Double], variance: [Double]) { (self.mean, self.variance) = (mean, variance) }

  /// Of a function's value at normal variables, channel by channel; the deviations are exact to 1e-4.
  private func through(_ f: (_ channel: Int, _ z: Double) -> Double) -> Moments {
    let moments = mean.indices.map { channel -> (Double, Double) in
      let (mean, deviation) = (mean[channel], variance[channel].squareRoot())
      guard deviation > 0 else { return (f(channel, mean), 0) }
      func average(_ g: (Double) -> Double) -> Double {
        normalAverage(at: mean, deviation: deviation, steps: 400, of: g)
      }
      let first = average { f(channel, $0) }
      return (first, average { (f(channel, $0) - first) * (f(channel, $0) - first) })
    }
    return Moments(mean: moments.map(\.0), variance: moments.map(\.1))
  }
}

/// Sums over images and places of each channel's values and their squares.
private struct ChannelMoments {
  private let axis: Spread.ChannelAxis
  private var count = 0.0
  /// Of the differences to each channel's first value, so that a channel that never changes has no spread.
  private var sums: [Double]
  private var squares: [Double]
  private var firsts: [Double?]

  init(_ shape: [Int], _ axis: Spread.ChannelAxis) {
    self.axis = axis
    let channels = (axis == .first ? shape.first : shape.last) ?? 1
    sums = [Double](repeating: 0, count: channels)
    squares = sums
    firsts = Array(repeating: nil, count: channels)
  }

  mutating func add(_ value: Tensor) {
    let inner = axis == .first ? value.shape.dropFirst(2).reduce(1, *) : 1
    value.withUnsafeBuffer { values in
      for (index, x) in values.enumerated() {
        let channel = index / inner % sums.count
        if firsts[channel] == nil { firsts[channel] = Double(x) }
        let difference = Double(x) - firsts[channel]!
        sums[channel] += difference
        squares[channel] += difference * difference
      }
    }
    count += Double(value.count / sums.count)
  }

  var spread: Spread {
    let deviations = zip(sums, squares).map { sum, square in
      Float(max(0, square / max(1, count) - (sum / max(1, count)) * (sum / max(1, count))).squareRoot())
    }
    return Spread(.calibration, deviations, channelAxis: axis)
  }
}
