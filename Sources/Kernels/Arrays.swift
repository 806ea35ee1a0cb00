import CKernels

/// Loops over arrays of float32, each one pass over memory. CKernels compiles each for several processors; everything
/// above Kernels calls them by these names.
package enum Arrays {
  /// Values that are read.
  package typealias Source = UnsafePointer<Float>
  /// Values that are written.
  package typealias Target = UnsafeMutablePointer<Float>

  // MARK: Elementwise

  /// y = a + b
  package static func add(_ a: Source, _ b: Source, _ y: Target, _ n: Int) {
    pb_add(a, b, y, n)
  }

  /// y += a
  package static func accumulate(_ a: Source, _ y: Target, _ n: Int) {
    pb_accumulate(a, y, n)
  }

  /// y = a b
  package static func multiply(_ a: Source, _ b: Source, _ y: Target, _ n: Int) {
    pb_multiply(a, b, y, n)
  }

  /// y = factor x
  package static func scale(_ x: Source, _ factor: Float, _ y: Target, _ n: Int) {
    pb_scale(x, factor, y, n)
  }

  /// y = x moved to the nearest in [low, high]; NaN stays NaN
  package static func clamp(_ x: Source, _ low: Float, _ high: Float, _ y: Target, _ n: Int) {
    pb_clamp(x, low, high, y, n)
  }

  /// y += factor x
  package static func axpy(_ factor: Float, _ x: Source, _ y: Target, _ n: Int) {
    pb_axpy(factor, x, y, n)
  }

  /// y = scale x + shift
  package static func affine(_ x: Source, _ scale: Float, _ shift: Float, _ y: Target, _ n: Int) {
    pb_affine(x, scale, shift, y, n)
  }

  /// y = a v + b x + c
  package static func affinePair(_ v: Source, _ a: Float, _ x: Source, _ b: Float, _ c: Float, _ y: Target, _ n: Int) {
    pb_affine_pair(v, a, x, b, c, y, n)
  }

  // MARK: Sums, in an order that the length alone fixes

  /// sum a
  package static func sum(_ a: Source, _ n: Int) -> Double {
    pb_sum(a, n)
  }

  /// sum a b
  package static func dot(_ a: Source, _ b: Source, _ n: Int) -> Double {
    pb_dot(a, b, n)
  }

  /// sum (a - mean)^2
  package static func squaredDeviations(_ a: Source, _ mean: Double, _ n: Int) -> Double {
    pb_squared_deviations(a, mean, n)
  }

  /// y[r] += row
  package static func addRow(_ row: Source, _ y: Target, _ rows: Int, _ columns: Int) {
    pb_add_row(row, y, rows, columns)
  }

  /// y += the sum over rows of x
  package static func accumulateRows(_ x: Source, _ y: Target, _ rows: Int, _ columns: Int) {
    pb_accumulate_rows(x, y, rows, columns)
  }

  // MARK: Layout

  /// Axes permuted: y is contiguous with extents `extent`, x is read with `stride`, outermost first.
  package static func permute(_ x: Source, _ y: Target, _ extent: [Int], _ stride: [Int], _ rank: Int) {
    pb_permute(x, y, extent, stride, rank)
  }

  // MARK: Softmax and layer norm

  /// y = softmax(scale x), row by row
  package static func softmaxRows(_ x: Source, _ scale: Float, _ y: Target, _ rows: Int, _ n: Int) {
    pb_softmax_rows(x, scale, y, rows, n)
  }

  /// The gradient of ``softmaxRows`` with respect to x, from its value y
  package static func softmaxRowsGradient(
    _ y: Source, _ v: Source, _ scale: Float, _ dx: Target, _ rows: Int, _ n: Int
  ) {
    pb_softmax_rows_gradient(y, v, scale, dx, rows, n)
  }

  /// Rows of n values normalised; mean and reciprocal deviation (biased variance) are kept.
  package static func layerNormRows(
    _ x: Source, _ gamma: Source, _ beta: Source, _ eps: Float, _ y: Target, _ mean: Target, _ rstd: Target,
    _ rows: Int, _ n: Int
  ) {
    pb_layer_norm_rows(x, gamma, beta, eps, y, mean, rstd, rows, n)
  }

  /// v gamma rstd
  package static func layerNormRowsFrozen(
    _ v: Source, _ gamma: Source, _ rstd: Source, _ dx: Target, _ rows: Int, _ n: Int
  ) {
    pb_layer_norm_rows_frozen(v, gamma, rstd, dx, rows, n)
  }

  /// The gradient of ``layerNormRows`` with respect to x
  package static func layerNormRowsGradient(
    _ v: Source, _ x: Source, _ gamma: Source, _ mean: Source, _ rstd: Source, _ dx: Target, _ rows: Int, _ n: Int
  ) {
    pb_layer_norm_rows_gradient(v, x, gamma, mean, rstd, dx, rows, n)
  }

  /// dgamma += sum v (x - mean) rstd, dbeta += sum v
  package static func layerNormRowsParameters(
    _ v: Source, _ x: Source, _ mean: Source, _ rstd: Source, _ dgamma: Target, _ dbeta: Target, _ rows: Int,
    _ n: Int
  ) {
    pb_layer_norm_rows_parameters(v, x, mean, rstd, dgamma, dbeta, rows, n)
  }

  // MARK: Few rows times a matrix

  /// y[r][o] = x[r] . w[o] + bias[o] for o in [o0, o1). A row does not depend on the other rows.
  package static func rowsTimesTransposed(
    _ x: Source, _ w: Source, _ bias: Source?, _ y: Target, _ rows: Int, _ inputs: Int, _ outputs: Int, _ o0: Int,
    _ o1: Int
  ) {
    pb_rows_times_transposed(x, w, bias, y, rows, inputs, outputs, o0, o1)
  }

  /// The adjoint of ``rowsTimesTransposed`` for k in [k0, k1)
  package static func rowsTimes(
    _ v: Source, _ w: Source, _ dx: Target, _ rows: Int, _ inputs: Int, _ outputs: Int, _ k0: Int, _ k1: Int
  ) {
    pb_rows_times(v, w, dx, rows, inputs, outputs, k0, k1)
  }

  // MARK: Random numbers

  /// Four words of Philox4x32-10 for each of `blocks` places of the stream (key, image, draw) from `block` on
  package static func philox(
    _ key: UInt64, _ image: UInt32, _ draw: UInt32, _ block: UInt64, _ blocks: Int,
    _ words: UnsafeMutablePointer<UInt32>
  ) {
    pb_philox(key, image, draw, block, blocks, words)
  }

  /// Words as numbers in [0, 1), multiples of 2^-24
  package static func uniforms(_ words: UnsafePointer<UInt32>, _ n: Int, _ numbers: Target) {
    pb_uniforms(words, n, numbers)
  }

  /// Words as normal numbers, by their quantile
  package static func normals(_ words: UnsafePointer<UInt32>, _ n: Int, _ numbers: Target) {
    pb_normals(words, n, numbers)
  }
}
