import Kernels

/// A rule pulls a cotangent back through one operation. It is the adjoint of the linear map that the rule puts in place
/// of the layer, at the point where the layer was evaluated.
///
/// A rule is a value without state. Rules are compared by value. ``equation`` and ``source`` are for display.
public protocol Rule: Hashable, Sendable {
  /// The equation, with `v` the incoming cotangent and `z` the layer's input: `v * Phi(z / tau), tau = 0.6`.
  var equation: String { get }

  /// The equation at a certain operation, if it is more specific. By default ``equation``.
  func equation(at operation: any Operation) -> String

  /// The source of the equation: a paper and its section.
  var source: String { get }

  /// The values of the forward pass that the rule reads at `operation`.
  func needs(at operation: any Operation) -> Needs

  /// Whether the operation's output is routing: held constant, so that nothing is pulled back through it.
  var isRouting: Bool { get }

  /// Refuses places where the rule has no meaning.
  ///
  /// - Parameters:
  ///   - node: the node that the rule is for.
  ///   - carriesInput: whether each of its inputs depends on the image other than through routing.
  func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError)

  /// A cotangent for each input, which may be nil where ``Site/wants`` is false.
  func pull(_ v: Tensor, at site: Site) -> [Tensor?]
}

extension Rule {
  public func equation(at operation: any Operation) -> String { equation }
  public var isRouting: Bool { false }
  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {}

  /// Throws unless the node's operation is one that this rule is made for.
  ///
  /// - Parameters:
  ///   - isMet: whether it is.
  ///   - operations: the operations that the rule is made for, in words: `max pooling`.
  ///   - node: the node that the rule is for.
  public func require(_ isMet: Bool, _ operations: String, at node: Graph.Node) throws(PullbackError) {
    guard isMet else {
      throw PullbackError(
        .usage, "node \(node.name)",
        "the rule \"\(equation)\" is for \(operations), and this is a \(node.operation.kind)")
    }
  }
}

/// A rule that multiplies the cotangent by a function of the pre-activation, place by place, at operations for which
/// that function has a kernel.
package protocol DiagonalRule: Rule {
  /// Nil where it has none.
  func map(at operation: any Operation) -> GateMap?
}

/// Like ``DiagonalRule``, for maps `(N, C, ...)`, with a function for each plane.
package protocol PlanewiseRule: Rule {
  /// A kernel for each plane of the pre-activation z, or for each channel where all images have the same; nil where
  /// there is none, or channels are another axis.
  func maps(at operation: any Operation, _ parameters: [Tensor], _ z: Tensor) -> [GateMap]?
}

/// A rule that pulls back through the windows of a max pooling.
package protocol PoolingRule: Rule {
  /// How, for all planes of the pool's input z, for each channel, or for each plane.
  func adjoints(at z: @autoclosure () -> Tensor) -> [MaxPoolShape.Adjoint]
}

/// The operation's own gradient: for linear operations the ordinary adjoint, for others the derivative.
public struct Gradient: Rule {
  public init() {}
  public var equation: String { "J^T v" }
  public var source: String { "the chain rule" }
  public func needs(at operation: any Operation) -> Needs { operation.gradientNeeds }
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { site.gradient(v) }
}

extension Gradient: DiagonalRule {
  package func map(at operation: any Operation) -> GateMap? { (operation as? any VectorisedElementwise)?.derivativeMap }
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
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { site.gradient(v) }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    guard carriesInput.filter({ $0 }).count <= 1 else {
      throw PullbackError(
        .usage, "node \(node.name)",
        "both factors of this \(node.operation.kind) depend on the image, so no pullback is defined for it",
        advice: "name a rule for it, or for the operation that makes one factor routing")
    }
    // Only the numerator of a quotient is a factor.
    guard node.operation as? BinaryOperation != .divide || !carriesInput[1] else {
      throw PullbackError(
        .usage, "node \(node.name)",
        "the denominator of this quotient depends on the image, so no pullback is defined for it",
        advice: "name a rule for it, or for the operation that makes the denominator routing")
    }
  }
}
