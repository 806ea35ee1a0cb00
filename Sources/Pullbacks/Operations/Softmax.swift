import Kernels

/// Softmax over the last axis: `y_i = exp(x_i) / sum_j exp(x_j)`.
public struct Softmax: Operation {
  public init() {}

  public var kind: String { "softmax" }
  public var character: OperationCharacter { .routing }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    guard let last = inputs[0].last, last > 0 else {
      throw PullbackError(.usage, kind, "expected a last axis with values, found shape \(inputs[0])")
    }
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let width = x.shape.last!
    return Evaluation(
      Tensor(shape: x.shape) { y in
        x.withUnsafeBuffer { x in
          Parallel.forEachBlock(of: x.count / width, size: max(1, (1 << 14) / width)) { rows in
            let offset = rows.lowerBound * width
            Arrays.softmaxRows(x.baseAddress! + offset, 1, y.baseAddress! + offset, rows.count, width)
          }
        }
      })
  }

  public var gradientNeeds: Needs { .output }

  /// `dx = y (v - <v, y>)`, row by row.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let width = v.shape.last!
    return [
      Tensor(shape: v.shape) { dx in
        Tensor.withPointers(site.output, v) { y, cotangent in
          Parallel.forEachBlock(of: v.count / width, size: max(1, (1 << 14) / width)) { rows in
            let offset = rows.lowerBound * width
            Arrays.softmaxRowsGradient(y + offset, cotangent + offset, 1, dx.baseAddress! + offset, rows.count, width)
          }
        }
      }
    ]
  }
}
