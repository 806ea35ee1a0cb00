/// Throws unless `shape` has `rank` axes, the batch axis not counted.
func checkShape(_ shape: [Int], rank: Int, of kind: String) throws(PullbackError) {
  guard shape.count == rank else {
    throw PullbackError(.usage, kind, "expected an input of rank \(rank) without the batch axis, found shape \(shape)")
  }
}

extension Array where Element == Int {
  /// The number of elements of a shape.
  var product: Int { reduce(1, *) }
}
