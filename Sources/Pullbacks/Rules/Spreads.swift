/// The spreads of a network's pre-activations and of what its max pools take, by the activations' and pools' names.
///
/// They are what a soft pullback's noise is relative to: see
/// ``RuleSet/relativePullback(_:_:over:else:border:attention:)``.
public struct Spreads: Hashable, Sendable {
  private var spreads: [String: Spread]

  /// - Parameter spreads: the spreads, by the name of the activation or max pool.
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
        let deviations = moments.variance.map { Float($0.squareRoot()) }
        spreads[node.name] = Spread(moments.isSum ? .batchNorms : .batchNorm, deviations)
      }
      known[index] = Moments(of: node, network.parameters(of: index), node.inputs.map { known[$0] }, network.graph)
    }
  }

  /// These spreads, and those of `others` where these have none.
  public func completed(by others: Spreads) -> Spreads {
    Spreads(spreads.merging(others.spreads) { own, _ in own })
  }
}

extension Spread: CustomStringConvertible {
  /// The source of the deviations and their range: `batch norm, 0.31 to 3.6`.
  public var description: String {
    source.rawValue + (range.map { ", \($0.lowerBound) to \($0.upperBound)" } ?? "")
  }
}

/// The mean and the variance of each channel of a value `(C, ...)`, as far as batch norms tell.
private struct Moments {
  var mean: [Double]
  var variance: [Double]
  /// Whether the values of several batch norms were added up.
  var isSum = false

  /// - Parameter inputs: the spreads of the node's inputs; nil where nothing is known.
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
        isSum = true
      }
    case is Concatenate where graph.nodes[node.inputs[0]].shape.dropFirst() == node.shape.dropFirst():
      for other in inputs.dropFirst() {
        guard let other else { return nil }
        mean += other.mean
        variance += other.variance
        isSum = isSum || other.isSum
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

  private init(mean: [Double], variance: [Double], isSum: Bool) {
    (self.mean, self.variance, self.isSum) = (mean, variance, isSum)
  }

  /// The moments of a function's value at normal variables, channel by channel; the deviations are exact to 1e-4.
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
    return Moments(mean: moments.map(\.0), variance: moments.map(\.1), isSum: isSum)
  }
}
