/// An 8-bit RGB picture, rows from the top, three bytes per pixel.
public struct Picture: Equatable, Sendable {
  public let width: Int
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
