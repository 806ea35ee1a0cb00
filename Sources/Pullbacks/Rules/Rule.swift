/// How a cotangent is pulled back through one operation: the adjoint of the linear map that the rule puts in place of
/// the layer, at the point where the layer was evaluated.
///
/// A rule is a value without state. It states its equation and its source, which are printed by `pullbacks rules`.
public protocol Rule: Sendable {
  /// The equation, with `v` the incoming cotangent and `z` the layer's input: `v * Phi(z / tau), tau = 0.6`.
  var equation: String { get }

  /// Where the equation comes from: a paper and its section.
  var source: String { get }

  /// What the rule reads of the forward pass at `operation`.
  func needs(at operation: any Operation) -> Needs

  /// Whether the operation's output is routing: held constant, so that nothing is pulled back through it.
  var isRouting: Bool { get }

  /// Refuses places where the rule has no meaning.
  ///
  /// - Parameters:
  ///   - node: where the rule is to stand.
  ///   - carriesInput: which of its inputs depend on the image other than through routing.
  func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError)

  /// A cotangent for each input; those that ``Site/wants`` rules out may be nil.
  func pull(_ v: Tensor, at site: Site) -> [Tensor?]
}

extension Rule {
  public var isRouting: Bool { false }
  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {}

  /// Throws unless the node's operation is of the type that this rule is made for.
  func require<T: Operation>(_ type: T.Type, at node: Graph.Node) throws(PullbackError) {
    guard node.operation is T else {
      throw PullbackError(
        .usage, "node \(node.name)",
        "the rule \"\(equation)\" is for operations of type \(type), and this is a \(node.operation.kind)")
    }
  }
}

/// The operation's own gradient: for linear operations the ordinary adjoint, for others the derivative.
public struct Gradient: Rule {
  public init() {}
  public var equation: String { "J^T v" }
  public var source: String { "the chain rule" }
  public func needs(at operation: any Operation) -> Needs { operation.gradientNeeds }
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { site.operation.gradient(v, at: site) }
}

/// Routing: the output is a constant of the affine operator, and no cotangent goes through.
public struct Routing: Rule {
  public init() {}
  public var equation: String { "constant (routing), no cotangent" }
  public var source: String { "the paper, section 2" }
  public var isRouting: Bool { true }
  public func needs(at operation: any Operation) -> Needs { [] }
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { site.wants.map { _ in nil } }
}

/// A product of which at most one factor depends on the image other than through routing: linear in that one.
///
/// A product of two such factors is not affine in the image, and no pullback is defined for it.
public struct RoutedProduct: Rule {
  public init() {}
  public var equation: String { "v times the routing factor" }
  public var source: String { "the paper, section 2" }
  public func needs(at operation: any Operation) -> Needs { operation.gradientNeeds }
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { site.operation.gradient(v, at: site) }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    guard carriesInput.filter({ $0 }).count <= 1 else {
      throw PullbackError(
        .usage, "node \(node.name)",
        "both factors of this \(node.operation.kind) depend on the image, so no pullback is defined for it",
        advice: "name a rule for it, or for the operation that makes one factor routing")
    }
  }
}
