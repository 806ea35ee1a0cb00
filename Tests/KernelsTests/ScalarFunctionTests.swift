import CKernels
import Foundation
import TestKit
import Testing

/// The polynomials behind the gates against Foundation's functions in Double, over dense grids with tails.
///
/// exp and erf have no array kernel of their own. exp shows itself in the softmax of a pair, which is
/// `softmax(x, 0) = (e^x, 1) / (e^x + 1)`, and in the lower tail of the logistic function; erf in Phi.
@Suite struct ScalarFunctionTests {
  /// An array kernel, what it should compute, and the largest errors allowed: those measured and a quarter more.
  struct Function: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let range: ClosedRange<Double>
    let absolute: Double
    let relative: Double
    let kernel: @Sendable ([Float]) -> [Float]
    let exact: @Sendable (Double) -> Double

    // Measured with the AVX-512 clones, in the order of the table: relative 1.8e-7 (1.2e-7 of it the roundings of the
    // softmax's quotient) and 1.6e-7; absolute 1.02e-7, 1.05e-7, 1.25e-7; absolute 8.9e-8 and relative 1.4e-7; absolute
    // 9.1e-8, 4.5e-7, 8.5e-7, 1.5e-7, 2.1e-7, 5.2e-8; HardSwish 2.9e-7, 6e-8, 7.9e-8, 1.8e-7, 1.5e-7, 1.7e-7. In the
    // lower tail Phi and GELU have no correct digits.
    static let all: [Function] = [
      Function("exp below 0, by softmax", -87.2...0, relative: 2.2e-7, expBySoftmax) { exp($0) },
      Function("exp above 0, by the logistic function", 18...87, relative: 2e-7, reciprocalLogistic) { exp($0) },
      Function("Phi", -8...8, absolute: 1.3e-7, { gate($0, pb_gate_normal, 1) }, phi),
      Function("Phi at 0.05", -0.4...0.4, absolute: 1.3e-7, { gate($0, pb_gate_normal, 20) }) { phi(20 * $0) },
      Function("Phi of ReLU6", -8...14, absolute: 1.6e-7, { gate($0, normalOfReLU6, 1) }) { phi($0) - phi($0 - 6) },
      Function("Phi between -1.5 and 0.5, at 0.25", -4...4, absolute: 1.9e-7, normalBetween) {
        phi(4 * ($0 + 1.5)) - phi(4 * ($0 - 0.5))
      },
      Function("logistic", -87...100, absolute: 1.1e-7, relative: 1.8e-7, { map($0, pb_sigmoid) }, logistic),
      Function("logistic at 1.6", -20...20, absolute: 1.1e-7, { gate($0, pb_gate_logistic, 0.625) }) {
        logistic(0.625 * $0)
      },
      Function("GELU", -8...8, absolute: 5.6e-7, { map($0, pb_gelu) }) { $0 * phi($0) },
      Function("SiLU", -80...8, absolute: 1.1e-6, { map($0, pb_silu) }) { $0 * logistic($0) },
      Function("GELU's derivative", -10...10, absolute: 1.9e-7, { gate($0, pb_gelu_derivative) }) {
        phi($0) + $0 * exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot()
      },
      Function("SiLU's derivative", -30...30, absolute: 2.6e-7, { gate($0, pb_silu_derivative) }) {
        logistic($0) * (1 + $0 * logistic(-$0))
      },
      Function("the logistic function's derivative", -30...30, absolute: 6.5e-8, { gate($0, pb_sigmoid_derivative) }) {
        logistic($0) * logistic(-$0)
      },
      Function("HardSwish", -20...20, absolute: 3.7e-7, { map($0, pb_hardswish) }) { $0 * hardSwishGate($0) },
      Function("HardSwish's gate", -20...20, absolute: 7.5e-8, { gate($0, pb_gate_hardswish) }, hardSwishGate),
      Function("HardSwish's derivative", -20...20, absolute: 1e-7, { gate($0, pb_hardswish_derivative) }) {
        $0 <= -3 ? 0 : $0 >= 3 ? 1 : $0 / 3 + 0.5
      },
      Function("HardSwish's gate, averaged", -20...20, absolute: 2.3e-7, { gate($0, pb_gate_hardswish_averaged, 1) }) {
        averagedHardSwishGate($0, deviation: 1)
      },
      Function("the same at 0.25", -20...20, absolute: 2e-7, { gate($0, pb_gate_hardswish_averaged, 4) }) {
        averagedHardSwishGate($0, deviation: 0.25)
      },
      Function("the same at 2.5", -40...40, absolute: 2.2e-7, { gate($0, pb_gate_hardswish_averaged, 0.4) }) {
        averagedHardSwishGate($0, deviation: 2.5)
      },
    ]

