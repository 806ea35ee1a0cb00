import CKernels

/// A product of a weight in strips with panels packed block by block: the work of one convolution, over all its images.
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
  let reading: StripReading
  /// Whether negative values of the source count as 0.
  var rectifies = false

  /// Places of a piece and depth of a block at most. A block is what is summed up in one chain: short ones keep
  /// rounding errors small.
  private static let largestPiece = 240
  private static let largestDepth = 128

  private var kernelPlane: Int {
    switch source {
    case .planes: 1
    case .windows(let window): window.kernel_h * window.kernel_w
    }
  }

  private var channelBlocks: [Range<Int>] {
    split(channels, into: (channels * kernelPlane + Self.largestDepth - 1) / Self.largestDepth)
  }

  /// Ranges of `places`, an even number of them where there are several, starting at multiples of a register.
  func pieces(of places: Range<Int>) -> [Range<Int>] {
    let pieces = (places.count + Self.largestPiece - 1) / Self.largestPiece
    guard pieces > 1 else { return [places] }
    return split((places.count + 15) / 16, into: pieces + pieces % 2).map {
      places.lowerBound + $0.lowerBound * 16..<min(places.upperBound, places.lowerBound + $0.upperBound * 16)
    }
  }

  /// Maps of so many places and fewer are computed for several images together: alone they would fill registers badly,
  /// and every image would have all weights read anew.
  static let smallMap = 64

  /// The start of one image's planes in a batch, for images `size` floats apart.
  struct Planes<Pointer> {
    let start: Pointer
    let size: Int
  }

  /// Computes the products of `images` images, on several threads.
  ///
  /// - Parameter finish: called with every run of finished values: its row, its place in `y`, and how many they are.
  func run(
    _ a: UnsafePointer<Float>, _ x: Planes<UnsafePointer<Float>>, into y: Planes<UnsafeMutablePointer<Float>>,
    images: Int, finish: (_ row: Int, _ offset: Int, _ count: Int) -> Void
  ) {
    if images > 1, places <= Self.smallMap { return runTogether(a, x, into: y, images: images, finish: finish) }
    let placeRanges = pieces(of: 0..<places)
    let rowRanges = rowRanges(isWhole: placeRanges.count == 1 && images == 1)
    Parallel.forEach(images * placeRanges.count * rowRanges.count) { index in
      let image = index / (placeRanges.count * rowRanges.count)
      let rows = rowRanges[index % rowRanges.count]
      let range = placeRanges[index / rowRanges.count % placeRanges.count]
      let first = image * y.size + range.lowerBound
      compute(
        a, x.start + image * x.size, rows: rows, places: range, into: y.start + first + rows.lowerBound * places,
        stride: places)
      for row in rows { finish(row, first + row * places, range.count) }
    }
  }

  /// Work that is whole otherwise is shared out by rows, in multiples of the kernel's eight and of `unit`.
  private func rowRanges(isWhole: Bool, unit: Int = 1) -> [Range<Int>] {
    let unit = 8 * unit
    return split((rows + unit - 1) / unit, into: isWhole && rows >= 2 * unit && Parallel.spreads ? 2 : 1).map {
      $0.lowerBound * unit..<min(rows, $0.upperBound * unit)
    }
  }

  /// ``run(_:_:into:images:finish:)`` with the places of several images side by side.
  private func runTogether(
    _ a: UnsafePointer<Float>, _ x: Planes<UnsafePointer<Float>>, into y: Planes<UnsafeMutablePointer<Float>>,
    images: Int, finish: (_ row: Int, _ offset: Int, _ count: Int) -> Void
  ) {
    together(a, x, images: images) { rows, group, sums in
      for row in rows {
        for (place, image) in group.enumerated() {
          let offset = image * y.size + row * places
          (y.start + offset).update(
            from: sums + ((row - rows.lowerBound) * group.count + place) * places, count: places)
          finish(row, offset, places)
        }
      }
    }
  }

  /// Computes products for several images side by side, on several threads, and calls `take` with some rows for some
  /// images: `(rows, images, places)`.
  ///
  /// - Parameter unit: rows that must stay together.
  func together(
    _ a: UnsafePointer<Float>, _ x: Planes<UnsafePointer<Float>>, images: Int, unit: Int = 1,
    _ take: (_ rows: Range<Int>, _ images: Range<Int>, _ sums: UnsafeMutablePointer<Float>) -> Void
  ) {
    let groups = split(images, into: (images * places + 255) / 256)
    let rowRanges = rowRanges(isWhole: groups.count == 1, unit: unit)
    let blocks = channelBlocks
    // So many rows' sums stay in the second-level cache.
    let atOnce = max(1, 256 / unit) * unit
    Parallel.forEach(groups.count * rowRanges.count) { index in
      let group = groups[index / rowRanges.count]
      let columns = group.count * places
      let spacing = blocks.map { pb_panels_count($0.count * kernelPlane, columns) }.max()!
      let sumsCount = min(rows, atOnce) * columns
      withScratch(blocks.count * spacing + sumsCount + paddedCount(blocks.map(\.count).max()!, columns)) { panels in
        let sums = panels + blocks.count * spacing
        for (place, block) in blocks.enumerated() {
          pack(
            x.start + group.lowerBound * x.size, image: x.size, block, 0..<columns, into: panels + place * spacing,
            padded: sums + sumsCount)
        }
        let range = rowRanges[index % rowRanges.count]
        for first in stride(from: range.lowerBound, to: range.upperBound, by: atOnce) {
          let rows = first..<min(range.upperBound, first + atOnce)
          for (place, block) in blocks.enumerated() {
            multiply(a, block, rows, by: panels + place * spacing, columns, into: sums, stride: columns)
          }
          take(rows, group, sums)
        }
      }
    }
  }

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
      for block in blocks {
        pack(x, image: 0, block, places, into: panels, padded: panels + panelsCount)
        multiply(a, block, rows, by: panels, places.count, into: y, stride: stride)
      }
    }
  }

  /// Lays out the channels of a block for certain places.
  private func pack(
    _ x: UnsafePointer<Float>, image: Int, _ block: Range<Int>, _ places: Range<Int>,
    into panels: UnsafeMutablePointer<Float>, padded: UnsafeMutablePointer<Float>
  ) {
    switch source {
    case .planes(let plane):
      pb_pack_planes(
        x + block.lowerBound * plane, image, block.count, plane, rectifies, places.lowerBound, places.count, panels)
    case .windows(var window):
      pb_pack_windows(
        x + block.lowerBound * window.height * window.width, image, block.count, &window, rectifies, places.lowerBound,
        places.count, panels, padded)
    }
  }

  /// Writes the first block's products, and adds those of others.
  private func multiply(
    _ a: UnsafePointer<Float>, _ block: Range<Int>, _ rows: Range<Int>, by panels: UnsafePointer<Float>, _ columns: Int,
    into y: UnsafeMutablePointer<Float>, stride: Int
  ) {
    reading.withWalk(over: block) { walk in
      pb_panels_product(
        a + reading.offset(ofRow: rows.lowerBound), walk, panels, y, stride, rows.count, columns,
        block.lowerBound > 0)
    }
  }

  private func paddedCount(_ channels: Int, _ places: Int) -> Int {
    guard case .windows(var window) = source else { return 0 }
    return pb_padded_count(&window, channels, places)
  }
}

