import Glibc
import Kernels

// Elementwise functions that are no gates of their own argument.

/// `1 / (1 + exp(-x))`
public struct Sigmoid: VectorisedElementwise {
  public init() {}
  public var kind: String { "sigmoid" }
  public var character: OperationCharacter { .routing }
  public func value(_ z: Double) -> Double { logistic(z) }
  public func derivative(_ z: Double) -> Double { logistic(z) * logistic(-z) }
  package var map: ElementwiseMap { .sigmoid }
  package var derivativeMap: GateMap { .sigmoidDerivative }
}

/// `relu6(x + 3) / 6`: the sigmoid's piecewise linear form, and routing as that one is. Where a rule for gates is named
/// for it, its gate is its slope.
public struct HardSigmoid: Gate {
  public init() {}
  public var kind: String { "hardsigmoid" }
  public var character: OperationCharacter { .routing }
  public func value(_ z: Double) -> Double { min(max(z + 3, 0), 6) / 6 }
  public func derivative(_ z: Double) -> Double { z > -3 && z < 3 ? 1.0 / 6 : 0 }
  public func gate(_ z: Double) -> Double { derivative(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double {
    (normalCDF((z + 3) / s) - normalCDF((z - 3) / s)) / 6
  }
  public var gateFormula: String { "[-3 < z < 3] / 6" }
  public var averagedFormula: String { "(Phi((z + 3) / s) - Phi((z - 3) / s)) / 6" }
}

/// A function from the library of mathematics, place by place. Where the derivative jumps it is 0, as in PyTorch.
public enum UnaryFunction: String, Elementwise, CaseIterable {
  case exp, log, sqrt, erf, tanh, abs, negate, reciprocal, sin, cos, floor, ceil, round, sign
  case tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh

  public var kind: String { rawValue }

  public var character: OperationCharacter {
    switch self {
    case .negate: .linear
    case .tanh, .erf: .routing
    default: .nonlinear
    }
  }

  public func value(_ z: Double) -> Double {
    switch self {
    case .exp: Glibc.exp(z)
    case .log: Glibc.log(z)
    case .sqrt: z.squareRoot()
    case .erf: Glibc.erf(z)
    case .tanh: Glibc.tanh(z)
    case .abs: Swift.abs(z)
    case .negate: -z
    case .reciprocal: 1 / z
    case .sin: Glibc.sin(z)
    case .cos: Glibc.cos(z)
    case .floor: z.rounded(.down)
    case .ceil: z.rounded(.up)
    case .round: z.rounded(.toNearestOrEven)
    case .sign: z > 0 ? 1 : z < 0 ? -1 : z
    case .tan: Glibc.tan(z)
    case .asin: Glibc.asin(z)
    case .acos: Glibc.acos(z)
    case .atan: Glibc.atan(z)
    case .sinh: Glibc.sinh(z)
    case .cosh: Glibc.cosh(z)
    case .asinh: Glibc.asinh(z)
    case .acosh: Glibc.acosh(z)
    case .atanh: Glibc.atanh(z)
    }
  }

  public func derivative(_ z: Double) -> Double {
    switch self {
    case .exp: Glibc.exp(z)
    case .log: 1 / z
    case .sqrt: 0.5 / z.squareRoot()
    case .erf: 2 / Double.pi.squareRoot() * Glibc.exp(-z * z)
    case .tanh: 1 - Glibc.tanh(z) * Glibc.tanh(z)
    case .abs: z > 0 ? 1 : z < 0 ? -1 : 0
    case .negate: -1
    case .reciprocal: -1 / (z * z)
    case .sin: Glibc.cos(z)
    case .cos: -Glibc.sin(z)
    case .floor, .ceil, .round, .sign: 0
    case .tan: 1 + Glibc.tan(z) * Glibc.tan(z)
    case .asin: 1 / (1 - z * z).squareRoot()
    case .acos: -1 / (1 - z * z).squareRoot()
    case .atan: 1 / (1 + z * z)
    case .sinh: Glibc.cosh(z)
    case .cosh: Glibc.sinh(z)
    case .asinh: 1 / (z * z + 1).squareRoot()
    case .acosh: 1 / (z * z - 1).squareRoot()
    case .atanh: 1 / (1 - z * z)
    }
  }
}
