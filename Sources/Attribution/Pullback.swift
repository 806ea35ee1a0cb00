import Pullbacks

/// One backward pass from the selected logit: `nu(x) = W(x)^T u`.
///
/// With the rules ``RuleSet/gradient`` it is the gradient, with ``RuleSet/softPullback(_:border:)`` the soft pullback.
/// Source: paper, sections 2 and 3. Cost: one forward and one backward pass.
public struct Pullback: Explainer {
  public let name: String
  public let rules: RuleSet

  public init(_ rules: RuleSet, name: String) {
    self.rules = rules
    self.name = name
  }

  public var settings: [String: String] { ["rules": rules.name] }

  public func attribute(_ x: Tensor, _ selector: Selector, of network: Network) throws(PullbackError) -> Tensor {
    let trace = try network.trace(at: x, rules: [rules])
    return try trace.pullback(selector.cotangent(network, images: x.shape[0]), by: rules)
  }
}
