import Glibc
import Kernels

// Gates that are smooth functions of the pre-activation.

/// `x Phi(x)`, Phi the standard normal distribution function: the exact GELU. Source: Hendrycks & Gimpel 2016 (arXiv
/// 1606.08415).
public struct GELU: ReleasedGate {
  public init() {}
  public var kind: String { "gelu" }
  public func value(_ z: Double) -> Double { z * normalCDF(z) }
  public func derivative(_ z: Double) -> Double { normalCDF(z) + z * normalDensity(z) }
  public func gate(_ z: Double) -> Double { normalCDF(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double { normalCDF(z / (1 + s * s).squareRoot()) }
  public var gateFormula: String { "Phi(z)" }
  public var averagedFormula: String { "Phi(z / sqrt(1 + s^2))" }

  package var map: ElementwiseMap { .gelu }
  package var derivativeMap: GateMap { .geluDerivative }
  package var gateMap: GateMap { .normal(sharpness: 1) }
  package func averagedMap(deviation: Float) -> GateMap {
    .normal(sharpness: 1 / (1 + deviation * deviation).squareRoot())
  }
  package func softMap(temperature: Float) -> GateMap { .normal(sharpness: 1 / temperature) }
  package var softFormula: String { "Phi(z / tau)" }
}

/// GELU by its approximation `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`.
public struct TanhGELU: Gate {
  public init() {}
  public var kind: String { "gelu_tanh" }

  private func argument(_ z: Double) -> Double { (2 / Double.pi).squareRoot() * (z + 0.044715 * z * z * z) }

  public func value(_ z: Double) -> Double { z * gate(z) }
  public func derivative(_ z: Double) -> Double {
    let t = tanh(argument(z))
    return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * (2 / Double.pi).squareRoot() * (1 + 0.134145 * z * z)
  }
  public func gate(_ z: Double) -> Double { 0.5 * (1 + tanh(argument(z))) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double { normalAverage(at: z, deviation: s, of: gate) }
  public var gateFormula: String { "(1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2" }
  public var averagedFormula: String { "E (1 + tanh(sqrt(2 / pi) (u + 0.044715 u^3))) / 2, u ~ N(z, s^2)" }
}

/// `x sigmoid(x)`, also called swish. Its gate is averaged by the probit approximation, off by 0.0177 at most.
/// Source: Elfwing et al. 2017 (arXiv 1702.03118).
public struct SiLU: ReleasedGate {
  public init() {}
  public var kind: String { "silu" }
  public func value(_ z: Double) -> Double { z * logistic(z) }
  public func derivative(_ z: Double) -> Double { logistic(z) * (1 + z * logistic(-z)) }
  public func gate(_ z: Double) -> Double { logistic(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double { averagedLogistic(z, deviation: s) }
  public var gateFormula: String { "sigmoid(z)" }
  public var averagedFormula: String { "sigmoid(z / sqrt(1 + pi s^2 / 8))" }

  package var map: ElementwiseMap { .silu }
  package var derivativeMap: GateMap { .siluDerivative }
  package var gateMap: GateMap { .logistic(sharpness: 1) }
  package func averagedMap(deviation: Float) -> GateMap {
    .logistic(sharpness: 1 / (1 + .pi * deviation * deviation / 8).squareRoot())
  }
  package func softMap(temperature: Float) -> GateMap { .logistic(sharpness: 1 / temperature) }
  package var softFormula: String { "sigmoid(z / tau)" }
}

/// `x tanh(log(1 + e^x))`. Source: Misra 2019 (arXiv 1908.08681).
public struct Mish: Gate {
  public init() {}
  public var kind: String { "mish" }
  public func value(_ z: Double) -> Double { z * gate(z) }
  public func derivative(_ z: Double) -> Double {
    let t = gate(z)
    return t + z * (1 - t * t) * logistic(z)
  }
  public func gate(_ z: Double) -> Double { tanh(softplus(z)) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double { normalAverage(at: z, deviation: s, of: gate) }
  public var gateFormula: String { "tanh(log(1 + e^z))" }
  public var averagedFormula: String { "E tanh(log(1 + e^u)), u ~ N(z, s^2)" }
}

/// `log(1 + e^x)`. It does not vanish at 0, so its gate is its slope `sigmoid(x)` and the rest is bias; averaged as
/// ``SiLU``'s.
public struct Softplus: Gate {
  public init() {}
  public var kind: String { "softplus" }
  public func value(_ z: Double) -> Double { softplus(z) }
  public func derivative(_ z: Double) -> Double { logistic(z) }
  public func gate(_ z: Double) -> Double { logistic(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double { averagedLogistic(z, deviation: s) }
  public var gateFormula: String { "sigmoid(z)" }
  public var averagedFormula: String { "sigmoid(z / sqrt(1 + pi s^2 / 8))" }
}

private func softplus(_ z: Double) -> Double { (z > 0 ? z : 0) + log1p(exp(-abs(z))) }

/// `scale x` above 0, `scale alpha (e^x - 1)` below: ELU at scale 1. Its gate below 0 is `scale alpha (e^x - 1) / x`.
/// Sources: Clevert et al. 2015 (arXiv 1511.07289); Klambauer et al. 2017 (SELU, arXiv 1706.02515).
public struct ELU: Gate {
  /// The limit of minus the value for inputs far below 0, at scale 1.
  public var alpha: Double
  /// The factor of all values.
  public var scale: Double
  public let kind: String

  public init(alpha: Double = 1) { (self.alpha, scale, kind) = (alpha, 1, "elu") }

  /// With other constants than ``selu``.
  public init(alpha: Double, scale: Double) { self.init(alpha: alpha, scale: scale, kind: "selu") }

  private init(alpha: Double, scale: Double, kind: String) {
    (self.alpha, self.scale, self.kind) = (alpha, scale, kind)
  }

  /// With the constants for which activations keep mean 0 and variance 1.
  public static var selu: ELU {
    ELU(alpha: 1.6732632423543772848170429916717, scale: 1.0507009873554804934193349852946, kind: "selu")
  }

  public var settings: String { "alpha \(alpha)" }
  public func value(_ z: Double) -> Double { scale * (z < 0 ? alpha * expm1(z) : z) }
  public func derivative(_ z: Double) -> Double { scale * (z > 0 ? 1 : alpha * exp(z)) }
  public func gate(_ z: Double) -> Double { scale * (z < 0 ? alpha * expm1(z) / z : 1) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double {
    scale * normalCDF(z / s) + normalAverageBelowZero(at: z, deviation: s, of: gate)
  }
  public var gateFormula: String { "\(Float(scale)) (z > 0 ? 1 : \(Float(alpha)) (e^z - 1) / z)" }
  public var averagedFormula: String { "E \(Float(scale)) (u > 0 ? 1 : \(Float(alpha)) (e^u - 1) / u), u ~ N(z, s^2)" }
}

/// `x relu6(x + 3) / 6`. Source: Howard et al. 2019 (arXiv 1905.02244).
public struct HardSwish: VectorisedGate {
  public init() {}
  public var kind: String { "hardswish" }
  public func value(_ z: Double) -> Double { z * gate(z) }
  public func derivative(_ z: Double) -> Double { z <= -3 ? 0 : z >= 3 ? 1 : z / 3 + 0.5 }
  public func gate(_ z: Double) -> Double { min(max(z + 3, 0), 6) / 6 }

  /// The mean of a clipped normal number, `E min(max(u, 0), 6) / 6` for `u ~ N(z + 3, s^2)`.
  public func averagedGate(_ z: Double, deviation s: Double) -> Double {
    let (a, b) = ((z + 3) / s, (z - 3) / s)
    let inside = (z + 3) * (normalCDF(a) - normalCDF(b)) + s * (normalDensity(a) - normalDensity(b))
    return (inside + 6 * normalCDF(b)) / 6
  }
  public var gateFormula: String { "relu6(z + 3) / 6" }
  public var averagedFormula: String { "E relu6(u + 3) / 6, u ~ N(z, s^2)" }

  package var map: ElementwiseMap { .hardSwish }
  package var derivativeMap: GateMap { .hardSwishDerivative }
  package var gateMap: GateMap { .hardSwish }
  package func averagedMap(deviation: Float) -> GateMap { .averagedHardSwish(sharpness: 1 / deviation) }
}
