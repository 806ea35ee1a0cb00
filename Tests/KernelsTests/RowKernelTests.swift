import CKernels
import Foundation
import Kernels
import Pullbacks
import TestKit
import Testing

/// Kernels over rows of numbers against plain loops in Double.
@Suite struct RowKernelTests {
  /// Small whole numbers, whose sums are exact in any order.
  private func integers(_ name: String, _ count: Int) -> [Float] {
    Formula.image(name, [count]).scalars.map { ($0 * 9).rounded() }
  }

  /// Every length around the sixteen lanes, whole numbers so that the sums are exact.
  @Test(arguments: 0...40) func laneSums(_ count: Int) {
    let (a, b) = (integers("a", count), integers("b", count))
    let products = zip(a, b).map { Double($0) * Double($1) }
    #expect(pb_sum(a, count) == a.map(Double.init).reduce(0, +))
    #expect(pb_dot(a, b, count) == products.reduce(0, +))
    #expect(pb_squared_deviations(a, 2, count) == a.map { (Double($0) - 2) * (Double($0) - 2) }.reduce(0, +))
    // A kernel of one place over one row: the gradient of the kernel is the dot product, added to what is there.
    guard count > 0 else { return }
    let window = Window(
      input: (1, count), output: (1, count), kernel: (1, 1), stride: (1, 1), dilation: (1, 1), paddingTopLeft: (0, 0))
    var gradient: Float = 3
    withUnsafePointer(to: window.c) { pb_depthwise_weight(a, b, $0, &gradient) }
    #expect(Double(gradient) == 3 + products.reduce(0, +))
  }

  /// Sums in Double lose nothing against the largest term.
  @Test func longSum() {
    let ones = [Float](repeating: 1, count: 1 << 20)
    #expect(abs(pb_sum(ones + [1e-7], ones.count + 1) - Double(1 << 20) - 1e-7) < 1e-9)
  }

  @Test(arguments: 1...9) func rowsTimes(_ rows: Int) {
    for (inputs, outputs) in [(1, 1), (3, 5), (16, 2), (17, 4), (40, 3)] {
      let x = integers("x", rows * inputs)
      let w = integers("w", outputs * inputs)
      let v = integers("v", rows * outputs)
      let bias = integers("bias", outputs)
      var y = [Float](repeating: .nan, count: rows * outputs)
      pb_rows_times_transposed(x, w, bias, &y, rows, inputs, outputs, 0, outputs)
      var dx = [Float](repeating: .nan, count: rows * inputs)
      pb_rows_times(v, w, &dx, rows, inputs, outputs, 0, inputs)
      for row in 0..<rows {
        for o in 0..<outputs {
          let expected = (0..<inputs).map { x[row * inputs + $0] * w[o * inputs + $0] }.reduce(bias[o], +)
          #expect(y[row * outputs + o] == expected)
        }
        for k in 0..<inputs {
          let expected = (0..<outputs).map { v[row * outputs + $0] * w[$0 * inputs + k] }.reduce(0, +)
          #expect(dx[row * inputs + k] == expected)
        }
      }
    }
  }

  /// Part of the outputs or inputs may be asked for; the rest is left alone. A row's bits do not depend on the others.
  @Test func rowsTimesParts() {
    let (rows, inputs, outputs) = (7, 37, 11)
    let x = Formula.image("x", [rows * inputs]).scalars
    let w = Formula.image("w", [outputs * inputs]).scalars
    var whole = [Float](repeating: 0, count: rows * outputs)
    pb_rows_times_transposed(x, w, nil, &whole, rows, inputs, outputs, 0, outputs)
    var part = [Float](repeating: 5, count: rows * outputs)
    pb_rows_times_transposed(x, w, nil, &part, rows, inputs, outputs, 3, 8)
    for place in part.indices {
      #expect(part[place] == ((3..<8).contains(place % outputs) ? whole[place] : 5))
    }
    for row in 0..<rows {
      var single = [Float](repeating: 0, count: outputs)
      let input = Array(x[row * inputs..<(row + 1) * inputs])
      pb_rows_times_transposed(input, w, nil, &single, 1, inputs, outputs, 0, outputs)
      #expect(single == Array(whole[row * outputs..<(row + 1) * outputs]))
    }
    var pulled = [Float](repeating: 5, count: rows * inputs)
    pb_rows_times(whole, w, &pulled, rows, inputs, outputs, 30, 37)
    #expect(pulled.indices.allSatisfy { $0 % inputs >= 30 || pulled[$0] == 5 })
  }

