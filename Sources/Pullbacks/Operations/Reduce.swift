import Glibc
import Kernels

/// Reduces all values along some axes to one number; the batch axis is not counted.
public struct Reduce: Operation {
  /// The kind of reduction.
  public enum Reduction: String, Hashable, Sendable, CaseIterable {
    /// `sum x_i / n`
    case mean
    /// `sum x_i`
    case sum
    /// The largest; of equal ones each takes its share of a cotangent, as in PyTorch's `amax`.
    case max
    /// The smallest, as `max`.
    case min
    /// `sqrt(sum x_i^2)`; its derivative at 0 is 0.
    case l2
    /// `sum |x_i|`; its derivative at 0 is 0.
    case l1
    /// `x_1 ... x_n`
    case prod
    /// `log sum exp(x_i)`
    case logsumexp
  }

  /// The kind of reduction.
  public var reduction: Reduction
  /// The axes that are reduced, the batch axis not counted.
  public var axes: [Int]
  /// Whether reduced axes stay, with an extent of 1.
  public var keepsAxes: Bool

  /// - Parameters:
  ///   - reduction: the kind of reduction.
  ///   - axes: the axes that are reduced, the batch axis not counted.
  ///   - keepingAxes: whether reduced axes stay, with an extent of 1.
  public init(_ reduction: Reduction, axes: [Int], keepingAxes: Bool = false) {
    self.reduction = reduction
    self.axes = axes
    keepsAxes = keepingAxes
  }

  public var kind: String { "reduce_\(reduction.rawValue)" }
  public var settings: String { "axes \(axes)" + (keepsAxes ? ", which stay" : "") }

  public var character: OperationCharacter {
    switch reduction {
    case .mean, .sum: .linear
    case .max, .min: .selection
    case .l2, .l1, .prod, .logsumexp: .nonlinear
    }
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    let shape = inputs[0]
    guard Set(axes).count == axes.count, axes.allSatisfy(shape.indices.contains) else {
      throw PullbackError(.usage, kind, "\(axes) are not axes of shape \(shape)")
    }
    return shape.indices.compactMap { axis in
      axes.contains(axis) ? (keepsAxes ? 1 : nil) : shape[axis]
    }
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let shape = [x.shape[0]] + (try! outputShape([Array(x.shape.dropFirst())]))
    let rows = x.permuted(order(x.rank))
    let size = x.count / shape.product
    return Evaluation(
      Tensor(shape: shape) { y in
        rows.withUnsafeBuffer { x in
          forEachRow(y.count, size) { y[$0] = value(x.baseAddress! + $0 * size, size) }
        }
      })
  }

  public var gradientNeeds: Needs { character == .linear ? [] : .inputs }

  /// Row by row, v times the derivative with respect to each value.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let shape = site.inputShapes[0]
    let order = order(shape.count)
    let size = shape.product / v.count
    let permuted = order.map { shape[$0] }
    let rows = character == .linear ? nil : site.input().permuted(order)
    let gradient = Tensor(shape: permuted) { dx in
      v.withUnsafeBuffer { v in
        let dx = dx.baseAddress!
        if let rows {
          rows.withUnsafeBuffer { x in
            forEachRow(v.count, size) { pull(v[$0], at: x.baseAddress! + $0 * size, into: dx + $0 * size, size) }
          }
        } else {
          let divisor = reduction == .mean ? Float(size) : 1
          forEachRow(v.count, size) { (dx + $0 * size).update(repeating: v[$0] / divisor, count: size) }
        }
      }
    }
    var inverse = order
    for (place, axis) in order.enumerated() { inverse[axis] = place }
    return [gradient.permuted(inverse)]
  }

  /// The axes that stay, batch axis first, then those that are reduced.
  private func order(_ rank: Int) -> [Int] {
    let reduced = axes.sorted().map { $0 + 1 }
    return (0..<rank).filter { !reduced.contains($0) } + reduced
  }

  private func forEachRow(_ rows: Int, _ size: Int, _ body: (Int) -> Void) {
    Parallel.forEachBlock(of: rows, size: Swift.max(1, (1 << 15) / size)) { block in for row in block { body(row) } }
  }

  /// The number of `size` values; sums are taken in Double.
  private func value(_ x: UnsafePointer<Float>, _ size: Int) -> Float {
    func sum(_ term: (Double) -> Double) -> Double { (0..<size).reduce(0) { $0 + term(Double(x[$1])) } }
    switch reduction {
    case .mean: return Float(Arrays.sum(x, size) / Double(size))
    case .sum: return Float(Arrays.sum(x, size))
    case .max, .min: return extreme(x, size)
    case .l2: return Float(Arrays.dot(x, x, size).squareRoot())
    case .l1: return Float(sum(Swift.abs))
    case .prod: return Float((0..<size).reduce(1) { $0 * Double(x[$1]) })
    case .logsumexp:
      let largest = Double(extreme(x, size))
      // Where all values are -inf, so is the result.
      guard largest.isFinite else { return Float(largest) }
      return Float(largest + log(sum { exp($0 - largest) }))
    }
  }

  /// The largest value, or the smallest; a NaN wins.
  private func extreme(_ x: UnsafePointer<Float>, _ size: Int) -> Float {
    (1..<Swift.max(1, size)).reduce(x[0]) { best, index in
      let value = x[index]
      return value.isNaN || (reduction == .min ? value < best : value > best) ? value : best
    }
  }

  private func pull(_ v: Float, at x: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, _ size: Int) {
    let y = value(x, size)
    switch reduction {
    case .mean, .sum: break
    case .max, .min:
      let share = v / Float((0..<size).count { x[$0] == y })
      for i in 0..<size { dx[i] = x[i] == y ? share : 0 }
    case .l2: for i in 0..<size { dx[i] = y == 0 ? 0 : v * (x[i] / y) }
    case .l1: for i in 0..<size { dx[i] = x[i] > 0 ? v : x[i] < 0 ? -v : 0 }
    case .prod:
      // The product of the values before and of those behind; a quotient would fail at a value of zero.
      var product = 1.0
      for i in 0..<size {
        dx[i] = v * Float(product)
        product *= Double(x[i])
      }
      product = 1
      for i in (0..<size).reversed() {
        dx[i] *= Float(product)
        product *= Double(x[i])
      }
    case .logsumexp: for i in 0..<size { dx[i] = v * Float(exp(Double(x[i]) - Double(y))) }
    }
  }
}
