import Kernels

/// The matrix product of the last two axes: `(N, ..., M, K)` times `(N, ..., K, P)`.
public struct MatrixMultiply: Operation {
  /// Whether the second factor is given as `(N, ..., P, K)`.
  public var transposesRight: Bool
  /// - Parameter transposingRight: whether the second factor is given as `(N, ..., P, K)`.
  public init(transposingRight: Bool = false) { transposesRight = transposingRight }

  public var kind: String { "matmul" }
  public var character: OperationCharacter { .product }
  public var settings: String { transposesRight ? "second factor transposed" : "" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    let problem = PullbackError(.usage, kind, "the extents of \(inputs) do not match")
    guard inputs.count == 2, inputs[0].count >= 2, inputs[0].count == inputs[1].count,
      inputs[0].dropLast(2) == inputs[1].dropLast(2)
    else { throw problem }
    let right = transposesRight ? Array(inputs[1].suffix(2).reversed()) : Array(inputs[1].suffix(2))
    guard inputs[0].last! == right[0] else { throw problem }
    return inputs[0].dropLast() + [right[1]]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(product(inputs[0], inputs[1], transposingRight: transposesRight))
  }

  public var gradientNeeds: Needs { .inputs }

  /// For `Y = A B`: `dA = V B^T` and `dB = A^T V`.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [
      site.wants[0] ? product(v, site.input(1), transposingRight: !transposesRight) : nil,
      site.wants[1]
        ? (transposesRight
          ? product(v, site.input(0), transposingLeft: true) : product(site.input(0), v, transposingLeft: true))
        : nil,
    ]
  }

  private func product(
    _ a: Tensor, _ b: Tensor, transposingLeft: Bool = false, transposingRight: Bool = false
  ) -> Tensor {
    let left = Array(a.shape.suffix(2))
    let right = Array(b.shape.suffix(2))
    let (m, k) = transposingLeft ? (left[1], left[0]) : (left[0], left[1])
    let n = transposingRight ? right[0] : right[1]
    return Tensor(shape: a.shape.dropLast(2) + [m, n]) { y in
      Tensor.withPointers(a, b) { a, b in
        Parallel.forEach(y.count / (m * n)) { index in
          matrixProduct(
            MatrixOperand(a + index * m * k, stride: left[1], transposed: transposingLeft),
            MatrixOperand(b + index * k * n, stride: right[1], transposed: transposingRight),
            into: y.baseAddress! + index * m * n, stride: n, m: m, n: n, k: k)
        }
      }
    }
  }
}

/// Scaled dot-product attention with several heads: inputs are queries `(N, T, C)`, keys `(N, S, C)` and values
/// `(N, S, D)`, whose last axes the heads share out evenly; the output is `(N, T, D)`.
///
/// Per head, `Y = A V` with `A = softmax(scale Q K^T)`, row by row.
public struct ScaledDotProductAttention: Operation {
  /// How many heads share out the last axes.
  public var heads: Int
  /// The factor on `Q K^T`; nil is `1 / sqrt(C / heads)`.
  public var scale: Float?

  /// - Parameters:
  ///   - heads: how many share out the last axes.
  ///   - scale: the factor on `Q K^T`; nil is `1 / sqrt(C / heads)`.
  public init(heads: Int, scale: Float? = nil) {
    self.heads = heads
    self.scale = scale
  }

