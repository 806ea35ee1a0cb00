import Failures

extension Photograph {
  /// Mid grey as a byte. Zero, the baseline, lies between 127 and 128 and equally far (1/255) from both; 128 is the
  /// customary one.
  static let midGray: UInt8 = 128

  /// The photograph in front of mid grey (128): `round((p * a + 128 * (255 - a)) / 255)`, as Pillow's `paste` has it.
  /// Without opacity, the picture itself.
  public var onMidGray: Picture {
    guard let alpha else { return picture }
    var result = picture
    result.pixels.withUnsafeMutableBufferPointer { pixels in
      alpha.withUnsafeBufferPointer { alpha in
        for position in pixels.indices {
          let opacity = UInt32(alpha[position / 3])
          let sum = UInt32(pixels[position]) * opacity + UInt32(Self.midGray) * (255 - opacity)
          pixels[position] = UInt8((2 * sum + 255) / 510)
        }
      }
    }
    return result
  }

  /// The photograph in the middle of an opaque mid-grey square, and where it covers the square (255 where opaque).
  ///
  /// The side is `margin` times the longer side of the photograph, rounded half to even; a surplus pixel of grey goes
  /// to the right and below. A photograph without opacity covers its rectangle.
  ///
  /// - Throws: `PullbackError` if the square would have more than 150 million pixels.
  func pastedOnSquare(margin: Double) throws -> (picture: Picture, coverage: [UInt8]) {
    let side = Int((margin * Double(max(picture.width, picture.height))).rounded(.toNearestOrEven))
    guard side * side <= Self.maximumPixelCount * 3 / 2 else {
      throw PullbackError(
        .data, "photograph",
        "expected at most \(Self.maximumPixelCount * 3 / 2_000_000) million pixels on its grey square, found \(side) x "
          + "\(side)",
        advice: "scale the photograph down first")
    }
    var pixels = [UInt8](repeating: Self.midGray, count: 3 * side * side)
    var coverage = [UInt8](repeating: 0, count: side * side)
    let front = onMidGray.pixels
    let (left, top) = ((side - picture.width) / 2, (side - picture.height) / 2)
    for row in 0..<picture.height {
      let start = (top + row) * side + left
      let source = row * picture.width..<(row + 1) * picture.width
      pixels.replaceSubrange(
        3 * start..<3 * (start + picture.width), with: front[3 * source.lowerBound..<3 * source.upperBound])
      if let alpha {
        coverage.replaceSubrange(start..<start + picture.width, with: alpha[source])
      } else {
        coverage.replaceSubrange(start..<start + picture.width, with: repeatElement(255, count: picture.width))
      }
    }
    return (Picture(width: side, height: side, pixels: pixels), coverage)
  }
}
