import CKernels
import Kernels

/// The expected gate of an activation whose pre-activation is perturbed at temperature tau.
///
/// | activation | adjoint | perturbation |
/// |---|---|---|
/// | ReLU, GELU | `v * Phi(z / tau)` | Gaussian |
/// | ReLU6 | `v * (Phi(z / tau) - Phi((z - 6) / tau))` | Gaussian |
/// | SiLU | `v * sigmoid(z / tau)` | logistic |
///
/// Phi is the standard normal distribution function. At tau = 1 the rules of GELU and SiLU are their hard pullbacks,
/// `y = z g(z)` with the gate g held constant. Source: paper, section 3; ReLU6 by the same argument.
public struct SoftGate: Rule {
  /// tau: how wide the perturbation is.
  public var temperature: Float
  /// The activation whose gate is softened.
  public var activation: Activation

  /// - Precondition: the temperature is positive, and the activation is one with a gate.
  public init(_ activation: Activation, temperature: Float) {
    precondition(temperature > 0, "a temperature is positive")
    precondition(activation != .sigmoid, "the sigmoid has no gate")
    self.activation = activation
    self.temperature = temperature
  }

  public var equation: String {
    switch activation {
    case .relu6: "v * (Phi(z / tau) - Phi((z - 6) / tau)), tau = \(temperature)"
    case .silu: "v * sigmoid(z / tau), tau = \(temperature)"
    default: "v * Phi(z / tau), tau = \(temperature)"
    }
  }
  public var source: String {
    activation == .relu6 ? "the paper, section 3, its argument for ReLU applied to ReLU6" : "the paper, section 3"
  }

  public func needs(at operation: any Operation) -> Needs { .inputs }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(Activation.self, at: node)
    guard node.operation.kind != Activation.sigmoid.kind else {
      throw PullbackError(.usage, "node \(node.name)", "the sigmoid has no gate that could be held constant")
    }
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { [v.combine(site.input(), gate.callAsFunction)] }

  private var gate: Gate {
    let sharpness = 1 / temperature
    return switch activation {
    case .relu6: .soft(pb_gate_normal6, sharpness: sharpness)
    case .silu: .soft(pb_gate_logistic, sharpness: sharpness)
    default: .soft(pb_gate_normal, sharpness: sharpness)
    }
  }
}

extension SoftGate: GatingRule {
  func gate(of activation: Activation) -> Gate? { gate }
}

/// Max pooling whose switches are perturbed: each v is shared out over its window by `softmax(window / tau)`, and where
/// windows overlap, shares add up. Source: paper, section 3.
public struct SoftMaxPool: Rule {
  /// What the places of a window outside the plane do.
  public enum Border: String, Sendable, CaseIterable {
    /// They count as zeros and take a share, which is lost: what the authors' release computes.
    case zeros
    /// They take no share: the paper's equation.
    case excluded
  }

  /// tau: how far a place may lie below the largest and still take a share.
  public var temperature: Float
  /// What the places of a window outside the plane do.
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
    try require(MaxPool.self, at: node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    [pull(v, at: site, finish: TensorFinish())]
  }
}

extension SoftMaxPool: FinishingRule {
  func canFinish(_ operation: any Operation) -> Bool { operation is MaxPool }

  func pull(_ v: Tensor, at site: Site, finish: TensorFinish) -> Tensor {
    site.operation(as: MaxPool.self)
      .softAdjoint(v, at: site, temperature: temperature, zeroPadding: border == .zeros, finish: finish)
  }
}

/// Layer norm with mean and variance held constant: `v * gamma / sqrt(var + eps)`. Source: paper, section 3.
public struct FrozenLayerNorm: Rule {
  public init() {}
  public var equation: String { "v * gamma / sqrt(var + eps), statistics constant" }
  public var source: String { "the paper, section 3" }
  public func needs(at operation: any Operation) -> Needs { [] }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(LayerNorm.self, at: node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    [site.operation(as: LayerNorm.self).frozenAdjoint(v, at: site)]
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
    try require(ScaledDotProductAttention.self, at: node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    [nil, nil, site.operation(as: ScaledDotProductAttention.self).frozenAdjoint(v, at: site, temperature: temperature)]
  }
}

/// What the authors' release does to a ViT's attention: the gradient of the attention of `(q / tau, k / tau, v)`,
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
    try require(ScaledDotProductAttention.self, at: node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    site.operation(as: ScaledDotProductAttention.self).gradient(v, at: site, temperature: temperature)
  }
}
