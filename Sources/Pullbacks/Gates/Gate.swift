import Glibc
import Kernels

/// A function of each value by itself: `y = f(z)`.
///
/// Formulas are written for one number in Double; arrays are float32. A function with vectorised kernels says so by
/// `VectorisedElementwise`.
public protocol Elementwise: Operation {
  /// `f(z)`
  func value(_ z: Double) -> Double
  /// `f'(z)`; at a kink, as PyTorch has it.
  func derivative(_ z: Double) -> Double

  /// Writes `f(z)` for `count` values.
  func apply(_ z: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int)
  /// Writes `v f'(z)` for `count` values.
  func pull(
    _ v: UnsafePointer<Float>, at z: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int)
}

/// An elementwise function read as `y = g(z) z + b(z)`: a gate g and a bias b that are routing.
///
/// The hard pullback multiplies a cotangent by `g(z)`, the soft one by the mean of g over a normal perturbation of z.
/// A gate is its four formulas; rules, tables and the command line then know it by its ``Operation/kind``.
public protocol Gate: Elementwise {
  /// `g(z)`
  func gate(_ z: Double) -> Double
  /// `E g(z + s e)` for `e ~ N(0, 1)`, with s the deviation, which is positive.
  func averagedGate(_ z: Double, deviation s: Double) -> Double

  /// g in words, of z: `Phi(z)`. Constants are shown as float32, as files have them: 0.1 and not 0.10000000149011612.
  var gateFormula: String { get }
  /// Its normal average in words, of z and s: `Phi(z / sqrt(1 + s^2))`.
  var averagedFormula: String { get }

  /// Writes `v g(z)` for `count` values, with g averaged if a deviation is given.
  func pullGate(
    _ v: UnsafePointer<Float>, deviation: Float?, at z: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
    count: Int)
}

extension Elementwise {
  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    if let kernel = (self as? any VectorisedElementwise)?.map {
      return Evaluation(inputs[0].map { kernel($0, $1, $2) })
    }
    return Evaluation(inputs[0].map { apply($0, into: $1, count: $2) })
  }

  public var gradientNeeds: Needs { .inputs }

  /// `v f'(z)`
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    if let kernel = (self as? any VectorisedElementwise)?.derivativeMap {
      return [v.combine(site.input(), kernel.callAsFunction)]
    }
    return [v.combine(site.input()) { pull($0, at: $1, into: $2, count: $3) }]
  }

  // These are requirements so that each conforming type has loops of its own, compiled for its formulas.

  public func apply(_ z: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count { y[i] = Float(value(Double(z[i]))) }
  }

  public func pull(
    _ v: UnsafePointer<Float>, at z: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int
  ) {
    for i in 0..<count { y[i] = v[i] * Float(derivative(Double(z[i]))) }
  }
}

extension Gate {
  public var character: OperationCharacter { .gate }

  public func pullGate(
    _ v: UnsafePointer<Float>, deviation: Float?, at z: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    guard let deviation else {
      for i in 0..<count { y[i] = v[i] * Float(gate(Double(z[i]))) }
      return
    }
    for i in 0..<count { y[i] = v[i] * Float(averagedGate(Double(z[i]), deviation: Double(deviation))) }
  }
}

/// A gate that differs from channel to channel of `(N, C, ...)`, by parameters.
public protocol ChannelwiseGate: Operation {
  associatedtype ChannelGate: Gate
  /// The gate of one channel.
  func gate(ofChannel channel: Int, _ parameters: [Tensor]) -> ChannelGate
}

extension ChannelwiseGate {
  public var character: OperationCharacter { .gate }
  public var gradientNeeds: Needs { .inputs }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard !inputs[0].isEmpty else { throw PullbackError(.usage, kind, "expected a channel axis, found a scalar") }
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    return Evaluation(
      forEachPlane(x.shape, parameters) { gate, offset, count, y in
        x.withUnsafeBuffer { gate.apply($0.baseAddress! + offset, into: y, count: count) }
      })
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [
      forEachPlane(v.shape, site.parameters) { gate, offset, count, dx in
        Tensor.withPointers(v, site.input()) { gate.pull($0 + offset, at: $1 + offset, into: dx, count: count) }
      }
    ]
  }

  /// v times each channel's gate, averaged if a deviation is given.
  func pullGates(_ v: Tensor, deviation: Float?, at site: Site) -> Tensor {
    forEachPlane(v.shape, site.parameters) { gate, offset, count, dx in
      Tensor.withPointers(v, site.input()) {
        gate.pullGate($0 + offset, deviation: deviation, at: $1 + offset, into: dx, count: count)
      }
    }
  }

  private func forEachPlane(
    _ shape: [Int], _ parameters: [Tensor], _ body: (ChannelGate, Int, Int, UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    let layout = ChannelLayout(shape)
    let gates = (0..<layout.channels).map { gate(ofChannel: $0, parameters) }
    return Tensor(shape: shape) { y in
      layout.forEachPlane { _, channel, offset in body(gates[channel], offset, layout.plane, y.baseAddress! + offset) }
    }
  }
}