  private func softmax(_ x: [Float], scale: Float = 1) -> [Float] {
    var y = [Float](repeating: .nan, count: x.count)
    pb_softmax_rows(x, scale, &y, 1, x.count)
    return y
  }

  @Test func softmaxOfLargeValues() {
    for x: [Float] in [[1e4, 1e4 - 1, -1e4], [3e38, -3e38, 3e38], [88, 89, 500], [-1e30, -1e30, -1e30, -1e30]] {
      let largest = Double(x.max()!)
      let powers = x.map { exp(Double($0) - largest) }
      expectClose(softmax(x).map(Double.init), powers.map { $0 / powers.sum }, within: 2e-7, "\(x)")
    }
  }

  @Test func softmaxOfInfinities() {
    let masked = softmax([-.infinity, 0, 1, -.infinity])
    #expect(masked[0] == 0 && masked[3] == 0)
    #expect(abs(Double(masked[2]) - 1 / (1 + exp(-1))) < 1e-7)
    // Nothing is left to share: PyTorch says NaN as well.
    #expect(softmax([-.infinity, -.infinity]).allSatisfy { $0.isNaN })
    for place in 0..<20 {
      var x = [Float](repeating: 1, count: 20)
      x[place] = .nan
      #expect(softmax(x).allSatisfy { $0.isNaN }, "NaN at \(place)")
    }
  }

  /// In place, as attention does it, the same bits as out of place.
  @Test(arguments: [1, 15, 16, 17, 100]) func softmaxInPlace(_ n: Int) {
    let x = Formula.image("x", [3 * n]).scalars.map { 5 * $0 }
    let v = Formula.image("v", [3 * n]).scalars
    var y = [Float](repeating: 0, count: 3 * n)
    pb_softmax_rows(x, 0.7, &y, 3, n)
    var inPlace = x
    inPlace.withUnsafeMutableBufferPointer { pb_softmax_rows($0.baseAddress!, 0.7, $0.baseAddress!, 3, n) }
    #expect(inPlace == y)
    var dx = [Float](repeating: 0, count: 3 * n)
    pb_softmax_rows_gradient(y, v, 0.7, &dx, 3, n)
    inPlace = v
    inPlace.withUnsafeMutableBufferPointer { pb_softmax_rows_gradient(y, $0.baseAddress!, 0.7, $0.baseAddress!, 3, n) }
    #expect(inPlace == dx)
  }

  /// The mean is taken off before anything is squared. What is left is the mean's own rounding to float32, at most
  /// `2^-25 mean / deviation`.
  @Test(arguments: [0, 1, 1e2, 1e4, 1e6] as [Double]) func layerNormOfLargeMean(_ mean: Double) {
    let n = 300
    let x = Formula.image("x", [n]).scalars.map { Float(mean + 2 * Double($0)) }
    let ones = [Float](repeating: 1, count: n)
    var y = ones
    var (statistic, reciprocal): (Float, Float) = (0, 0)
    pb_layer_norm_rows(x, ones, [Float](repeating: 0, count: n), 1e-5, &y, &statistic, &reciprocal, 1, n)
    let exact = x.map(Double.init)
    let deviation = (exact.variance + 1e-5).squareRoot()
    let allowed = 4e-7 + 0x1p-24 * mean / deviation
    let error = zip(y, exact).map { abs(Double($0) - ($1 - exact.mean) / deviation) }.max()!
    #expect(error <= allowed, "error \(error), allowed \(allowed)")
    #expect(abs(Double(reciprocal) * deviation - 1) < 1e-7)
    #expect(abs(Double(statistic) - exact.mean) <= 0x1p-24 * mean + 1e-7)
  }

  /// A row without variance is its shift, not a division by nothing.
  @Test func layerNormOfEqualValues() {
    var y: [Float] = [9, 9, 9]
    var (mean, reciprocal): (Float, Float) = (0, 0)
    pb_layer_norm_rows([7, 7, 7], [2, 2, 2], [1, 2, 3], 1e-6, &y, &mean, &reciprocal, 1, 3)
    #expect(y == [1, 2, 3] && mean == 7 && abs(reciprocal - 1000) < 1e-3)
  }
}
