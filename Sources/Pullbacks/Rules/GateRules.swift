import Kernels

/// The gate of an activation held constant: `v * g(z)`, the hard pullback.
///
/// | activation | adjoint |
/// |---|---|
/// | ReLU, ReLU6, clip, leaky ReLU | `v` times the derivative |
/// | GELU, SiLU, HardSwish, Mish, ELU | `v * y / z` |
///
/// Source: paper, section 2. Gates that the paper does not name follow the same argument; see ``Gate``.
public struct HardGate: Rule {
  public init() {}
  public var equation: String { "v * g(z), gate g constant" }
  public func equation(at operation: any Operation) -> String {
    (operation as? any Gate).map { "v * \($0.gateFormula)" } ?? equation
  }
  public var source: String { "the paper, section 2" }
  public func needs(at operation: any Operation) -> Needs { .inputs }
  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation.isGate, "gates", at: node)
  }
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { [pullGate(v, at: site, deviation: nil)] }
}

/// The paper's soft gate of an activation at temperature tau.
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

  /// - Precondition: the temperature is positive.
  public init(temperature: Float) {
    precondition(temperature > 0, "a temperature is positive")
    self.temperature = temperature
  }

  public var equation: String { "v * the soft gate at tau = \(temperature)" }
  public func equation(at operation: any Operation) -> String {
    (operation as? any ReleasedGate).map { "v * \($0.softFormula), tau = \(temperature)" } ?? equation
  }
  public var source: String { "the paper, section 3; for ReLU6 by its argument for ReLU" }
  public func needs(at operation: any Operation) -> Needs { .inputs }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation is any ReleasedGate, "relu, relu6, gelu and silu", at: node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    let map = site.operation(as: (any ReleasedGate).self).softMap(temperature: temperature)
    return [v.combine(site.input(), map.callAsFunction)]
  }
}

/// The soft gate of ReLU in versions 1 to 4 of the paper, under the name of excitation pullbacks:
/// `v * sigmoid(z / tau)`, the average of `[z + tau e > 0]` over logistic noise e.
///
/// Source: arXiv 2507.22832v4.
public struct LogisticGate: Rule {
  /// tau: how wide the perturbation is; 0.3 in those versions.
  public var temperature: Float

  /// - Precondition: the temperature is positive.
  public init(temperature: Float) {
    precondition(temperature > 0, "a temperature is positive")
    self.temperature = temperature
  }

  public var equation: String { "v * sigmoid(z / tau), tau = \(temperature)" }
  public var source: String { "the paper's versions 1 to 4" }
  public func needs(at operation: any Operation) -> Needs { .inputs }
  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation is ReLU, "relu", at: node)
  }
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { [pullGate(v, at: site, deviation: nil)] }
}

/// The hard pullback of a gate averaged over normal noise on the pre-activation: `v * E g(z + s e)`, `e ~ N(0, 1)`.
///
/// For ReLU and ReLU6 it is ``SoftGate`` at `tau = s`; for others it widens the gate that they have already: GELU's is
/// `Phi(z / sqrt(1 + s^2))`. Source: the paper's argument for ReLU, section 3, applied to any gate.
public struct AveragedGate: Rule {
  /// s: the noise's standard deviation.
  public var deviation: Float

  /// - Precondition: the deviation is positive.
  public init(deviation: Float) {
    precondition(deviation > 0, "a deviation is positive")
    self.deviation = deviation
  }

  public var equation: String { "v * E g(z + s e), e ~ N(0, 1), s = \(deviation)" }
  public func equation(at operation: any Operation) -> String {
    (operation as? any Gate).map { "v * \($0.averagedFormula), s = \(deviation)" } ?? equation
  }
  public var source: String { "the paper's argument for ReLU, section 3, applied to any gate" }
  public func needs(at operation: any Operation) -> Needs { .inputs }
  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation.isGate, "gates", at: node)
  }
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] { [pullGate(v, at: site, deviation: deviation)] }
}

extension HardGate: DiagonalRule {
  package func map(at operation: any Operation) -> GateMap? { (operation as? any VectorisedGate)?.gateMap }
}

extension SoftGate: DiagonalRule {
  package func map(at operation: any Operation) -> GateMap? {
    (operation as? any ReleasedGate)?.softMap(temperature: temperature)
  }
}

extension LogisticGate: DiagonalRule {
  package func map(at operation: any Operation) -> GateMap? { .logistic(sharpness: 1 / temperature) }
}

extension AveragedGate: DiagonalRule {
  package func map(at operation: any Operation) -> GateMap? {
    (operation as? any VectorisedGate)?.averagedMap(deviation: deviation)
  }
}

extension Operation {
  var isGate: Bool { self is any Gate || self is any ChannelwiseGate }
}

extension DiagonalRule {
  /// v times the gate of the site's operation, averaged if a deviation is given.
  fileprivate func pullGate(_ v: Tensor, at site: Site, deviation: Float?) -> Tensor {
    if let map = map(at: site.operation) { return v.combine(site.input(), map.callAsFunction) }
    if let gates = site.operation as? any ChannelwiseGate { return gates.pullGates(v, deviation: deviation, at: site) }
    let gate = site.operation(as: (any Gate).self)
    return v.combine(site.input()) { gate.pullGate($0, deviation: deviation, at: $1, into: $2, count: $3) }
  }
}