    init(
      _ name: String, _ range: ClosedRange<Double>, absolute: Double = .infinity, relative: Double = .infinity,
      _ kernel: @escaping @Sendable ([Float]) -> [Float], _ exact: @escaping @Sendable (Double) -> Double
    ) {
      testDescription = name
      self.range = range
      self.absolute = absolute
      self.relative = relative
      self.kernel = kernel
      self.exact = exact
    }
  }

  @Test(arguments: Function.all) func accuracy(_ function: Function) {
    let count = 400_003
    let span = function.range.upperBound - function.range.lowerBound
    let x = (0..<count).map { Float(function.range.lowerBound + span * Double($0) / Double(count - 1)) }
    var (absolute, relative) = (0.0, 0.0)
    for (x, y) in zip(x, function.kernel(x)) {
      let expected = function.exact(Double(x))
      let error = abs(Double(y) - expected)
      guard error.isFinite else { return #expect(Bool(false), "\(y) at \(x), expected \(expected)") }
      absolute = max(absolute, error)
      if expected != 0 { relative = max(relative, error / abs(expected)) }
    }
    #expect(absolute <= function.absolute, "absolute \(absolute)")
    #expect(relative <= function.relative, "relative \(relative)")
  }

  @Test func tails() {
    let infinity = Float.infinity
    let phi = gate([-infinity, -1e30, -6, -0.0, 0, 6, 1e30, infinity, .nan], pb_gate_normal, 1)
    #expect(phi.dropLast() == [0, 0, 0, 0.5, 0.5, 1, 1, 1] && phi[8].isNaN)
    let six = gate([-infinity, -1e30, 1e30, infinity, .nan], normalOfReLU6, 1)
    #expect(six.dropLast() == [0, 0, 0, 0] && six[4].isNaN)
    let logistic = map([-infinity, -1e30, 0, 100, 1e30, infinity, .nan], pb_sigmoid)
    #expect(logistic[0..<2].allSatisfy { $0 < 1e-38 } && logistic[2..<6].elementsEqual([0.5, 1, 1, 1]))
    #expect(logistic[6].isNaN)
    #expect(expBySoftmax([-88, -1e30, -infinity]) == [0, 0, 0])
    let hardSwish = gate([-infinity, -1e30, 1e30, infinity, .nan], pb_gate_hardswish_averaged, 1)
    #expect(hardSwish.dropLast() == [0, 0, 1, 1] && hardSwish[4].isNaN)
  }

  @Test func reluKeepsNaN() {
    let infinity = Float.infinity
    let x: [Float] = [-infinity, -1, -0.0, 0, 1e-30, 3, 6, 7, infinity, .nan]
    let relu = map(x, pb_relu)
    #expect(relu.dropLast() == [0, 0, 0, 0, 1e-30, 3, 6, 7, infinity] && relu[9].isNaN)
    let relu6 = map(x) { pb_clip($0, 0, 6, $1, $2) }
    #expect(relu6.dropLast() == [0, 0, 0, 0, 1e-30, 3, 6, 6, 6] && relu6[9].isNaN)
    #expect(gate(x, pb_gate_step) == [0, 0, 0, 0, 1, 1, 1, 1, 1, 0])
    #expect(gate(x) { pb_gate_step_between($0, $1, 0, 6, $2, $3) } == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0])
  }

  /// A cotangent of NaN is not hidden by a closed gate.
  @Test func gatesKeepNaNCotangents() {
    for kernel in [
      pb_gate_step, { pb_gate_step_between($0, $1, 0, 6, $2, $3) }, pb_gelu_derivative, pb_silu_derivative,
      pb_sigmoid_derivative,
      pb_hardswish_derivative, pb_gate_hardswish,
    ] {
      var y: [Float] = [0, 0]
      kernel([.nan, .nan], [-1, 1], &y, 2)
      #expect(y.allSatisfy { $0.isNaN })
    }
  }
}

private func map(_ x: [Float], _ kernel: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void) -> [Float] {
  var y = [Float](repeating: .nan, count: x.count)
  kernel(x, &y, x.count)
  return y
}

/// What a gate multiplies a cotangent of 1 by.
private func gate(
  _ z: [Float], _ kernel: (UnsafePointer<Float>, UnsafePointer<Float>, Float, UnsafeMutablePointer<Float>, Int) -> Void,
  _ sharpness: Float
) -> [Float] {
  var y = [Float](repeating: .nan, count: z.count)
  kernel([Float](repeating: 1, count: z.count), z, sharpness, &y, z.count)
  return y
}

private func gate(
  _ z: [Float], _ kernel: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
) -> [Float] {
  gate(z, { v, z, _, y, n in kernel(v, z, y, n) }, 1)
}

private func normalOfReLU6(
  _ v: UnsafePointer<Float>, _ z: UnsafePointer<Float>, _ sharpness: Float, _ y: UnsafeMutablePointer<Float>,
  _ count: Int
) { pb_gate_normal_between(v, z, 0, 6, sharpness, y, count) }

private func normalBetween(_ z: [Float]) -> [Float] {
  gate(z, { v, z, sharpness, y, n in pb_gate_normal_between(v, z, -1.5, 0.5, sharpness, y, n) }, 4)
}

private func expBySoftmax(_ x: [Float]) -> [Float] {
  let pairs = x.flatMap { value -> [Float] in [value, 0] }
  var y = [Float](repeating: .nan, count: pairs.count)
  pb_softmax_rows(pairs, 1, &y, x.count, 2)
  return x.indices.map { y[2 * $0] / y[2 * $0 + 1] }
}

private func reciprocalLogistic(_ x: [Float]) -> [Float] { map(x.map { -$0 }, pb_sigmoid).map { 1 / $0 } }

private func phi(_ z: Double) -> Double { erfc(-z / 2.0.squareRoot()) / 2 }
private func logistic(_ z: Double) -> Double { 1 / (1 + exp(-z)) }
private func hardSwishGate(_ z: Double) -> Double { min(max(z + 3, 0), 6) / 6 }

/// With `ramp(t) = t Phi(t) + phi(t)`, the mean of `max(t + e, 0)`.
private func averagedHardSwishGate(_ z: Double, deviation s: Double) -> Double {
  func ramp(_ t: Double) -> Double { t * phi(t) + exp(-t * t / 2) / (2 * Double.pi).squareRoot() }
  return s * (ramp((z + 3) / s) - ramp((z - 3) / s)) / 6
}
