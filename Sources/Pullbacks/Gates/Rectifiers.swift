import Kernels

// Gates that are steps: piecewise linear functions, whose gate is their derivative.

/// `max(x, 0)`
public struct ReLU: ReleasedGate {
  public init() {}
  public var kind: String { "relu" }
  public func value(_ z: Double) -> Double { z < 0 ? 0 : z }
  public func derivative(_ z: Double) -> Double { z > 0 ? 1 : 0 }
  public func gate(_ z: Double) -> Double { derivative(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double { normalCDF(z / s) }
  public var gateFormula: String { "[z > 0]" }
  public var averagedFormula: String { "Phi(z / s)" }

  package var map: ElementwiseMap { .relu }
  package var derivativeMap: GateMap { .step }
  package var gateMap: GateMap { .step }
  package func averagedMap(deviation: Float) -> GateMap { .normal(sharpness: 1 / deviation) }
  package func softMap(temperature: Float) -> GateMap { .normal(sharpness: 1 / temperature) }
  package var softFormula: String { "Phi(z / tau)" }
}

/// `min(max(x, 0), 6)`
public struct ReLU6: ReleasedGate {
  public init() {}
  public var kind: String { "relu6" }
  public func value(_ z: Double) -> Double { z < 0 ? 0 : z > 6 ? 6 : z }
  public func derivative(_ z: Double) -> Double { z > 0 && z < 6 ? 1 : 0 }
  public func gate(_ z: Double) -> Double { derivative(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double { normalCDF(z / s) - normalCDF((z - 6) / s) }
  public var gateFormula: String { "[0 < z < 6]" }
  public var averagedFormula: String { "(Phi(z / s) - Phi((z - 6) / s))" }

  package var map: ElementwiseMap { .clip(low: 0, high: 6) }
  package var derivativeMap: GateMap { gateMap }
  package var gateMap: GateMap { .stepBetween(low: 0, high: 6) }
  package func averagedMap(deviation: Float) -> GateMap { softMap(temperature: deviation) }
  package func softMap(temperature: Float) -> GateMap { .normalBetween(low: 0, high: 6, sharpness: 1 / temperature) }
  package var softFormula: String { "(Phi(z / tau) - Phi((z - 6) / tau))" }
}

/// `min(max(x, low), high)`; the hard tanh at -1 and 1.
public struct Clip: VectorisedGate {
  /// The least value.
  public var low: Double
  /// The largest value.
  public var high: Double

  /// - Precondition: `low` is below `high`.
  public init(_ low: Double, _ high: Double) {
    precondition(low < high, "a range from \(low) to \(high) is empty")
    self.low = low
    self.high = high
  }

  /// `min(max(x, -1), 1)`
  public static var hardTanh: Clip { Clip(-1, 1) }

  public var kind: String { "clip" }
  public var settings: String { "from \(low) to \(high)" }
  public func value(_ z: Double) -> Double { z < low ? low : z > high ? high : z }
  public func derivative(_ z: Double) -> Double { z > low && z < high ? 1 : 0 }
  public func gate(_ z: Double) -> Double { derivative(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double {
    normalCDF((z - low) / s) - normalCDF((z - high) / s)
  }
  public var gateFormula: String { "[\(Float(low)) < z < \(Float(high))]" }
  public var averagedFormula: String { "(Phi((z - \(Float(low))) / s) - Phi((z - \(Float(high))) / s))" }

  package var map: ElementwiseMap { .clip(low: Float(low), high: Float(high)) }
  package var derivativeMap: GateMap { gateMap }
  package var gateMap: GateMap { .stepBetween(low: Float(low), high: Float(high)) }
  package func averagedMap(deviation: Float) -> GateMap {
    .normalBetween(low: Float(low), high: Float(high), sharpness: 1 / deviation)
  }
}

/// ``Clip`` with limits of its own for each channel of `(N, C, ...)`, which are not learnt: what a ``ReLU6`` becomes
/// where a network's channels are rescaled.
public struct ChannelClip: ChannelwiseGate {
  /// The least value of each channel.
  public var low: [Double]
  /// The largest value of each channel.
  public var high: [Double]

  /// - Precondition: there are as many limits of either kind, and each `low` is below its `high`.
  public init(low: [Double], high: [Double]) {
    precondition(low.count == high.count && zip(low, high).allSatisfy(<), "a channel's range is empty")
    self.low = low
    self.high = high
  }

  public var kind: String { "clip" }
  public var settings: String {
    "\(low.count) channels, from \(low.min() ?? 0) or more to \(high.max() ?? 0) or less"
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard inputs[0].first == low.count else {
      throw PullbackError(.usage, kind, "\(low.count) ranges do not fit an input of shape \(inputs[0])")
    }
    return inputs[0]
  }

  public func gate(ofChannel channel: Int, _ parameters: [Tensor]) -> Clip { Clip(low[channel], high[channel]) }
}

/// `x` above 0, `slope x` below. Source: Maas et al. 2013.
public struct LeakyReLU: Gate {
  /// The slope below 0.
  public var slope: Double
  public init(slope: Double = 0.01) { self.slope = slope }

  public var kind: String { "leakyrelu" }
  public var settings: String { "slope \(slope)" }
  public func value(_ z: Double) -> Double { z < 0 ? slope * z : z }
  public func derivative(_ z: Double) -> Double { z > 0 ? 1 : slope }
  public func gate(_ z: Double) -> Double { derivative(z) }
  public func averagedGate(_ z: Double, deviation s: Double) -> Double { slope + (1 - slope) * normalCDF(z / s) }
  public var gateFormula: String { "(z > 0 ? 1 : \(Float(slope)))" }
  public var averagedFormula: String { "(\(Float(slope)) + \(Float(1 - slope)) Phi(z / s))" }
}

/// ``LeakyReLU`` with a learned slope for each channel of `(N, C, ...)`, or one for all.
///
/// Parameter: `weight`, `(C)` or `(1)`. Source: He et al. 2015 (arXiv 1502.01852).
public struct PReLU: ChannelwiseGate {
  /// The number of slopes: the channels, or 1.
  public var slopes: Int
  public init(slopes: Int = 1) { self.slopes = slopes }

  public var kind: String { "prelu" }
  public var settings: String { "\(slopes) slope\(slopes == 1 ? "" : "s")" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard let channels = inputs[0].first, slopes == 1 || slopes == channels else {
      throw PullbackError(.usage, kind, "\(slopes) slopes do not fit an input of shape \(inputs[0])")
    }
    return inputs[0]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] { [ParameterDescription("weight", [slopes])] }

  public func gate(ofChannel channel: Int, _ parameters: [Tensor]) -> LeakyReLU {
    LeakyReLU(slope: Double(parameters[0].scalars[slopes == 1 ? 0 : channel]))
  }

  /// The sum of `v z` over the places where z is negative.
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let products = v.combine(site.input()) { v, z, y, n in for i in 0..<n { y[i] = z[i] < 0 ? v[i] * z[i] : 0 } }
    let sums = channelSums(products).scalars
    return [Tensor(shape: [slopes], slopes == 1 ? [sums.reduce(0, +)] : sums)]
  }
}
