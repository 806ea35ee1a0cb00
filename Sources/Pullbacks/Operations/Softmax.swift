import Glibc
import Kernels

// Softmax and its logarithm along one axis, which is brought to the end for it.

/// Softmax along an axis: `y_i = exp(x_i) / sum_j exp(x_j)`.
public struct Softmax: Operation {
  /// The axis, the batch axis not counted; nil is the last.
  public var axis: Int?
  /// - Parameter axis: the batch axis not counted; nil is the last.
  public init(axis: Int? = nil) { self.axis = axis }

  public var kind: String { "softmax" }
  public var character: OperationCharacter { .routing }
  public var settings: String { axis.map { "axis \($0)" } ?? "" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    return try checkAxis(axis, inputs[0], of: kind)
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let lines = Lines(inputs[0].shape, axis: axis)
    let x = lines.last(inputs[0])
    return Evaluation(
      lines.back(
        Tensor(shape: x.shape) { y in
          x.withUnsafeBuffer { x in
            lines.forEachBlock { offset, rows in
              Arrays.softmaxRows(x.baseAddress! + offset, 1, y.baseAddress! + offset, rows, lines.width)
            }
          }
        }))
  }

  public var gradientNeeds: Needs { .output }

  /// `dx = y (v - <v, y>)`, row by row.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let lines = Lines(v.shape, axis: axis)
    let (output, cotangents) = (lines.last(site.output), lines.last(v))
    return [
      lines.back(
        Tensor(shape: cotangents.shape) { dx in
          Tensor.withPointers(output, cotangents) { y, v in
            lines.forEachBlock { offset, rows in
              Arrays.softmaxRowsGradient(y + offset, v + offset, 1, dx.baseAddress! + offset, rows, lines.width)
            }
          }
        })
    ]
  }
}

/// The logarithm of ``Softmax``: `y_i = x_i - log sum_j exp(x_j)`.
public struct LogSoftmax: Operation {
  /// The axis, the batch axis not counted; nil is the last.
  public var axis: Int?
  /// - Parameter axis: the batch axis not counted; nil is the last.
  public init(axis: Int? = nil) { self.axis = axis }

  public var kind: String { "logsoftmax" }
  public var character: OperationCharacter { .nonlinear }
  public var settings: String { axis.map { "axis \($0)" } ?? "" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    return try checkAxis(axis, inputs[0], of: kind)
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let lines = Lines(inputs[0].shape, axis: axis)
    let x = lines.last(inputs[0])
    return Evaluation(
      lines.back(
        Tensor(shape: x.shape) { y in
          x.withUnsafeBuffer { x in
            lines.forEachRow { row in
              let row = row..<row + lines.width
              let largest = row.reduce(-Float.infinity) { max($0, x[$1]) }
              let sum = row.reduce(0) { $0 + exp(Double(x[$1] - largest)) }
              let shift = Double(largest) + log(sum)
              for i in row { y[i] = Float(Double(x[i]) - shift) }
            }
          }
        }))
  }

  public var gradientNeeds: Needs { .output }

  /// `dx = v - exp(y) sum(v)`, row by row.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let lines = Lines(v.shape, axis: axis)
    let (output, cotangents) = (lines.last(site.output), lines.last(v))
    return [
      lines.back(
        Tensor(shape: cotangents.shape) { dx in
          Tensor.withPointers(output, cotangents) { y, v in
            lines.forEachRow { row in
              let sum = Arrays.sum(v + row, lines.width)
              for i in row..<row + lines.width { dx[i] = Float(Double(v[i]) - exp(Double(y[i])) * sum) }
            }
          }
        })
    ]
  }
}

private func checkAxis(_ axis: Int?, _ shape: [Int], of kind: String) throws(PullbackError) -> [Int] {
  if let axis, !shape.indices.contains(axis) {
    throw PullbackError(.usage, kind, "axis \(axis) is not an axis of shape \(shape)")
  }
  guard let last = shape.last, last > 0 else {
    throw PullbackError(.usage, kind, "expected a last axis with values, found shape \(shape)")
  }
  return shape
}

/// A tensor's values along one axis, one line of them after another.
private struct Lines {
  /// The axes with that one at the end; nil where it is there.
  private let order: [Int]?
  private let count: Int
  /// Values of a line.
  let width: Int

  init(_ shape: [Int], axis: Int?) {
    let axis = (axis ?? shape.count - 2) + 1
    order = axis == shape.count - 1 ? nil : shape.indices.filter { $0 != axis } + [axis]
    width = shape[axis]
    count = shape.product / width
  }

  func last(_ x: Tensor) -> Tensor { order.map { x.permuted($0) } ?? x }

  func back(_ y: Tensor) -> Tensor {
    guard let order else { return y }
    var inverse = order
    for (place, axis) in order.enumerated() { inverse[axis] = place }
    return y.permuted(inverse)
  }

  /// Calls `body` with the offset and the number of some lines, on several threads.
  func forEachBlock(_ body: (_ offset: Int, _ lines: Int) -> Void) {
    Parallel.forEachBlock(of: count, size: max(1, (1 << 14) / width)) { body($0.lowerBound * width, $0.count) }
  }

  /// Calls `body` with the offset of every line.
  func forEachRow(_ body: (Int) -> Void) {
    forEachBlock { offset, lines in for line in 0..<lines { body(offset + line * width) } }
  }
}
