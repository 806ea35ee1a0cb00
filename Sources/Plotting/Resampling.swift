import Imaging

extension Picture {
  /// The picture at another size for display: enlarged axes repeat pixels, so that each stays visible; reduced axes
  /// average the pixels under each new one, weighted by overlap.
  ///
  /// This is our own arithmetic, because Cairo's filters differ between its versions.
  /// - Precondition: both extents are positive.
  func displayed(width newWidth: Int, height newHeight: Int) -> Picture {
    if (newWidth, newHeight) == (width, height) { return self }
    let (columns, rows) = (Self.overlaps(from: width, to: newWidth), Self.overlaps(from: height, to: newHeight))
    var result = [UInt8]()
    result.reserveCapacity(newWidth * newHeight * 3)
    var line = [Float](repeating: 0, count: width * 3)
    for row in rows {
      for at in line.indices { line[at] = 0 }
      for (offset, weight) in row.weights.enumerated() {
        let start = (row.first + offset) * width * 3
        for at in line.indices { line[at] += weight * Float(pixels[start + at]) }
      }
      for column in columns {
        for channel in 0..<3 {
          var sum: Float = 0
          for (offset, weight) in column.weights.enumerated() {
            sum += weight * line[(column.first + offset) * 3 + channel]
          }
          result.append(UInt8(min(255, max(0, sum.rounded()))))
        }
      }
    }
    return Picture(width: newWidth, height: newHeight, pixels: result)
  }

  /// For each new index, the old indices it shows and their weights, which sum to one.
  private static func overlaps(from old: Int, to new: Int) -> [(first: Int, weights: [Float])] {
    (0..<new).map { index in
      // In units of 1 / new of an old pixel everything is whole: new pixel `index` covers [start, start + old).
      let start = index * old
      guard new < old else { return (first: (2 * start + old) / (2 * new), weights: [1]) }
      let first = start / new
      let last = (start + old - 1) / new
      let weights = (first...last).map { pixel in
        Float(min((pixel + 1) * new, start + old) - max(pixel * new, start)) / Float(old)
      }
      return (first: first, weights: weights)
    }
  }
}
