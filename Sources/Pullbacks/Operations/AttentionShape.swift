import Kernels

/// The extents of one attention, and the steps that its forward and backward passes share. A head is addressed by its
/// number over the batch, `image * heads + head`.
struct AttentionShape {
  let images, queries, keys, width, keyWidth, valueWidth, heads, keyHeads: Int
  private let scale: Float
  private let isCausal: Bool
  /// The number of the mask's matrices for an image: one for all heads, or one each.
  private let maskMatrices: Int

  /// - Parameter inputs: shapes of queries, keys, values and perhaps a mask, batch axis included.
  init(_ inputs: [[Int]], _ operation: ScaledDotProductAttention) {
    images = inputs[0][0]
    queries = inputs[0][1]
    keys = inputs[1][1]
    width = inputs[0][2]
    keyWidth = inputs[1][2]
    valueWidth = inputs[2][2]
    heads = operation.heads
    keyHeads = operation.keyHeads
    scale = operation.scale ?? 1 / Float(inputs[0][2] / operation.heads).squareRoot()
    isCausal = operation.isCausal
    maskMatrices = inputs.count == 4 && inputs[3].count == 4 ? heads : 1
  }

  var headWidth: Int { width / heads }
  var headValueWidth: Int { valueWidth / keyHeads }
  var outputWidth: Int { heads * headValueWidth }
  var matrixSize: Int { queries * keys }

  /// The key head, within its image, that serves a head.
  private func keyHead(_ head: Int) -> Int { head % heads / (heads / keyHeads) }

  func queryOffset(_ head: Int) -> Int { head / heads * queries * width + head % heads * headWidth }
  func keyOffset(_ head: Int) -> Int { head / heads * keys * keyWidth + keyHead(head) * headWidth }
  func valueOffset(_ head: Int) -> Int { head / heads * keys * valueWidth + keyHead(head) * headValueWidth }
  func outputOffset(_ head: Int) -> Int { head / heads * queries * outputWidth + head % heads * headValueWidth }
  private func maskOffset(_ head: Int) -> Int {
    (maskMatrices == 1 ? head / heads : head) * matrixSize
  }

  /// Calls `body` with every head, on several threads.
  func forEachHead(_ body: (Int) -> Void) { Parallel.forEach(images * heads, body) }

  /// Calls `body` with every head, those of one key head one after another on one thread: they write to the same keys
  /// and values.
  func forEachKeyHead(_ body: (_ head: Int, _ isFirst: Bool) -> Void) {
    let served = heads / keyHeads
    Parallel.forEach(images * keyHeads) { index in
      for head in index * served..<(index + 1) * served { body(head, head == index * served) }
    }
  }

  /// `softmax(sharpness scale Q K^T + maskSharpness M)` of one head, `(queries, keys)`.
  func attention(
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ mask: UnsafePointer<Float>?, _ head: Int,
    sharpness: Float = 1, maskSharpness: Float = 1, into matrix: UnsafeMutablePointer<Float>
  ) {
    matrixProduct(
      MatrixOperand(q + queryOffset(head), stride: width),
      MatrixOperand(k + keyOffset(head), stride: keyWidth, transposed: true),
      into: matrix, stride: keys, m: queries, n: keys, k: headWidth)
    guard isCausal || mask != nil else {
      return Arrays.softmaxRows(matrix, scale * sharpness, matrix, queries, keys)
    }
    Arrays.scale(matrix, scale * sharpness, matrix, matrixSize)
    if let mask { Arrays.axpy(maskSharpness, mask + maskOffset(head), matrix, matrixSize) }
    if isCausal {
      for query in 0..<min(queries, keys) {
        (matrix + query * keys + query + 1).update(repeating: -.infinity, count: keys - query - 1)
      }
    }
    Arrays.softmaxRows(matrix, 1, matrix, queries, keys)
  }

  /// `A^T G` of one head.
  func valueAdjoint(
    _ matrix: UnsafePointer<Float>, _ cotangent: UnsafePointer<Float>, _ head: Int,
    into dV: UnsafeMutablePointer<Float>, adding: Bool
  ) {
    matrixProduct(
      MatrixOperand(matrix, stride: keys, transposed: true),
      MatrixOperand(cotangent + outputOffset(head), stride: outputWidth),
      into: dV + valueOffset(head), stride: valueWidth, m: keys, n: headValueWidth, k: queries, accumulating: adding)
  }

  func gradient(
    _ cotangent: UnsafePointer<Float>, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ mask: UnsafePointer<Float>?, _ head: Int, temperature: Float, _ dQ: UnsafeMutablePointer<Float>,
    _ dK: UnsafeMutablePointer<Float>, _ dV: UnsafeMutablePointer<Float>, _ dM: UnsafeMutablePointer<Float>?,
    adding: Bool
  ) {
    withScratch(2 * matrixSize) { matrix in
      let slope = matrix + matrixSize
      // Dividing q and k by the temperature divides their product by its square.
      attention(q, k, mask, head, sharpness: 1 / (temperature * temperature), into: matrix)
      valueAdjoint(matrix, cotangent, head, into: dV, adding: adding)
      matrixProduct(
        MatrixOperand(cotangent + outputOffset(head), stride: outputWidth),
        MatrixOperand(v + valueOffset(head), stride: valueWidth, transposed: true),
        into: slope, stride: keys, m: queries, n: keys, k: headValueWidth)
      if let dM { Arrays.softmaxRowsGradient(matrix, slope, 1, dM + head * matrixSize, queries, keys) }
      // With respect to q / temperature one factor 1 / temperature is left, that of k, and the other way round.
      Arrays.softmaxRowsGradient(matrix, slope, scale / temperature, slope, queries, keys)
      matrixProduct(
        MatrixOperand(slope, stride: keys), MatrixOperand(k + keyOffset(head), stride: keyWidth),
        into: dQ + queryOffset(head), stride: width, m: queries, n: headWidth, k: keys)
      matrixProduct(
        MatrixOperand(slope, stride: keys, transposed: true), MatrixOperand(q + queryOffset(head), stride: width),
        into: dK + keyOffset(head), stride: keyWidth, m: keys, n: headWidth, k: queries, accumulating: adding)
    }
  }
}
