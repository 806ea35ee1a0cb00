/// The positive part of what another rule pulls back: `max(0, rule(v))`.
///
/// Over the gradient of a ReLU it is guided backpropagation, `relu(v) [z > 0]`; over
/// ``PassThrough`` deconvolution, `relu(v)`; over the soft gate the guided pullback, `relu(v Phi(z / tau))`.
/// Sources: Springenberg et al. 2015 (arXiv 1412.6806); Zeiler & Fergus 2014 (arXiv 1311.2901).
public struct Rectified: Rule {
  /// The rule whose result loses its negative part.
  public let rule: any Rule
  /// - Parameter rule: the rule whose result loses its negative part.
  public init(_ rule: any Rule) { self.rule = rule }

  public var equation: String { "relu(\(rule.equation))" }
  public func equation(at operation: any Operation) -> String { "relu(\(rule.equation(at: operation)))" }
  public var source: String { "Springenberg et al. 2015, arXiv 1412.6806; Zeiler & Fergus 2014, arXiv 1311.2901" }
  public func needs(at operation: any Operation) -> Needs { rule.needs(at: operation) }
  public var isRouting: Bool { rule.isRouting }
  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try rule.check(node, carriesInput: carriesInput)
  }
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    rule.pull(v, at: site).map { $0?.clamped(to: 0...Float.infinity) }
  }

  public static func == (a: Rectified, b: Rectified) -> Bool { AnyHashable(a.rule) == AnyHashable(b.rule) }
  public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(rule)) }
}

/// The cotangent as it comes, for operations that keep their input's shape: deconvolution at ReLUs, and layer-wise
/// relevance propagation at activations, which hand relevance on as it is.
public struct PassThrough: Rule {
  public init() {}
  public var equation: String { "v" }
  public var source: String {
    "Zeiler & Fergus 2014, arXiv 1311.2901; Bach et al. 2015, doi 10.1371/journal.pone.0130140"
  }
  public func needs(at operation: any Operation) -> Needs { [] }
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { site.wants.map { _ in v } }
}

extension RuleSet {
  /// Guided backpropagation: the gradient, of which only the positive part passes a ReLU. ReLU6 is treated as a ReLU.
  public static let guidedBackprop = RuleSet(
    "guided-backprop",
    [(.kind("relu"), Rectified(Gradient())), (.kind("relu6"), Rectified(Gradient())), (.any, Gradient())])

  /// Deconvolution: the gradient, but a ReLU of the cotangent takes the place of the ReLU's gate.
  public static let deconvolution = RuleSet(
    "deconvolution",
    [(.kind("relu"), Rectified(PassThrough())), (.kind("relu6"), Rectified(PassThrough())), (.any, Gradient())])

  /// This table with only the positive part of every cotangent passing a ReLU: over the soft pullback, the guided
  /// pullback.
  ///
  /// - Throws: `PullbackError` if the table has no rule for a ReLU of `graph`.
  public func guided(over graph: Graph) throws(PullbackError) -> RuleSet {
    var rules = self
    rules.name = "guided-\(name)"
    for node in graph.nodes where node.operation is ReLU || node.operation is ReLU6 {
      rules = rules.overriding(.node(node.name), with: Rectified(try rule(for: node)))
    }
    return rules
  }
}
