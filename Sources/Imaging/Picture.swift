/// An 8-bit RGB picture, rows from the top, three bytes per pixel.
public struct Picture: Equatable, Sendable {
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Red, green and blue of each pixel, row by row: `height * width * 3` bytes.
  public var pixels: [UInt8]

  /// - Precondition: `pixels` holds `height * width * 3` bytes.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == width * height * 3)
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

extension Picture {
  /// The picture at another size, byte for byte as Pillow's `resize((width, height), BILINEAR)` makes it (up to
  /// Pillow 12; within one level of Pillow 13): a triangle filter whose support grows with the scale, hence
  /// antialiased.
  ///
  /// - Precondition: both sizes are positive, and the picture has pixels.
  public func resized(width: Int, height: Int) -> Picture {
    resized(width: width, height: height, croppingTo: 0..<width, 0..<height)
  }

  /// The columns and rows given of the picture at another size: a resize followed by a crop, at the cost of the crop.
  ///
  /// - Precondition: the ranges are not empty and lie within the new size, and the picture has pixels.
  public func resized(
    width newWidth: Int, height newHeight: Int, croppingTo columns: Range<Int>, _ rows: Range<Int>
  ) -> Picture {
    precondition(width > 0 && height > 0, "an empty picture has no other size")
    precondition(!columns.isEmpty && columns.lowerBound >= 0 && columns.upperBound <= newWidth, "columns \(columns)")
    precondition(!rows.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= newHeight, "rows \(rows)")
    return Picture(
      width: columns.count, height: rows.count,
      pixels: Resampling.resize(
        pixels, width: width, height: height, channels: 3, to: (newWidth, newHeight), window: (columns, rows)))
  }

  /// The picture at another size for display: axes that grow repeat pixels, so that each stays visible; axes that
  /// shrink average the pixels under each new one, weighted by overlap.
  ///
  /// - Precondition: both sides are positive, and the picture has pixels.
  public func displayed(width newWidth: Int, height newHeight: Int) -> Picture {
    if (newWidth, newHeight) == (width, height) { return self }
    precondition(width > 0 && height > 0 && newWidth > 0 && newHeight > 0, "a picture without pixels")
    return Picture(
      width: newWidth, height: newHeight,
      pixels: Resampling.resize(
        pixels, width: width, height: height, channels: 3, to: (newWidth, newHeight),
        window: (0..<newWidth, 0..<newHeight), by: .area))
  }

  /// The middle of the picture: it starts at `round((extent - size) / 2)`, half to even, as torchvision's centre crop.
  ///
  /// - Precondition: `width` and `height` are no larger than the picture's.
  public func centerCropped(width newWidth: Int, height newHeight: Int) -> Picture {
    let columns = centeredRange(newWidth, in: width)
    let rows = centeredRange(newHeight, in: height)
    let cropped = rows.flatMap { row in
      pixels[(row * width + columns.lowerBound) * 3..<(row * width + columns.upperBound) * 3]
    }
    return Picture(width: newWidth, height: newHeight, pixels: cropped)
  }
}

/// The `size` middle positions of `extent`.
func centeredRange(_ size: Int, in extent: Int) -> Range<Int> {
  precondition(size > 0 && size <= extent, "a crop of \(size) from \(extent)")
  let start = Int((Double(extent - size) / 2).rounded(.toNearestOrEven))
  return start..<start + size
}
