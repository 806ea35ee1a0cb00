import Pullbacks

/// Layer-wise relevance propagation by one of zennit's composites: how much of the target each value of the picture
/// accounts for, sharing every layer's relevance out among its inputs.
///
/// Relevance starts as the target's cotangent, a one for a logit, and is read at the input of the first layer with
/// parameters, before which only the normalisation may stand. Batch norms are folded into the layers before them, once
/// for all images and selectors that are explained together; see `Network.mergingBatchNorms()`.
///
/// Sources: Bach et al. 2015 (doi 10.1371/journal.pone.0130140); Montavon et al. 2019 (doi
/// 10.1007/978-3-030-28954-6_10); composites and constants as in zennit (Anders et al. 2021, arXiv 2106.13200). Cost:
/// one forward and one backward pass; the latter takes the value and the gradient of each convolution up to four times.
public struct LayerwiseRelevance: Explainer {
  /// The assignment of rules to layers; linear layers have the epsilon rule in each.
  public enum Composite: String, Sendable, CaseIterable {
    /// z+ at convolutions.
    case epsilonPlus = "epsilon-plus"
    /// z+ at convolutions, flat at the first layer.
    case epsilonPlusFlat = "epsilon-plus-flat"
    /// gamma at convolutions, the box of pictures at the first one.
    case epsilonGammaBox = "epsilon-gamma-box"
    /// alpha 2, beta 1 at convolutions.
    case epsilonAlpha2Beta1 = "epsilon-alpha2-beta1"
    /// alpha 2, beta 1 at convolutions, flat at the first layer.
    case epsilonAlpha2Beta1Flat = "epsilon-alpha2-beta1-flat"

    /// The table for a network whose batch norms are folded.
    ///
    /// - Throws: `PullbackError` if the network has no layer to treat as the first, or other layers than the
    ///   normalisation stand before the first one with parameters.
    public func rules(for graph: Graph) throws(PullbackError) -> RuleSet {
      switch self {
      case .epsilonPlus: return .epsilonPlus
      case .epsilonPlusFlat: return try .epsilonPlusFlat(for: graph)
      case .epsilonGammaBox:
        let (low, high) = try graph.pictureBounds()
        return try .epsilonGammaBox(low: low, high: high, for: graph)
      case .epsilonAlpha2Beta1: return .epsilonAlpha2Beta1
      case .epsilonAlpha2Beta1Flat: return try .epsilonAlpha2Beta1Flat(for: graph)
      }
    }
  }

  public let name: String
  /// The assignment of rules to layers.
  public let composite: Composite

  /// - Parameters:
  ///   - composite: the assignment of rules to layers.
  ///   - name: the name of the explainer.
  public init(_ composite: Composite, name: String) {
    self.composite = composite
    self.name = name
  }

  public var settings: [String: String] { ["composite": composite.rawValue] }
  /// Pictures for the box rule, whose box holds the values of pictures; else any input.
  public var requirement: InputRequirement { composite == .epsilonGammaBox ? .pictures : .any }
  public func cost(for graph: Graph) -> Cost { Cost(forward: 1, backward: 1) }

  /// Throws unless the composite is defined for `graph`, batch norms folded or not.
  func check(_ graph: Graph) throws(PullbackError) {
    try requirement.check(graph.inputShape, for: name)
    _ = try graph.firstLayerInput()
    _ = try composite.rules(for: graph)
  }

  public var points: any Points { FoldedNorms() }

  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan {
    let place = try network.graph.firstLayerInput()
    return Plan([.init(by: try composite.rules(for: network.graph), to: network.graph.nodes[place].name)])
  }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    found.pullbacks[0]
  }
}

/// The input itself, seen by the network with its batch norms folded into the layers before them.
private struct FoldedNorms: Points {
  var count: Int { 1 }
  var settings: [String: String] { [:] }
  func network(_ network: Network, round: Int, noise: NoiseSource) -> Network { network.mergingBatchNorms() }
  func point(_ index: Int, round: Int, of x: Tensor, key: Int, noise: NoiseSource) -> Tensor { x }
}

extension Graph {
  /// The node whose value goes into the first layer with parameters, in the shape of the input: the input itself, or
  /// what normalisation makes of it.
  fileprivate func firstLayerInput() throws(PullbackError) -> Int {
    guard let layer = nodes.first(where: { !$0.inputs.isEmpty && !$0.parameters.isEmpty }) else {
      throw PullbackError(.usage, "relevance in \(name)", "the network has no layer with parameters")
    }
    // Values may be laid out otherwise before the layer: relevance is read where they still lie as in the input.
    var place = layer.inputs[0]
    while nodes[place].operation is Reshape || nodes[place].operation is Identity { place = nodes[place].inputs[0] }
    let start = place
    while nodes[place].operation is ChannelAffine { place = nodes[place].inputs[0] }
    guard place == 0, nodes[0].type == .float32 else {
      throw PullbackError(
        .usage, "relevance in \(name)",
        "expected nothing but normalisation before the first layer with parameters, which is \(layer.name), "
          + "found \(place == 0 ? "integers" : "\(nodes[place].operation.kind) \(nodes[place].name)")",
        advice: "explain the network from there on, by starting(at:)")
    }
    return start
  }

  /// The pixel bounds -1 and 1 at the input of the first layer with parameters, after normalisation, for each channel.
  fileprivate func pictureBounds() throws(PullbackError) -> (low: [Float], high: [Float]) {
    var place = try firstLayerInput()
    var steps: [ChannelAffine] = []
    while let step = nodes[place].operation as? ChannelAffine {
      steps.insert(step, at: 0)
      place = nodes[place].inputs[0]
    }
    let channels = inputShape[0]
    func bound(_ value: Float) -> [Float] {
      steps.reduce([Float](repeating: value, count: channels)) { values, step in
        zip(values, zip(step.scale, step.shift)).map { $0 * $1.0 + $1.1 }
      }
    }
    let ends = [bound(-1), bound(1)]
    return (zip(ends[0], ends[1]).map(min), zip(ends[0], ends[1]).map(max))
  }
}
