import Kernels

/// Scaled dot-product attention with several heads: inputs are queries `(N, T, C)`, keys `(N, S, C)` and values
/// `(N, S, D)`, whose last axes the heads share out evenly; the output is `(N, T, D)`.
///
/// Per head, `Y = A V` with `A = softmax(scale Q K^T + M)`, row by row. A fourth input is the mask M, `(N, T, S)` for
/// all heads or `(N, heads, T, S)`: a number is added to each score, minus infinity closes a place. A query all of
/// whose places are closed yields NaN. With fewer key heads than query heads each key head serves `heads / keyHeads`
/// query heads in turn; keys are then `(N, S, keyHeads d)`, values `(N, S, keyHeads e)` and the output
/// `(N, T, heads e)`. Sources: Vaswani et al. 2017 (arXiv 1706.03762); Ainslie et al. 2023 (arXiv 2305.13245) for
/// grouped key heads.
public struct ScaledDotProductAttention: Operation {
  /// The number of heads into which the last axes are split.
  public var heads: Int
  /// The number of heads of keys and values.
  public var keyHeads: Int
  /// The factor on `Q K^T`; nil is `1 / sqrt(C / heads)`.
  public var scale: Float?
  /// Whether query t sees the keys `s <= t` alone.
  public var isCausal: Bool

  /// - Parameters:
  ///   - heads: the number of heads that split the last axes.
  ///   - keyHeads: the number of heads of keys and values; nil is the same number.
  ///   - scale: the factor on `Q K^T`; nil is `1 / sqrt(C / heads)`.
  ///   - causal: whether query t sees the keys `s <= t` alone.
  public init(heads: Int, keyHeads: Int? = nil, scale: Float? = nil, causal: Bool = false) {
    self.heads = heads
    self.keyHeads = keyHeads ?? heads
    self.scale = scale
    isCausal = causal
  }

  public var kind: String { "attention" }
  public var character: OperationCharacter { .product }
  public var settings: String {
    "\(heads) head\(heads == 1 ? "" : "s")" + (keyHeads == heads ? "" : ", \(keyHeads) for keys")
      + (isCausal ? ", causal" : "")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    guard keyHeads > 0, heads > 0, heads % keyHeads == 0 else {
      throw PullbackError(.usage, kind, "\(keyHeads) key heads do not serve \(heads) heads evenly")
    }
    guard inputs.count == 3 || inputs.count == 4, inputs.prefix(3).allSatisfy({ $0.count == 2 }),
      inputs[0][1] * keyHeads == inputs[1][1] * heads, inputs[1][0] == inputs[2][0]
    else {
      throw PullbackError(
        .usage, kind, "queries, keys and values of shapes \(Array(inputs.prefix(3))) do not fit together")
    }
    guard inputs[0][1] % heads == 0, inputs[2][1] % keyHeads == 0 else {
      throw PullbackError(
        .usage, kind, "\(heads) heads do not share \(inputs[0][1]) and \(inputs[2][1]) features evenly")
    }
    let scores = [inputs[0][0], inputs[1][0]]
    guard inputs.count == 3 || inputs[3] == scores || inputs[3] == [heads] + scores else {
      throw PullbackError(
        .usage, kind, "a mask of shape \(inputs[3]) is neither \(scores) nor \([heads] + scores)")
    }
    return [inputs[0][0], inputs[2][1] / keyHeads * heads]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let shape = AttentionShape(inputs.map(\.shape), self)
    return Evaluation(
      Tensor(shape: [shape.images, shape.queries, shape.outputWidth]) { y in
        withPointers(inputs) { q, k, v, mask in
          shape.forEachHead { head in
            withScratch(shape.matrixSize) { matrix in
              shape.attention(q, k, mask, head, into: matrix)
              matrixProduct(
                MatrixOperand(matrix, stride: shape.keys),
                MatrixOperand(v + shape.valueOffset(head), stride: shape.valueWidth),
                into: y.baseAddress! + shape.outputOffset(head), stride: shape.outputWidth,
                m: shape.queries, n: shape.headValueWidth, k: shape.keys)
            }
          }
        }
      })
  }

