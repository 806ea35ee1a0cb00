import Kernels

/// Root-mean-square normalisation of the last axis: `y = gamma x / sqrt(mean(x^2) + eps)`.
///
/// Parameter: `weight` (gamma), of the last axis's extent. Source: Zhang & Sennrich 2019 (arXiv 1910.07467).
public struct RMSNorm: Normalisation {
  /// The number added to the mean square.
  public var epsilon: Float
  /// - Parameter epsilon: the number added to the mean square.
  public init(epsilon: Float = 1e-6) { self.epsilon = epsilon }

  public var kind: String { "rmsnorm" }
  public var settings: String { "eps \(epsilon)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard !inputs[0].isEmpty else { throw PullbackError(.usage, kind, "expected a feature axis, found a scalar") }
    return inputs[0]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    [ParameterDescription("weight", [inputs[0].last!])]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let width = x.shape.last!
    let reciprocal = x.withUnsafeBuffer { x in
      Tensor(shape: [x.count / width]) { reciprocal in
        forEachRow(x.count, width) { row, offset in
          let square = Arrays.dot(x.baseAddress! + offset, x.baseAddress! + offset, width) / Double(width)
          reciprocal[row] = Float(1 / (square + Double(epsilon)).squareRoot())
        }
      }
    }
    return Evaluation(scaled(x, parameters[0], reciprocal), saved: [reciprocal])
  }

  public var gradientNeeds: Needs { .inputs }

  /// `dx = r (g - x r^2 mean(g x))`, `g = v gamma`, with r the reciprocal root.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let width = v.shape.last!
    let reciprocal = site.saved[0].scalars
    return [
      Tensor(shape: v.shape) { dx in
        Tensor.withPointers(v, site.input(), site.parameters[0]) { v, x, gamma in
          forEachRow(dx.count, width) { row, offset in
            let r = reciprocal[row]
            let products = (0..<width).reduce(0) {
              $0 + Double(v[offset + $1] * gamma[$1]) * Double(x[offset + $1] * r)
            }
            let mean = Float(products / Double(width))
            for i in 0..<width { dx[offset + i] = r * (v[offset + i] * gamma[i] - x[offset + i] * r * mean) }
          }
        }
      }
    ]
  }

  /// The adjoint with the root held constant: `dx = v gamma / sqrt(mean(x^2) + eps)`.
  public func frozenAdjoint(_ v: Tensor, at site: Site) -> Tensor { scaled(v, site.parameters[0], site.saved[0]) }

  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let width = v.shape.last!
    let reciprocal = site.saved[0].scalars
    var sums = [Double](repeating: 0, count: width)
    Tensor.withPointers(v, site.input()) { v, x in
      for row in reciprocal.indices {
        for i in 0..<width {
          sums[i] += Double(v[row * width + i]) * Double(x[row * width + i] * reciprocal[row])
        }
      }
    }
    return [Tensor(shape: [width], sums.map(Float.init))]
  }

  /// Each row times gamma and the row's factor.
  private func scaled(_ x: Tensor, _ gamma: Tensor, _ factors: Tensor) -> Tensor {
    let width = x.shape.last!
    return Tensor(shape: x.shape) { y in
      Tensor.withPointers(x, gamma, factors) { x, gamma, factors in
        forEachRow(y.count, width) { row, offset in
          for i in 0..<width { y[offset + i] = x[offset + i] * factors[row] * gamma[i] }
        }
      }
    }
  }

  private func forEachRow(_ count: Int, _ width: Int, _ body: (_ row: Int, _ offset: Int) -> Void) {
    Parallel.forEachBlock(of: count / width, size: max(1, (1 << 15) / width)) { block in
      for row in block { body(row, row * width) }
    }
  }
}
