import Pullbacks

extension PullbackAverage {
  /// One backward pass from the selected output: `nu(x) = W(x)^T u`. With the rules ``RuleSet/gradient`` it is the gradient,
  /// with ``RuleSet/softPullback(_:border:attention:)`` the soft pullback.
  public static func pullback(_ rules: RuleSet, name: String) -> PullbackAverage {
    PullbackAverage(rules, name: name)
  }
}

/// The pullback where the pullback leads: `nu(x + alpha nu(x))`, without normalisation.
///
/// Source: paper v5, with alpha 1 and 2. Cost: two forward and two backward passes.
public struct DoublePullback: Explainer {
  public let name: String
  public let rules: RuleSet
  public let alpha: Double

  public init(_ rules: RuleSet, name: String, alpha: Double) {
    self.rules = rules
    self.name = name
    self.alpha = alpha
  }

  public var settings: [String: String] { ["rules": rules.name, "alpha": "\(alpha)"] }
  public func cost(for graph: Graph) -> Cost { Cost(forward: 2, backward: 2) }

  public func explain(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let pullback = PullbackAverage(rules, name: name)
    return try selectors.map { selector throws(PullbackError) in
      let first = try pullback.explain(x, [selector], of: network, in: context)[0]
      return try pullback.explain(x + Float(alpha) * first, [selector], of: network, in: context)[0]
    }
  }
}
