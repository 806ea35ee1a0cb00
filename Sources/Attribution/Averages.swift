import Pullbacks

/// The mean of pullbacks at several points: `sum_i w_i nu(x_i)`, times `x - baseline` if so asked.
///
/// | points | rules of the gradient | soft rules |
/// |---|---|---|
/// | ``TheImage`` | Gradient | Soft Pullback |
/// | ``NoisyImages`` | SmoothGrad | Smooth Pullback |
/// | ``NoisyNetworks`` | FusionGrad | Fusion Pullback |
/// | ``RandomPath``, times the input | GradientShap | Pullback SHAP |
/// | ``StraightPath``, times the input | Integrated Gradients | Integrated Pullbacks |
///
/// Sources: the paper, sections 2 to 4, and those named with the points. Cost: one forward and one backward pass per
/// point.
public struct PullbackAverage: Explainer {
  public let name: String
  /// The rules that pull the output back.
  public let rules: RuleSet
  public let points: any Points
  /// The result is multiplied by the input's distance from here; nil is no multiplication.
  public let multipliedFrom: Baseline?

  /// - Parameters:
  ///   - rules: the rules that pull the output back.
  ///   - points: where, and how many times.
  ///   - name: the name of the explainer.
  ///   - multipliedFrom: the baseline of explainers that multiply by `x - baseline`; nil is no multiplication.
  public init(_ rules: RuleSet, at points: any Points = TheImage(), name: String, multipliedFrom: Baseline? = nil) {
    self.rules = rules
    self.points = points
    self.name = name
    self.multipliedFrom = multipliedFrom
  }

  public var settings: [String: String] {
    points.settings.merging(
      multipliedFrom == nil ? ["rules": rules.name] : ["rules": rules.name, "multiplied by": "x - baseline"]) { $1 }
  }

  public var sharedFrom: Baseline? { multipliedFrom }

  public func cost(for graph: Graph) -> Cost {
    Cost(forward: points.count * points.rounds, backward: points.count * points.rounds)
  }

  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan {
    if let multipliedFrom { _ = try multipliedFrom.tensor(network.graph.inputShape) }
    return Plan([.init(by: rules)])
  }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    guard let multipliedFrom else { return found.pullbacks[0] }
    let distance = multipliedFrom.distance(to: x)
    return found.pullbacks[0].map { distance * $0 }
  }
}

/// Another explainer's attribution, finished by a map of its values.
public struct Decorated: Explainer {
  /// The function applied to each value.
  public enum Finish: String, Sendable {
    /// `|a|`: saliency is the gradient's.
    case magnitude
    /// `x a`: input times gradient, and what the released runs call DeepLift.
    case timesInput = "times input"
  }

  public let name: String
  /// The explainer whose attribution is finished.
  public let base: any Explainer
  /// The function applied to each value of its attribution.
  public let finish: Finish

  /// - Parameters:
  ///   - base: the explainer whose attribution is finished.
  ///   - finish: the function applied to each value.
  ///   - name: the name of the explainer.
  public init(_ base: any Explainer, _ finish: Finish, name: String) {
    self.base = base
    self.finish = finish
    self.name = name
  }

  public var settings: [String: String] { base.settings.merging(["then": finish.rawValue]) { $1 } }
  public var requirement: InputRequirement { base.requirement }
  public var points: any Points { base.points }
  public var randomNumbers: RandomNumbers { base.randomNumbers }
  public func cost(for graph: Graph) -> Cost { base.cost(for: graph) }

  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan {
    try base.plan(for: network, in: context)
  }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    try base.finish(found, at: x, selectors, of: network, in: context).map {
      switch finish {
      case .magnitude: $0.magnitudes
      case .timesInput: x * $0
      }
    }
  }
}

/// DeepLift with the rescale rule: the multipliers from a baseline to the input, times `x - baseline`. In a network of
/// ReLU, ReLU6 and max pooling the attribution sums to `f(x) - f(baseline)`.
///
/// The paper's DeepLift rows are not this, but `x` times the gradient: see ``Method/deepLiftReleased``.
/// Source: Shrikumar et al. 2017 (arXiv 1704.02685). Cost: two forward passes, one of them at the baseline and shared
/// by all inputs, and one backward pass.
public struct DeepLift: Explainer {
  public let name: String
  /// The baseline at which multipliers start.
  public let baseline: Baseline

  /// - Parameters:
  ///   - name: the name of the explainer.
  ///   - baseline: the baseline at which multipliers start.
  public init(name: String, baseline: Baseline = .value(0)) {
    self.name = name
    self.baseline = baseline
  }

  public var sharedFrom: Baseline? { baseline }
  public var settings: [String: String] { ["rules": "deeplift", "baseline": baseline.setting] }
  public func cost(for graph: Graph) -> Cost { Cost(forward: 2, backward: 1) }

  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan {
    let rules = try RuleSet.deepLift(of: network, baseline: baseline.tensor(network.graph.inputShape))
    context.report(forward: 1)
    return Plan([.init(by: rules)])
  }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let distance = baseline.distance(to: x)
    return found.pullbacks[0].map { distance * $0 }
  }
}