  public var kind: String { "attention" }
  public var character: OperationCharacter { .product }
  public var settings: String { "\(heads) head\(heads == 1 ? "" : "s")" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    guard inputs.count == 3, inputs.allSatisfy({ $0.count == 2 }), inputs[0][1] == inputs[1][1],
      inputs[1][0] == inputs[2][0]
    else { throw PullbackError(.usage, kind, "queries, keys and values of shapes \(inputs) do not fit together") }
    guard heads > 0, inputs[0][1] % heads == 0, inputs[2][1] % heads == 0 else {
      throw PullbackError(
        .usage, kind, "\(heads) heads do not share \(inputs[0][1]) and \(inputs[2][1]) features evenly")
    }
    return [inputs[0][0], inputs[2][1]]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let shape = AttentionShape(inputs.map(\.shape), heads: heads, scale: scale)
    return Evaluation(
      Tensor(shape: [shape.images, shape.queries, shape.valueWidth]) { y in
        Tensor.withPointers(inputs[0], inputs[1], inputs[2]) { q, k, v in
          shape.forEachHead { head in
            withScratch(shape.matrixSize) { matrix in
              shape.attention(q, k, head, sharpness: 1, into: matrix)
              matrixProduct(
                MatrixOperand(matrix, stride: shape.keys),
                MatrixOperand(v + shape.valueOffset(head), stride: shape.valueWidth),
                into: y.baseAddress! + shape.outputOffset(head), stride: shape.valueWidth,
                m: shape.queries, n: shape.headValueWidth, k: shape.keys)
            }
          }
        }
      })
  }

  /// The attention matrices of queries `(N, T, C)` and keys `(N, S, C)`: `(N, heads, T, S)`, each row a distribution.
  public func matrices(queries: Tensor, keys: Tensor) -> Tensor {
    let shape = AttentionShape([queries.shape, keys.shape, keys.shape], heads: heads, scale: scale)
    return Tensor(shape: [shape.images, heads, shape.queries, shape.keys]) { matrices in
      Tensor.withPointers(queries, keys) { q, k in
        shape.forEachHead { head in
          shape.attention(q, k, head, sharpness: 1, into: matrices.baseAddress! + head * shape.matrixSize)
        }
      }
    }
  }

  public var gradientNeeds: Needs { .inputs }

  /// `dV = A^T G`; with `S` the softmax's gradient at `G V^T`: `dQ = scale S K`, `dK = scale S^T Q`.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { gradient(v, at: site, temperature: 1) }

  /// The gradient of the attention of `(q / temperature, k / temperature, v)`, taken with respect to these three.
  func gradient(_ v: Tensor, at site: Site, temperature: Float) -> [Tensor?] {
    let shape = AttentionShape(site.inputShapes, heads: heads, scale: scale)
    var gradients = site.inputShapes.map { Tensor(shape: $0) }
    var (dQ, dK, dV) = (gradients[0], gradients[1], gradients[2])
    gradients = []
    dQ.withUnsafeMutableBuffer { dQ in
      dK.withUnsafeMutableBuffer { dK in
        dV.withUnsafeMutableBuffer { dV in
          v.withUnsafeBuffer { cotangent in
            Tensor.withPointers(site.input(0), site.input(1), site.input(2)) { q, k, v in
              shape.forEachHead { head in
                shape.gradient(
                  cotangent.baseAddress!, q, k, v, head, temperature: temperature,
                  dQ.baseAddress!, dK.baseAddress!, dV.baseAddress!)
              }
            }
          }
        }
      }
    }
    return [dQ, dK, dV]
  }

  /// The adjoint with the attention matrix held constant: only values get a cotangent,
  /// `dV = softmax(scale Q K^T / temperature)^T G`.
  func frozenAdjoint(_ v: Tensor, at site: Site, temperature: Float) -> Tensor {
    let shape = AttentionShape(site.inputShapes, heads: heads, scale: scale)
    return Tensor(shape: site.inputShapes[2]) { dV in
      Tensor.withPointers(site.input(0), site.input(1), v) { q, k, cotangent in
        shape.forEachHead { head in
          withScratch(shape.matrixSize) { matrix in
            shape.attention(q, k, head, sharpness: 1 / temperature, into: matrix)
            shape.valueAdjoint(matrix, cotangent, head, into: dV.baseAddress!)
          }
        }
      }
    }
  }
}