// MARK: Kernels

/// An elementwise function whose loops over arrays are vectorised.
package protocol VectorisedElementwise: Elementwise {
  var map: ElementwiseMap { get }
  var derivativeMap: GateMap { get }
}

/// A gate whose loops over arrays are vectorised.
package protocol VectorisedGate: VectorisedElementwise, Gate {
  /// `v g(z)`
  var gateMap: GateMap { get }
  /// `v E g(z + s e)`
  func averagedMap(deviation: Float) -> GateMap
}

// Where each channel has a gate of its own, a plane of values at a time.
extension VectorisedGate {
  public func apply(_ z: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) { map(z, y, count) }

  public func pull(
    _ v: UnsafePointer<Float>, at z: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int
  ) { derivativeMap(v, z, y, count) }

  public func pullGate(
    _ v: UnsafePointer<Float>, deviation: Float?, at z: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
    count: Int
  ) { (deviation.map(averagedMap(deviation:)) ?? gateMap)(v, z, y, count) }
}

/// A gate for which the paper has a soft gate at a temperature.
package protocol ReleasedGate: VectorisedGate {
  /// The gate as the paper softens it.
  func softMap(temperature: Float) -> GateMap
  /// That gate in words, of z and tau.
  var softFormula: String { get }
}

// MARK: Averages

/// The standard normal distribution function.
func normalCDF(_ z: Double) -> Double { 0.5 * erfc(-z * 0.5.squareRoot()) }

/// The standard normal density.
func normalDensity(_ z: Double) -> Double { 0.3989422804014327 * exp(-0.5 * z * z) }

func logistic(_ z: Double) -> Double { 1 / (1 + exp(-z)) }

/// The normal average of the logistic function by the probit approximation `sigmoid(z / sqrt(1 + pi s^2 / 8))`.
///
/// It is off by 0.0177 at most, for large s at z = 1.73 s; at s = 1 by 0.0045. Source: Spiegelhalter & Lauritzen 1990
/// (doi 10.1002/net.3230200507).
func averagedLogistic(_ z: Double, deviation s: Double) -> Double { logistic(z / (1 + .pi * s * s / 8).squareRoot()) }

/// `E g(z + s e)`, `e ~ N(0, 1)`, of a smooth function, by the trapezoid rule, which converges exponentially for
/// functions without singularities near the real axis. The spacing suits gates that change over a distance of 1.
///
/// - Parameter steps: on either side of z, over nine deviations; nil are as many as the spacing takes, up to 4096:
///   beyond s = 159 a gate is off by 5e-4 at most, the mass of half a step.
func normalAverage(
  at z: Double, deviation s: Double, steps: Int? = nil, of g: (Double) -> Double
) -> Double {
  let steps = steps ?? Int(min(4096, (9 / min(0.25, 0.35 / s)).rounded(.up)))
  let spacing = 9 / Double(steps)
  var (sum, mass) = (0.0, 0.0)
  for step in -steps...steps {
    let density = exp(-0.5 * (Double(step) * spacing) * (Double(step) * spacing))
    sum += density * g(z + s * Double(step) * spacing)
    mass += density
  }
  return sum / mass
}

/// `E g(u) [u < 0]`, `u = z + s e`, of a function that is smooth below 0, by Gauss and Legendre's rule. Noise that is
/// lost in the digits of z changes nothing.
func normalAverageBelowZero(at z: Double, deviation s: Double, of g: (Double) -> Double) -> Double {
  guard s > 1e-10 * abs(z) else { return z < 0 ? g(z) : 0 }
  let (low, high) = (z - 9 * s, min(0, z + 9 * s))
  guard low < high else { return 0 }
  let (middle, half) = ((low + high) / 2, (high - low) / 2)
  return half
    * GaussLegendre.rule.reduce(0) { sum, node in
      let u = middle + half * node.place
      return sum + node.weight * g(u) * normalDensity((u - z) / s) / s
    }
}

/// Gauss and Legendre's rule on `[-1, 1]`: the roots of a Legendre polynomial by Newton's method.
private enum GaussLegendre {
  static let rule: [(place: Double, weight: Double)] = {
    let count = 64
    return (0..<count).map { index in
      var x = cos(.pi * (Double(index) + 0.75) / (Double(count) + 0.5))
      var slope = 0.0
      for _ in 0..<8 {
        var (previous, current) = (1.0, x)
        for degree in 2...count {
          (previous, current) = (
            current, (Double(2 * degree - 1) * x * current - Double(degree - 1) * previous) / Double(degree)
          )
        }
        slope = Double(count) * (x * current - previous) / (x * x - 1)
        x -= current / slope
      }
      return (x, 2 / ((1 - x * x) * slope * slope))
    }
  }()
}
