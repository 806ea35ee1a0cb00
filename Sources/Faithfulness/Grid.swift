/// An image of shape `(C, H, W)` cut into cells x cells rectangles, row by row; where a side does not divide, the
/// cells' sides differ by one.
struct Grid: Sendable {
  let shape: [Int]
  let cells: Int

  var count: Int { cells * cells }

  /// Calls `body` with every run of neighbouring flat indices that belongs to a cell, over all channels.
  func forEachRun(ofCell cell: Int, _ body: (Range<Int>) -> Void) {
    let (height, width) = (shape[1], shape[2])
    let rows = range(cell / cells, height)
    let columns = range(cell % cells, width)
    for channel in 0..<shape[0] {
      for row in rows {
        let line = (channel * height + row) * width
        body(line + columns.lowerBound..<line + columns.upperBound)
      }
    }
  }

  private func range(_ index: Int, _ extent: Int) -> Range<Int> {
    index * extent / cells..<(index + 1) * extent / cells
  }

  /// The sum of `value` over each cell's flat indices.
  func sums(_ value: (Int) -> Double) -> [Double] {
    (0..<count).map { cell in
      var sum = 0.0
      forEachRun(ofCell: cell) { run in
        for index in run { sum += value(index) }
      }
      return sum
    }
  }
}