/// How a product reads a weight, a matrix of outputs and a `depth` of places `(input, i, j)`, that lies in strips of
/// outputs side by side (`pb_pack_strips`).
struct StripReading {
  enum Direction {
    /// Rows are outputs, and sums run over inputs and their places.
    case along
    /// Rows are places, and sums run over outputs.
    case across
    /// Rows are inputs, and sums run over outputs and, backwards, over an input's places.
    case acrossMirrored
  }

  let direction: Direction
  let depth: Int
  /// Places of an input: those of the kernel.
  let kernel: Int

  private static let strip = Int(PB_STRIP)

  /// The number of floats of `rows` x `depth` in strips.
  static func count(rows: Int, depth: Int) -> Int { (rows + strip - 1) / strip * strip * depth }

  /// Where the factors of a row begin; along strips, of the first row of one.
  func offset(ofRow row: Int) -> Int {
    switch direction {
    case .along: row / Self.strip * Self.strip * depth
    case .across: row * Self.strip
    case .acrossMirrored: (row * kernel + kernel - 1) * Self.strip
    }
  }

  /// Calls `body` with the way through the factors of some channels: those that are summed over.
  func withWalk(over channels: Range<Int>, _ body: (UnsafePointer<pb_walk>) -> Void) {
    let strip = Self.strip
    func start(_ output: Int) -> Int { output / strip * strip * depth + output % strip }
    let runs: [pb_run]
    var walk: pb_walk
    switch direction {
    case .along:
      runs = [pb_run(offset: channels.lowerBound * kernel * strip, count: channels.count * kernel)]
      walk = pb_walk(
        row: 1, strip: strip * depth, inner: strip, runs: nil, run_count: 1, depth: channels.count * kernel)
    case .across:
      // Outputs of one strip lie side by side.
      runs = (channels.lowerBound / strip...(channels.upperBound - 1) / strip).map { index in
        let outputs = channels.clamped(to: index * strip..<(index + 1) * strip)
        return pb_run(offset: start(outputs.lowerBound), count: outputs.count)
      }
      walk = pb_walk(
        row: strip, strip: strip * strip, inner: 1, runs: nil, run_count: runs.count, depth: channels.count)
    case .acrossMirrored:
      runs = channels.map { pb_run(offset: start($0), count: kernel) }
      walk = pb_walk(
        row: kernel * strip, strip: kernel * strip * strip, inner: -strip, runs: nil, run_count: runs.count,
        depth: channels.count * kernel)
    }
    runs.withUnsafeBufferPointer {
      walk.runs = $0.baseAddress
      body(&walk)
    }
  }
}
