import CImaging
import Failures
import Foundation

extension Picture {
  /// The picture as an 8-bit RGB PNG file. The bytes depend on the pixels and on the zlib in use alone: the compression
  /// is fixed, and neither time nor program is recorded.
  ///
  /// - Throws: `PullbackError` if the picture has no pixels or more than 1,000,000 on a side.
  public func pngBytes() throws -> [UInt8] {
    var output = ImagingBytes()
    defer { free(output.bytes) }
    var message = ImagingMessage()
    guard
      let width = UInt32(exactly: width), let height = UInt32(exactly: height),
      imaging_write_png(pixels, width, height, &output, &message)
    else {
      throw PullbackError(
        .cannotCreate, "PNG", "a picture of \(width) x \(height) pixels cannot be encoded"
          + " (\(Photograph.text(of: &message)))")
    }
    return Array(UnsafeBufferPointer(start: output.bytes, count: output.count))
  }

  /// Writes the picture to `path` as a PNG file, whole or not at all.
  ///
  /// - Throws: `PullbackError` as ``pngBytes()`` and `AtomicFile` do.
  public func writePNG(to path: String) throws {
    try AtomicFile.write(try pngBytes(), to: path)
  }
}
