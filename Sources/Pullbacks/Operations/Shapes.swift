/// Throws unless `shape` has `rank` axes, the batch axis not counted.
func checkShape(_ shape: [Int], rank: Int, of kind: String) throws(PullbackError) {
  guard shape.count == rank else {
    throw PullbackError(.usage, kind, "expected an input of rank \(rank) without the batch axis, found shape \(shape)")
  }
}

/// Throws unless an operation has `count` inputs.
func checkCount(_ inputs: [[Int]], _ count: Int, of kind: String) throws(PullbackError) {
  guard inputs.count == count else {
    throw PullbackError(
      .usage, kind,
      "expected \(count) input\(count == 1 ? "" : "s"), found \(inputs.count) of shapes \(inputs)")
  }
}

/// Throws unless every axis has an extent and the elements can be counted in 31 bits, as BLAS counts.
func checkExtents(_ shape: [Int], of kind: String) throws(PullbackError) {
  guard shape.allSatisfy({ $0 > 0 }) else {
    throw PullbackError(.usage, kind, "an axis has no extent in the shape \(shape)")
  }
  var count = 1
  for extent in shape {
    let (product, overflows) = count.multipliedReportingOverflow(by: extent)
    guard !overflows, product <= Int32.max else {
      throw PullbackError(.usage, kind, "the shape \(shape) has 2^31 elements or more")
    }
    count = product
  }
}

/// Throws unless a window of these settings can slide over a plane.
func checkWindow(
  kernel: Extent, stride: Extent, dilation: Extent = 1, padding: Padding, of kind: String
) throws(PullbackError) {
  let positive = [kernel, stride, dilation].flatMap { [$0.height, $0.width] }
  let sides = [padding.top, padding.left, padding.bottom, padding.right]
  guard positive.allSatisfy({ $0 > 0 }), sides.allSatisfy({ $0 >= 0 }) else {
    throw PullbackError(
      .usage, kind,
      "kernel \(kernel), stride \(stride) and dilation \(dilation) must be positive "
        + "and padding \(padding) not negative")
  }
}

extension Array where Element == Int {
  /// The number of elements of a shape.
  package var product: Int { reduce(1, *) }
}
