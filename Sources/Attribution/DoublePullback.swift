import Pullbacks

/// The pullback where the pullback leads: `nu(x + alpha nu(x))`, without normalisation.
///
/// Source: paper v5, with alpha 1 and 2. Cost: two forward and two backward passes.
public struct DoublePullback: Explainer {
  public let name: String
  /// Of both pullbacks.
  public let rules: RuleSet
  /// How far the image is moved along the first pullback, which is not normalised.
  public let alpha: Double

  /// - Parameters:
  ///   - rules: what `nu` is: the soft rules, or the gradient's.
  ///   - name: of the explainer.
  ///   - alpha: the step's factor; the released values are 1 and 2.
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
