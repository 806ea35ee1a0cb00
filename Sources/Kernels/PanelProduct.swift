import CKernels

/// A product of a matrix read in place with panels packed block by block: the work of one convolution, over all its
/// images.
///
/// `y[r, p] = sum_k a[r, k] x[k, p]`, where x is what `source` unrolls: the places of a window in every input channel,
/// or planes as they are. Work is cut into pieces of places and rows; a piece's panels stay in the second-level cache.
struct PanelProduct {
  enum Source {
    /// Every plane as it is, `k = c`.
    case planes(size: Int)
    /// Every window place, `k = (c, i, j)`.
    case windows(pb_window)
  }

  /// Result rows, the channels that are summed over, and the places of a result row.
  let rows, channels, places: Int
  let source: Source
  /// Where the factors of channel 0 lie; and how far those of the next channel are.
  let walk: pb_walk
  let channelStep: Int

  /// Places of a piece and depth of a block at most: 384 x 240 floats are 368 KB.
  private static let largestPiece = 240
  private static let largestDepth = 384

  private var kernelPlane: Int {
    switch source {
    case .planes: 1
    case .windows(let window): window.kernel_h * window.kernel_w
    }
  }

  private var channelBlocks: [Range<Int>] {
    split(channels, into: (channels * kernelPlane + Self.largestDepth - 1) / Self.largestDepth)
  }

  /// Ranges of places, an even number of them where there are several, starting at multiples of a register.
  private var placeRanges: [Range<Int>] {
    let pieces = (places + Self.largestPiece - 1) / Self.largestPiece
    guard pieces > 1 else { return [0..<places] }
    return split((places + 15) / 16, into: pieces + pieces % 2).map {
      $0.lowerBound * 16..<min(places, $0.upperBound * 16)
    }
  }

  /// Calls `piece` with every piece of the result of `images` images, on several threads.
  func forEachPiece(images: Int, _ piece: (_ image: Int, _ rows: Range<Int>, _ places: Range<Int>) -> Void) {
    let placeRanges = self.placeRanges
    // Few places are shared out by rows, in multiples of the kernel's eight.
    let rowPieces = placeRanges.count > 1 || images > 1 || rows < 16 || !Parallel.spreads ? 1 : 2
    let rowRanges = split((rows + 7) / 8, into: rowPieces).map { $0.lowerBound * 8..<min(rows, $0.upperBound * 8) }
    Parallel.forEach(images * placeRanges.count * rowRanges.count) { index in
      piece(
        index / (placeRanges.count * rowRanges.count), rowRanges[index % rowRanges.count],
        placeRanges[index / rowRanges.count % placeRanges.count])
    }
  }

  /// Calls `body` with every range of places, in order.
  func forEachPlaceRange(_ body: (Range<Int>) -> Void) { placeRanges.forEach(body) }

  /// Writes the piece `rows` x `places` of one product; `a` and `x` are those of the whole, `y` is the piece's first
  /// element and its rows lie `stride` apart.
  func compute(
    _ a: UnsafePointer<Float>, _ x: UnsafePointer<Float>, rows: Range<Int>, places: Range<Int>,
    into y: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let blocks = channelBlocks
    let largest = blocks.lazy.map(\.count).max() ?? 0
    let panelsCount = pb_panels_count(largest * kernelPlane, places.count)
    withScratch(panelsCount + paddedCount(largest, places.count)) { panels in
      let padded = panels + panelsCount
      for block in blocks {
        var walk = walk
        switch source {
        case .planes(let plane):
          pb_pack_planes(x + block.lowerBound * plane, block.count, plane, places.lowerBound, places.count, panels)
        case .windows(var window):
          pb_pack_windows(
            x + block.lowerBound * window.height * window.width, block.count, &window, places.lowerBound, places.count,
            panels, padded)
        }
        // One channel after another, or all factors of a row as one run.
        if walk.outer_count == 0 { walk.outer_count = block.count } else { walk.inner_count *= block.count }
        pb_panels_product(
          a + block.lowerBound * channelStep + rows.lowerBound * walk.row, &walk, panels, y, stride, rows.count,
          places.count, block.lowerBound > 0)
      }
    }
  }

  private func paddedCount(_ channels: Int, _ places: Int) -> Int {
    guard case .windows(var window) = source else { return 0 }
    return pb_padded_count(&window, channels, places)
  }
}
