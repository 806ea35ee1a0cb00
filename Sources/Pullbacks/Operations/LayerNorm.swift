import Kernels

/// An operation that divides by a statistic of its own input: mean, variance or norm. Under the pullbacks the
/// statistics are routing, held constant.
public protocol Normalisation: Operation {
  /// The adjoint with the statistics held constant.
  func frozenAdjoint(_ v: Tensor, at site: Site) -> Tensor
}

extension Normalisation {
  public var character: OperationCharacter { .normalisation }
}

/// Layer normalisation: each token's features, or each pixel's channels, to mean 0 and variance 1, then an affine map.
///
/// `y = gamma (x - mean) / sqrt(var + eps) + beta`, with the biased variance. Parameters: `weight` (gamma) and `bias`
/// (beta).
public struct LayerNorm: Normalisation {
  /// Over which values mean and variance are taken.
  public enum Axis: String, Sendable {
    /// The last axis of `(N, T, C)` or `(N, C)`, or of `(N, ..., C)`.
    case last
    /// Axis 1 of `(N, C, H, W)`, or of `(N, C, ...)`.
    case channels
  }

  /// The number added to the variance.
  public var epsilon: Float
  /// The axis or axes whose values are normalised together.
  public var axis: Axis

  /// - Parameters:
  ///   - epsilon: the number added to the variance.
  ///   - axis: the axis or axes whose values are normalised together.
  public init(epsilon: Float = 1e-5, axis: Axis = .last) {
    self.epsilon = epsilon
    self.axis = axis
  }

  public var kind: String { "layernorm" }
  public var settings: String { "\(axis == .last ? "last axis" : "channels"), eps \(epsilon)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard !inputs[0].isEmpty else { throw PullbackError(.usage, kind, "expected a feature axis, found a scalar") }
    return inputs[0]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    let width = axis == .last ? inputs[0].last! : inputs[0][0]
    return [ParameterDescription("weight", [width]), ParameterDescription("bias", [width])]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = featuresLast(inputs[0])
    let width = x.shape.last!
    let rows = x.count / width
    var mean = Tensor(shape: [rows])
    var reciprocal = Tensor(shape: [rows])
    let y = mean.withUnsafeMutableBuffer { mean in
      reciprocal.withUnsafeMutableBuffer { reciprocal in
        Tensor(shape: x.shape) { y in
          Tensor.withPointers(x, parameters[0], parameters[1]) { x, gamma, beta in
            forEachRowBlock(rows, width) { block in
              let first = block.lowerBound
              Arrays.layerNormRows(
                x + first * width, gamma, beta, epsilon, y.baseAddress! + first * width, mean.baseAddress! + first,
                reciprocal.baseAddress! + first, block.count, width)
            }
          }
        }
      }
    }
    return Evaluation(featuresBack(y), saved: [mean, reciprocal])
  }

  public var gradientNeeds: Needs { .inputs }

  /// `dx = rstd (g - mean(g) - h mean(g h))`, `g = v gamma`, `h = (x - mean) rstd`.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let cotangent = featuresLast(v)
    let x = featuresLast(site.input())
    let width = x.shape.last!
    return site.parameters[0].withUnsafeBuffer { gamma in
      Tensor.withPointers(site.saved[0], site.saved[1]) { mean, reciprocal in
        Tensor.withPointers(cotangent, x) { v, input in
          let dx = Tensor(shape: x.shape) { dx in
            forEachRowBlock(x.count / width, width) { block in
              let first = block.lowerBound
              Arrays.layerNormRowsGradient(
                v + first * width, input + first * width, gamma.baseAddress!, mean + first, reciprocal + first,
                dx.baseAddress! + first * width, block.count, width)
            }
          }
          return [featuresBack(dx)]
        }
      }
    }
  }

  /// The adjoint with mean and variance held constant: `dx = v gamma / sqrt(var + eps)`.
  public func frozenAdjoint(_ v: Tensor, at site: Site) -> Tensor {
    let cotangent = featuresLast(v)
    let width = cotangent.shape.last!
    let dx = Tensor(shape: cotangent.shape) { dx in
      Tensor.withPointers(cotangent, site.parameters[0], site.saved[1]) { v, gamma, reciprocal in
        forEachRowBlock(cotangent.count / width, width) { block in
          let first = block.lowerBound
          Arrays.layerNormRowsFrozen(
            v + first * width, gamma, reciprocal + first, dx.baseAddress! + first * width, block.count, width)
        }
      }
    }
    return featuresBack(dx)
  }

  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let x = featuresLast(site.input())
    let width = x.shape.last!
    var dGamma = Tensor(shape: [width])
    var dBeta = Tensor(shape: [width])
    dGamma.withUnsafeMutableBuffer { dGamma in
      dBeta.withUnsafeMutableBuffer { dBeta in
        Tensor.withPointers(featuresLast(v), x) { v, x in
          Tensor.withPointers(site.saved[0], site.saved[1]) { mean, reciprocal in
            Arrays.layerNormRowsParameters(
              v, x, mean, reciprocal, dGamma.baseAddress!, dBeta.baseAddress!, site.saved[0].count, width)
          }
        }
      }
    }
    return [dGamma, dBeta]
  }

  private func featuresLast(_ x: Tensor) -> Tensor { axis == .last ? x : x.permuted([0] + (2..<x.rank) + [1]) }
  private func featuresBack(_ y: Tensor) -> Tensor {
    axis == .last ? y : y.permuted([0, y.rank - 1] + (1..<y.rank - 1))
  }

  private func forEachRowBlock(_ rows: Int, _ width: Int, _ body: (Range<Int>) -> Void) {
    Parallel.forEachBlock(of: rows, size: max(1, (1 << 15) / width), body)
  }
}
