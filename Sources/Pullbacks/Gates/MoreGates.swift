import Glibc

// Gates that few networks have.

/// `x` above 0, `alpha (e^(x / alpha) - 1)` below: an ELU whose slope is continuous for every alpha. Source: Barron
/// 2017 (arXiv 1704.07483).
public struct CELU: Gate {
  /// The limit of minus the value for inputs far below 0.
  public var alpha: Double
  public init(alpha: Double = 1) { self.alpha = alpha }

  public var kind: String { "celu" }
  public var settings: String { "alpha \(alpha)" }
  public func value(_ z: Double) -> Double { z < 0 ? alpha * expm1(z / alpha) : z }
  public func derivative(_ z: Double) -> Double { z > 0 ? 1 : exp(z / alpha) }
  public func gate(_ z: Double) -> Double { z < 0 ? alpha * expm1(z / alpha) / z : 1 }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double {
    normalCDF(z / s) + normalAverageBelowZero(at: z, deviation: s, of: gate)
  }
  public var gateFormula: String { "(z > 0 ? 1 : \(Float(alpha)) (e^(z / \(Float(alpha))) - 1) / z)" }
  public var averagedFormula: String {
    "E (u > 0 ? 1 : \(Float(alpha)) (e^(u / \(Float(alpha))) - 1) / u), u ~ N(z, s^2)"
  }
}

/// `x / (1 + |x|)`. Source: Bergstra et al. 2009.
public struct Softsign: Gate {
  public init() {}
  public var kind: String { "softsign" }
  public func value(_ z: Double) -> Double { z * gate(z) }
  public func derivative(_ z: Double) -> Double { gate(z) * gate(z) }
  public func gate(_ z: Double) -> Double { 1 / (1 + abs(z)) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double {
    // Even in u, so that both halves are averages below 0.
    normalAverageBelowZero(at: z, deviation: s, of: gate) + normalAverageBelowZero(at: -z, deviation: s, of: gate)
  }
  public var gateFormula: String { "1 / (1 + |z|)" }
  public var averagedFormula: String { "E 1 / (1 + |u|), u ~ N(z, s^2)" }
}

/// `x` above a threshold, 0 below. Source: Konda et al. 2014 (arXiv 1402.3337).
public struct ThresholdedReLU: Gate {
  /// The threshold that a value must exceed.
  public var threshold: Double
  public init(threshold: Double = 1) { self.threshold = threshold }

  public var kind: String { "thresholdedrelu" }
  public var settings: String { "above \(threshold)" }
  public func value(_ z: Double) -> Double { z > threshold ? z : 0 }
  public func derivative(_ z: Double) -> Double { z > threshold ? 1 : 0 }
  public func gate(_ z: Double) -> Double { derivative(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double { normalCDF((z - threshold) / s) }
  public var gateFormula: String { "[z > \(threshold)]" }
  public var averagedFormula: String { "Phi((z - \(threshold)) / s)" }
}

/// `min(max(slope x + offset, 0), 1)`: ``HardSigmoid`` with another slope and offset, and routing as that one is.
public struct SlopedHardSigmoid: Gate {
  /// Between 0 and 1.
  public var slope: Double
  /// The value at 0.
  public var offset: Double

  /// - Precondition: the slope is not 0.
  public init(slope: Double, offset: Double) {
    precondition(slope != 0, "a slope of 0 is no gate")
    self.slope = slope
    self.offset = offset
  }

  public var kind: String { "hardsigmoid" }
  public var character: OperationCharacter { .routing }
  public var settings: String { "slope \(slope), offset \(offset)" }
  public func value(_ z: Double) -> Double { min(max(slope * z + offset, 0), 1) }
  public func derivative(_ z: Double) -> Double {
    let y = slope * z + offset
    return y > 0 && y < 1 ? slope : 0
  }
  public func gate(_ z: Double) -> Double { derivative(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double {
    let (first, last) = (-offset / slope, (1 - offset) / slope)
    return abs(slope) * abs(normalCDF((z - first) / s) - normalCDF((z - last) / s)) * (slope < 0 ? -1 : 1)
  }
  public var gateFormula: String { "[0 < \(Float(slope)) z + \(Float(offset)) < 1] \(Float(slope))" }
  public var averagedFormula: String {
    "\(Float(slope)) (Phi((z + \(Float(offset / slope))) / s) - Phi((z - \(Float((1 - offset) / slope))) / s))"
  }
}
