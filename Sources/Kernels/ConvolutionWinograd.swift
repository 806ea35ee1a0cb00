import CKernels

extension ConvolutionShape {
  /// Whether a transformed weight pays: at 3 x 3 kernels of stride 1 over maps of some size, with channels to sum over,
  /// unless the weight is so much larger than the maps that most of the time goes into reading it.
  package var takesTransformedWeight: Bool {
    let c = window.c
    let weights = 9 * inputs * outputs
    let values = inputs * c.height * c.width + outputs * c.out_height * c.out_width
    return c.kernel_h == 3 && c.kernel_w == 3 && c.stride_h == 1 && c.stride_w == 1 && c.dilation_h == 1
      && c.dilation_w == 1 && c.pad_top <= 2 && c.pad_left <= 2 && groups == 1 && inputs >= 32 && outputs >= 32
      && c.out_height >= 12 && c.out_width >= 12 && c.height >= 12 && c.width >= 12 && weights <= 8 * values
  }

  /// ``forward(_:_:_:into:images:rectifying:finish:)`` by a transformed weight.
  func forwardTransformed(
    _ x: UnsafePointer<Float>, _ transformed: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, images: Int,
    rectifying: Bool, finish: Finish
  ) {
    let product = WinogradProduct(
      rows: outputs, channels: inputs, window: window.c,
      reading: StripReading(direction: .along, depth: inputs, kernel: 1),
      componentSize: weightCount(.transformed) / 16, rectifies: rectifying)
    product.run(transformed, x, into: y, images: images, finish: finish)
  }

  /// ``adjoint(_:_:_:into:images:finish:)`` by a transformed weight, which serves it as it is: mirroring a kernel swaps
  /// the first and the last component along each axis.
  func adjointTransformed(
    _ v: UnsafePointer<Float>, _ transformed: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, images: Int,
    finish: Finish
  ) {
    let product = WinogradProduct(
      rows: inputs, channels: outputs, window: window.mirrored!,
      reading: StripReading(direction: .across, depth: inputs, kernel: 1),
      componentSize: weightCount(.transformed) / 16)
    product.run(transformed, v, into: dx, images: images, finish: finish)
  }
}

/// A 3 x 3 convolution as 16 products over transformed tiles.
private struct WinogradProduct {
  let rows, channels: Int
  let window: pb_window
  let reading: StripReading
  /// The floats of one component of the transformed weight.
  let componentSize: Int
  var rectifies = false

  /// Tiles of a piece, and channels of a block, at most. A block is summed up in one chain: short ones keep rounding
  /// errors small.
  private static let largestPiece = 112
  private static let largestBlock = 64

  func run(
    _ u: UnsafePointer<Float>, _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, images: Int,
    finish: Finish
  ) {
    let across = (window.out_width + 1) / 2
    let down = (window.out_height + 1) / 2
    let perPiece = max(1, Self.largestPiece / across)
    let pieces = (0..<(down + perPiece - 1) / perPiece).map { $0 * perPiece..<min(down, ($0 + 1) * perPiece) }
    let rowPieces = pieces.count > 1 || images > 1 || !Parallel.spreads ? 1 : 2
    let rowRanges = split((rows + 7) / 8, into: rowPieces).map { $0.lowerBound * 8..<min(rows, $0.upperBound * 8) }
    Parallel.forEach(images * pieces.count * rowRanges.count) { index in
      compute(
        u, x + index / (pieces.count * rowRanges.count) * channels * window.height * window.width,
        rows: rowRanges[index % rowRanges.count], tileRows: pieces[index / rowRanges.count % pieces.count], into: y,
        offset: index / (pieces.count * rowRanges.count) * self.rows * window.out_height * window.out_width, finish)
    }
  }

  private func compute(
    _ u: UnsafePointer<Float>, _ x: UnsafePointer<Float>, rows: Range<Int>, tileRows: Range<Int>,
    into y: UnsafeMutablePointer<Float>, offset: Int, _ finish: Finish
  ) {
    var window = window
    let across = (window.out_width + 1) / 2
    let tiles = tileRows.count * across
    let blocks = split(channels, into: (channels + Self.largestBlock - 1) / Self.largestBlock)
    let spacing = pb_panels_count(blocks.lazy.map(\.count).max() ?? 0, tiles)
    let products = rows.count * tiles
    let plane = window.out_height * window.out_width
    withScratch(16 * (spacing + products) + pb_winograd_scratch(&window, tileRows.count)) { panels in
      let sums = panels + 16 * spacing
      let scratch = sums + 16 * products
      for block in blocks {
        pb_winograd_input(
          x + block.lowerBound * window.height * window.width, block.count, &window, rectifies,
          tileRows.lowerBound, tileRows.count, panels, scratch)
        let spacing = pb_panels_count(block.count, tiles)
        reading.withWalk(over: block) { walk in
          for component in 0..<16 {
            let factors = u + place(of: component) * componentSize + reading.offset(ofRow: rows.lowerBound)
            pb_panels_product(
              factors, walk, panels + component * spacing, sums + component * products, tiles, rows.count, tiles,
              block.lowerBound > 0)
          }
        }
      }
      for row in rows {
        let first = offset + row * plane
        pb_winograd_output(
          sums + (row - rows.lowerBound) * tiles, products, &window, tileRows.lowerBound, tileRows.count, y + first,
          scratch)
        let start = 2 * tileRows.lowerBound * window.out_width
        let end = min(window.out_height, 2 * tileRows.upperBound) * window.out_width
        finish.apply(y, channel: row, offset: first + start, count: end - start, next: plane)
      }
    }
  }

  /// The place of a component in the transformed weight.
  private func place(of component: Int) -> Int {
    func mirror(_ index: Int) -> Int { index == 0 ? 3 : index == 3 ? 0 : index }
    return reading.direction == .along ? component : 4 * mirror(component / 4) + mirror(component % 4)
  }
}