/// The extents of one attention, and the steps that its forward and backward passes share. A head is addressed by its
/// number over the batch, `image * heads + head`.
private struct AttentionShape {
  let images, queries, keys, width, valueWidth, heads: Int
  let scale: Float

  init(_ inputs: [[Int]], heads: Int, scale: Float?) {
    images = inputs[0][0]
    queries = inputs[0][1]
    keys = inputs[1][1]
    width = inputs[0][2]
    valueWidth = inputs[2][2]
    self.heads = heads
    self.scale = scale ?? 1 / Float(inputs[0][2] / heads).squareRoot()
  }

  var headWidth: Int { width / heads }
  var headValueWidth: Int { valueWidth / heads }
  var matrixSize: Int { queries * keys }

  func queryOffset(_ head: Int) -> Int { head / heads * queries * width + head % heads * headWidth }
  func keyOffset(_ head: Int) -> Int { head / heads * keys * width + head % heads * headWidth }
  func valueOffset(_ head: Int) -> Int { head / heads * keys * valueWidth + head % heads * headValueWidth }
  func outputOffset(_ head: Int) -> Int { head / heads * queries * valueWidth + head % heads * headValueWidth }

  func forEachHead(_ body: (Int) -> Void) { Parallel.forEach(images * heads, body) }

  /// `softmax(sharpness scale Q K^T)` of one head, `(queries, keys)`.
  func attention(
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ head: Int, sharpness: Float,
    into matrix: UnsafeMutablePointer<Float>
  ) {
    matrixProduct(
      MatrixOperand(q + queryOffset(head), stride: width),
      MatrixOperand(k + keyOffset(head), stride: width, transposed: true),
      into: matrix, stride: keys, m: queries, n: keys, k: headWidth)
    Arrays.softmaxRows(matrix, scale * sharpness, matrix, queries, keys)
  }

  /// `A^T G` of one head.
  func valueAdjoint(
    _ matrix: UnsafePointer<Float>, _ cotangent: UnsafePointer<Float>, _ head: Int,
    into dV: UnsafeMutablePointer<Float>
  ) {
    matrixProduct(
      MatrixOperand(matrix, stride: keys, transposed: true),
      MatrixOperand(cotangent + outputOffset(head), stride: valueWidth),
      into: dV + valueOffset(head), stride: valueWidth, m: keys, n: headValueWidth, k: queries)
  }

  func gradient(
    _ cotangent: UnsafePointer<Float>, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ head: Int, temperature: Float,
    _ dQ: UnsafeMutablePointer<Float>, _ dK: UnsafeMutablePointer<Float>, _ dV: UnsafeMutablePointer<Float>
  ) {
    withScratch(2 * matrixSize) { matrix in
      let slope = matrix + matrixSize
      // Dividing q and k by the temperature divides their product by its square.
      attention(q, k, head, sharpness: 1 / (temperature * temperature), into: matrix)
      valueAdjoint(matrix, cotangent, head, into: dV)
      matrixProduct(
        MatrixOperand(cotangent + outputOffset(head), stride: valueWidth),
        MatrixOperand(v + valueOffset(head), stride: valueWidth, transposed: true),
        into: slope, stride: keys, m: queries, n: keys, k: headValueWidth)
      // With respect to q / temperature one factor 1 / temperature is left, that of k, and the other way round.
      Arrays.softmaxRowsGradient(matrix, slope, scale / temperature, slope, queries, keys)
      matrixProduct(
        MatrixOperand(slope, stride: keys), MatrixOperand(k + keyOffset(head), stride: width),
        into: dQ + queryOffset(head), stride: width, m: queries, n: headWidth, k: keys)
      matrixProduct(
        MatrixOperand(slope, stride: keys, transposed: true), MatrixOperand(q + queryOffset(head), stride: width),
        into: dK + keyOffset(head), stride: width, m: keys, n: headWidth, k: queries)
    }
  }
}
