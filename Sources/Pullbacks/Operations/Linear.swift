import Kernels

/// A linear map of the last axis: `y = W x + b`, for `(N, K)` features, `(N, T, K)` tokens or `(N, ..., K)`.
///
/// Parameters: `weight` `(outputs, K)` and, if asked for, `bias` `(outputs)`; their names may have a prefix, such as
/// `in_proj_` for the queries, keys and values of PyTorch's multi-head attention.
public struct Linear: Operation {
  /// Rows of the weight.
  public var outputs: Int
  /// Whether b is added.
  public var hasBias: Bool
  /// Stands before `weight` and `bias`; empty but for parts of a larger layer.
  public var parameterPrefix: String

  /// - Parameters:
  ///   - outputs: rows of the weight.
  ///   - bias: whether b is added.
  ///   - parameterPrefix: stands before `weight` and `bias`.
  public init(_ outputs: Int, bias: Bool = true, parameterPrefix: String = "") {
    self.outputs = outputs
    hasBias = bias
    self.parameterPrefix = parameterPrefix
  }

  public var kind: String { "linear" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "\(outputs) outputs" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard let last = inputs[0].last, last > 0 else {
      throw PullbackError(.usage, kind, "expected a feature axis, found shape \(inputs[0])")
    }
    return inputs[0].dropLast() + [outputs]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    [ParameterDescription(parameterPrefix + "weight", [outputs, inputs[0].last!])]
      + (hasBias ? [ParameterDescription(parameterPrefix + "bias", [outputs])] : [])
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let width = x.shape.last!
    let output = Tensor(shape: x.shape.dropLast() + [outputs]) { y in
      Tensor.withPointers(x, parameters[0], parameters.last!) { input, weight, bias in
        let y = y.baseAddress!
        if x.rank == 2 {
          // Few rows: a dot product per output, so that a row's bytes do not depend on how many rows there are.
          Parallel.forEachBlock(of: outputs, size: 64) { block in
            Arrays.rowsTimesTransposed(
              input, weight, hasBias ? bias : nil, y, x.shape[0], width, outputs, block.lowerBound, block.upperBound)
          }
        } else {
          forEachTokenStrip(x.shape) { tokens in
            let output = y + tokens.lowerBound * outputs
            matrixProduct(
              MatrixOperand(input + tokens.lowerBound * width, stride: width),
              MatrixOperand(weight, stride: width, transposed: true),
              into: output, stride: outputs, m: tokens.count, n: outputs, k: width)
            if hasBias { Arrays.addRow(bias, output, tokens.count, outputs) }
          }
        }
      }
    }
    return Evaluation(output)
  }

  /// `W^T v`
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let width = site.inputShapes[0].last!
    return [
      Tensor(shape: site.inputShapes[0]) { dx in
        Tensor.withPointers(v, site.parameters[0]) { cotangent, weight in
          let dx = dx.baseAddress!
          if v.rank == 2 {
            Parallel.forEachBlock(of: width, size: 512) { block in
              Arrays.rowsTimes(cotangent, weight, dx, v.shape[0], width, outputs, block.lowerBound, block.upperBound)
            }
          } else {
            forEachTokenStrip(v.shape) { tokens in
              matrixProduct(
                MatrixOperand(cotangent + tokens.lowerBound * outputs, stride: outputs),
                MatrixOperand(weight, stride: width),
                into: dx + tokens.lowerBound * width, stride: width, m: tokens.count, n: width, k: outputs)
            }
          }
        }
      }
    ]
  }

  /// `dW = v^T x` over all rows of the batch, `db` the sum of v.
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let width = site.inputShapes[0].last!
    let rows = v.count / outputs
    let weight = Tensor(shape: [outputs, width]) { gradient in
      Tensor.withPointers(v, site.input()) { v, x in
        let strips = split(outputs, into: outputs >= 32 ? 2 : 1)
        Parallel.forEach(strips.count) { index in
          let strip = strips[index]
          matrixProduct(
            MatrixOperand(v + strip.lowerBound, stride: outputs, transposed: true), MatrixOperand(x, stride: width),
            into: gradient.baseAddress! + strip.lowerBound * width, stride: width, m: strip.count, n: width, k: rows)
        }
      }
    }
    guard hasBias else { return [weight] }
    var bias = Tensor(shape: [outputs])
    bias.withUnsafeMutableBuffer { bias in
      v.withUnsafeBuffer { Arrays.accumulateRows($0.baseAddress!, bias.baseAddress!, rows, outputs) }
    }
    return [weight, bias]
  }

  /// Calls `body` with ranges of token rows; an image's tokens are cut the same way in whatever batch they come.
  private func forEachTokenStrip(_ shape: [Int], _ body: (Range<Int>) -> Void) {
    let tokens = shape.dropFirst().dropLast().reduce(1, *)
    let strips = split(tokens, into: tokens >= 1024 ? 4 : tokens >= 32 ? 2 : 1)
    Parallel.forEach(shape[0] * strips.count) { index in
      let first = index / strips.count * tokens
      let strip = strips[index % strips.count]
      body(first + strip.lowerBound..<first + strip.upperBound)
    }
  }
}
