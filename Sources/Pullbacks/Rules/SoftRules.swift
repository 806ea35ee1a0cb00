import Kernels

/// Max pooling whose switches are perturbed: each v is shared out over its window by `softmax(window / tau)`, and where
/// windows overlap, shares add up. Source: paper, section 3.
public struct SoftMaxPool: Rule {
  /// The treatment of a window's places outside the plane.
  public enum Border: String, Sendable, CaseIterable {
    /// They count as zeros and take a share, which is lost: what the authors' release computes.
    case zeros
    /// They take no share: the paper's equation.
    case excluded
  }

  /// tau: how far a place may lie below the largest and still take a share.
  public var temperature: Float
  /// The treatment of a window's places outside the plane.
  public var border: Border

  /// - Precondition: the temperature is positive.
  public init(temperature: Float, border: Border = .zeros) {
    precondition(temperature > 0, "a temperature is positive")
    self.temperature = temperature
    self.border = border
  }

  public var equation: String {
    "v shared out by softmax(window / tau), tau = \(temperature), border: \(border.rawValue)"
  }
  public var source: String { "the paper, section 3; zeros at the border as in the authors' release" }
  public func needs(at operation: any Operation) -> Needs { .inputs }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation is any MaxPooling, "max pooling", at: node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    let pool = site.operation(as: (any MaxPooling).self)
    return [pool.adjoint(adjoints(at: site.input()), v, at: site)]
  }
}

extension SoftMaxPool: PoolingRule {
  package func adjoints(at z: @autoclosure () -> Tensor) -> [MaxPoolShape.Adjoint] {
    [.soft(sharpness: 1 / temperature, zeroPadding: border == .zeros)]
  }
}

/// Normalisation with its statistics held constant; for layer norm `v * gamma / sqrt(var + eps)`. Source: paper,
/// section 3.
public struct FrozenStatistics: Rule {
  public init() {}
  public var equation: String { "v * gamma / sqrt(var + eps), statistics constant" }
  public var source: String { "the paper, section 3" }
  public func needs(at operation: any Operation) -> Needs { [] }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation is any Normalisation, "normalisations", at: node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    [site.operation(as: (any Normalisation).self).frozenAdjoint(v, at: site)]
  }
}

/// Attention with the attention matrix held constant: only values get a cotangent, `softmax(Q K^T scale / tau)^T v`.
/// Source: paper, section 3, and the released PVT.
public struct FrozenAttention: Rule {
  /// tau: what the products of queries and keys are divided by.
  public var temperature: Float

  /// - Precondition: the temperature is positive.
  public init(temperature: Float) {
    precondition(temperature > 0, "a temperature is positive")
    self.temperature = temperature
  }

  public var equation: String { "softmax(Q K^T scale / tau)^T v to the values, tau = \(temperature)" }
  public var source: String { "the paper, section 3, and the authors' release for PVT" }
  public func needs(at operation: any Operation) -> Needs { .inputs }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation is ScaledDotProductAttention, "attention", at: node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    [nil, nil, site.operation(as: ScaledDotProductAttention.self).frozenAdjoint(v, at: site, temperature: temperature)]
  }
}

/// The rule of the authors' release for a ViT's attention: the gradient of the attention of `(q / tau, k / tau, v)`,
/// straight through the scaling. At tau = 1 it is the plain gradient; nothing is frozen.
public struct ReleasedAttention: Rule {
  /// tau: what queries and keys are divided by.
  public var temperature: Float

  /// - Precondition: the temperature is positive.
  public init(temperature: Float) {
    precondition(temperature > 0, "a temperature is positive")
    self.temperature = temperature
  }

  public var equation: String { "gradient of attention(q / tau, k / tau, v), tau = \(temperature)" }
  public var source: String { "the authors' release for ViT" }
  public func needs(at operation: any Operation) -> Needs { .inputs }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation is ScaledDotProductAttention, "attention", at: node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    site.operation(as: ScaledDotProductAttention.self).gradient(v, at: site, temperature: temperature)
  }
}