  /// Addresses of queries, keys, values and, if there is one, the mask.
  private func withPointers<Result>(
    _ inputs: [Tensor],
    _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>?) -> Result
  ) -> Result {
    Tensor.withPointers(inputs[0], inputs[1], inputs[2]) { q, k, v in
      guard inputs.count == 4 else { return body(q, k, v, nil) }
      return inputs[3].withUnsafeBuffer { body(q, k, v, $0.baseAddress!) }
    }
  }

  /// The attention matrices of queries `(N, T, C)` and keys `(N, S, C)`: `(N, heads, T, S)`, each row a distribution.
  ///
  /// - Parameters:
  ///   - queries: the operation's first input.
  ///   - keys: its second input.
  ///   - mask: its fourth input where it has one.
  public func matrices(queries: Tensor, keys: Tensor, mask: Tensor? = nil) -> Tensor {
    let inputs = [queries, keys, keys] + (mask.map { [$0] } ?? [])
    let shape = AttentionShape(inputs.map(\.shape), self)
    return Tensor(shape: [shape.images, heads, shape.queries, shape.keys]) { matrices in
      withPointers(inputs) { q, k, _, mask in
        shape.forEachHead { head in
          shape.attention(q, k, mask, head, into: matrices.baseAddress! + head * shape.matrixSize)
        }
      }
    }
  }

  public var gradientNeeds: Needs { .inputs }

  /// `dV = A^T G`; with `S` the softmax's gradient at `G V^T`: `dQ = scale S K`, `dK = scale S^T Q`, `dM = S`. Keys and
  /// values get the sum over the heads that they serve, and so does a mask for all heads.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { gradient(v, at: site, temperature: 1) }

  /// The gradient of the attention of `(q / temperature, k / temperature, v)`, taken with respect to these three.
  func gradient(_ v: Tensor, at site: Site, temperature: Float) -> [Tensor?] {
    let shape = AttentionShape(site.inputShapes, self)
    let inputs = site.inputShapes.indices.map { site.input($0) }
    var dQ = Tensor(shape: site.inputShapes[0]) { _ in }
    var dK = Tensor(shape: site.inputShapes[1]) { _ in }
    var dV = Tensor(shape: site.inputShapes[2]) { _ in }
    // A matrix for each head, also where one mask serves them all.
    let wantsMask = inputs.count == 4 && site.wants[3]
    var dM = Tensor(shape: wantsMask ? [shape.images, heads, shape.queries, shape.keys] : [0]) { _ in }
    dQ.withUnsafeMutableBuffer { dQ in
      dK.withUnsafeMutableBuffer { dK in
        dV.withUnsafeMutableBuffer { dV in
          dM.withUnsafeMutableBuffer { dM in
            v.withUnsafeBuffer { cotangent in
              withPointers(inputs) { q, k, v, mask in
                shape.forEachKeyHead { head, isFirst in
                  shape.gradient(
                    cotangent.baseAddress!, q, k, v, mask, head, temperature: temperature, dQ.baseAddress!,
                    dK.baseAddress!, dV.baseAddress!, wantsMask ? dM.baseAddress! : nil, adding: !isFirst)
                }
              }
            }
          }
        }
      }
    }
    guard inputs.count == 4 else { return [dQ, dK, dV] }
    guard wantsMask else { return [dQ, dK, dV, nil] }
    let sum = Reduce(.sum, axes: [0]).forward([dM], [], mode: .evaluation).output
    return [dQ, dK, dV, inputs[3].rank == 4 ? dM : sum]
  }

  /// The adjoint with the attention matrix held constant: only values get a cotangent,
  /// `dV = softmax((scale Q K^T + M) / temperature)^T G`.
  func frozenAdjoint(_ v: Tensor, at site: Site, temperature: Float) -> Tensor {
    let shape = AttentionShape(site.inputShapes, self)
    return Tensor(shape: site.inputShapes[2]) { dV in
      withPointers(site.inputShapes.indices.map { $0 == 2 ? v : site.input($0) }) { q, k, cotangent, mask in
        shape.forEachKeyHead { head, isFirst in
          withScratch(shape.matrixSize) { matrix in
            shape.attention(
              q, k, mask, head, sharpness: 1 / temperature, maskSharpness: 1 / temperature, into: matrix)
            shape.valueAdjoint(matrix, cotangent, head, into: dV.baseAddress!, adding: !isFirst)
          }
        }
      }
    }
  }
}
