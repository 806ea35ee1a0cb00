import Pullbacks

/// DeepLift with the rescale rule: the multipliers from a baseline to the image, times `x - baseline`. In a network of
/// ReLU, ReLU6 and max pooling the attribution sums to `f(x) - f(baseline)`.
///
/// The paper's DeepLift rows are not this, but `x` times the gradient: see ``Method/deepLiftReleased``.
/// Source: Shrikumar et al. 2017 (arXiv 1704.02685). Cost: two forward passes, one of them at the baseline and shared
/// by all images, and one backward pass.
public struct DeepLift: Explainer {
  public let name: String
  /// Where multipliers start.
  public let baseline: Baseline

  /// - Parameters:
  ///   - name: of the explainer.
  ///   - baseline: where multipliers start.
  public init(name: String, baseline: Baseline = .value(0)) {
    self.name = name
    self.baseline = baseline
  }

  public var sharedFrom: Baseline? { baseline }
  public var settings: [String: String] { ["rules": "deeplift", "baseline": baseline.setting] }
  public func cost(for graph: Graph) -> Cost { Cost(forward: 2, backward: 1) }

  public func explain(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let rules = try RuleSet.deepLift(of: network, baseline: baseline.tensor(network.graph.inputShape))
    context.report(forward: 1)
    let multipliers = PullbackAverage(rules, name: name, multipliedFrom: baseline)
    return try multipliers.explain(x, selectors, of: network, in: context)
  }
}
