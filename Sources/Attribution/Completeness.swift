import Pullbacks

/// The part of `f(x) - f(baseline)` that an attribution accounts for.
///
/// Integrated gradients and DeepLift share the change of the target's value out over the image: in theory, for IG in
/// the limit of many points, nothing is left. How much is left in practice tells how far an attribution can be trusted
/// as an account.
public struct Completeness: Sendable, Equatable {
  /// The sum of the attribution over all values of an image.
  public let sum: Double
  /// The target's value at the image less that at the baseline.
  public let change: Double
  /// The sum of the attribution minus `f(x) - f(baseline)`.
  public var residual: Double { sum - change }
}

extension Explainer {
  /// The completeness of each input's attribution; nil for an explainer without a ``sharedFrom``.
  ///
  /// - Parameters:
  ///   - attribution: the explainer's attribution for `x` and `selector`.
  ///   - selector: the quantity of each input's output that was explained.
  ///   - x: inputs, batch axis first.
  ///   - network: the network that was explained.
  /// - Complexity: one forward pass for each input and one for the baseline.
  public func completeness(
    of attribution: Tensor, for selector: Selector, at x: Tensor, of network: Network
  ) throws(PullbackError) -> [Completeness]? {
    guard sharedFrom != nil else { return nil }
    return try completeness(of: [attribution], for: [selector], where: network(x), of: network)?[0]
  }

  /// The completeness of attributions at inputs whose output is known, per selector and input; nil for an explainer
  /// without a ``sharedFrom``.
  ///
  /// - Parameters:
  ///   - attributions: the explainer's attributions, one for each selector.
  ///   - selectors: the quantities of each input's output that were explained.
  ///   - output: the output of the network at the inputs.
  ///   - network: the network that was explained.
  /// - Complexity: one forward pass, for the baseline.
  public func completeness(
    of attributions: [Tensor], for selectors: [Selector], where output: Tensor, of network: Network
  ) throws(PullbackError) -> [[Completeness]]? {
    guard let sharedFrom else { return nil }
    let nothing = try network(sharedFrom.tensor(network.graph.inputShape)).repeated(output.shape[0])
    var results: [[Completeness]] = []
    for (attribution, selector) in zip(attributions, selectors) {
      let values = try selector.values(of: output, of: network)
      let starts = try selector.values(of: nothing, of: network)
      results.append(
        values.indices.map { image in
          Completeness(
            sum: attribution.image(image).scalars.reduce(0) { $0 + Double($1) }, change: values[image] - starts[image])
        })
    }
    return results
  }
}

/// A network of ReLUs, ReLU6s and max pools at a point, as the affine map that it is there: `f(x) = <nu(x), x> + b(x)`.
///
/// `nu` is the hard pullback of the selected output. The bias part is summed up by itself, over every constant of the
/// network times the cotangent that arrives where it is added; that the two give the value says that both are complete.
/// Source: the paper, section 2.
public struct AffineParts: Sendable, Equatable {
  /// `<nu(x), x>`
  public let linear: Double
  /// The part of biases, running means, shifts, and of the sixes of saturated ReLU6s.
  public let bias: Double
  /// The target's value.
  public let value: Double
  /// The value minus both parts: nothing but rounding.
  public var residual: Double { value - linear - bias }

  /// - Parameters:
  ///   - network: a network of operations that are affine at a fixed routing.
  ///   - x: one image, `(1, C, H, W)`.
  ///   - selector: the output that is selected.
  /// - Throws: `PullbackError` if the network has an operation that is not affine at a fixed routing, or whose
  ///   constants are not known here.
  /// - Complexity: one forward and one backward pass.
  public init(of network: Network, at x: Tensor, _ selector: Selector) throws(PullbackError) {
    let graph = network.graph
    let limited = graph.nodes.filter { $0.operation is ReLU6 }.map(\.name)
    let trace = try network.trace(at: x, rules: [.hardPullback], keeping: limited)
    let cotangent = try selector.cotangent(at: trace.value, of: network)
    let shifted = graph.nodes.filter { !$0.parameters.isEmpty }.map(\.name)
    let pulled = try trace.pullbacks(cotangent, by: .hardPullback, to: [graph.nodes[0].name] + shifted + limited)
    value = try selector.values(of: trace.value, of: network)[0]
    linear = inner(pulled[graph.nodes[0].name]!.scalars, x.scalars)
    var sixes = 0.0
    for name in limited {
      for (z, v) in zip(try trace.activation(name).scalars, pulled[name]!.scalars) where z == 6 {
        sixes += 6 * Double(v)
      }
    }
    bias = try sixes + Self.bias(network, pulled)
  }

  private static let withoutConstants: Set = [
    "input", "relu", "relu6", "maxpool", "avgpool", "add", "reshape", "dropout", "identity",
  ]

  private static func bias(
    _ network: Network, _ pulled: [String: Tensor]
  ) throws(PullbackError) -> Double {
    let parameters = network.parameters
    var sum = 0.0
    for node in network.graph.nodes {
      switch node.operation {
      case let norm as BatchNorm:
        // gamma (x - mean) / sqrt(var + eps) + beta
        let (gamma, beta, mean, variance) = (
          parameters["\(node.name).weight"]!.scalars, parameters["\(node.name).bias"]!.scalars,
          parameters["\(node.name).running_mean"]!.scalars, parameters["\(node.name).running_var"]!.scalars
        )
        for (channel, v) in channelSums(pulled[node.name]!).scalars.enumerated() {
          let deviation = (Double(variance[channel]) + Double(norm.epsilon)).squareRoot()
          sum += Double(v) * (Double(beta[channel]) - Double(gamma[channel]) * Double(mean[channel]) / deviation)
        }
      case is Convolution, is Linear:
        if let bias = parameters["\(node.name).bias"] {
          sum += inner(bias.scalars, channelSums(pulled[node.name]!).scalars)
        }
      case let affine as ChannelAffine where node.inputs == [0]:
        // The image's cotangent is the scale times the one that meets the shift.
        let image = pulled[network.graph.nodes[0].name]!
        let plane = image.count / affine.scale.count
        for (index, v) in image.scalars.enumerated() {
          sum += Double(v) / Double(affine.scale[index / plane]) * Double(affine.shift[index / plane])
        }
      default:
        guard !withoutConstants.contains(node.operation.kind) else { continue }
        throw PullbackError(
          .usage, "node \(node.name)", "the constants of a \(node.operation.kind) are not known",
          advice: "take a network of ReLUs, ReLU6s, max pools and batch norms")
      }
    }
    return sum
  }
}

private func inner(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
