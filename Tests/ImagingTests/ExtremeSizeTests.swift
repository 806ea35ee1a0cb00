import Pullbacks
import TestKit
import Testing

@testable import Imaging

/// Pictures of one pixel, of one row or column, and of more pixels than are read.
struct ExtremeSizeTests {
  /// Whatever the proportions, the loader's square has its size, and a picture of one colour keeps it.
  @Test(arguments: [(1, 1), (1, 5000), (5000, 1), (2, 3)])
  func thinPicturesBecomeSquares(width: Int, height: Int) throws {
    let pixels = [UInt8](repeating: 200, count: 3 * width * height)
    let bytes = try Picture(width: width, height: height, pixels: pixels).pngBytes()
    let square = ImageLoader(size: 32).picture(of: try Photograph(decoding: bytes, name: "thin.png"))
    #expect((square.width, square.height) == (32, 32))
    #expect(square.pixels.allSatisfy { $0 == 200 })
    let (image, mask) = try ImageLoader(size: 32).objectOnGray(try Photograph(decoding: bytes, name: "thin.png"))
    #expect(image.shape == [1, 3, 32, 32] && mask.shape == [1, 1, 32, 32])
  }

  /// A whole PNG of a bit a pixel, 900 million black pixels in 700 KB, is refused for its header, in no time.
  @Test func aWholePictureOfTooManyPixelsIsRefused() throws {
    let bytes = blackPNG(width: 30_000, height: 30_000)
    #expect(bytes.count < 1_000_000)
    let start = ContinuousClock.now
    let error = try #require(throws: PullbackError.self) { try Photograph(decoding: bytes, name: "black.png") }
    #expect(ContinuousClock.now - start < .seconds(1))
    #expect(error.kind == .data && error.problem.contains("found 30000 x 30000"))
  }

  /// The same file with fewer pixels is a good one.
  @Test func aSmallerOneIsRead() throws {
    let photograph = try Photograph(decoding: blackPNG(width: 1000, height: 700), name: "black.png")
    #expect((photograph.picture.width, photograph.picture.height) == (1000, 700))
    #expect(photograph.picture.pixels.allSatisfy { $0 == 0 })
  }

  /// A 1-bit grey PNG of zeros: one block of deflate with the fixed codes, a zero and copies of it.
  private func blackPNG(width: Int, height: Int) -> [UInt8] {
    let count = height * (1 + (width + 7) / 8)
    var bits = BitWriter()
    bits.append(0b011, 3)  // the last block, fixed codes
    bits.appendCode(0b0011_0000, 8)  // the literal 0
    var left = count - 1
    while left >= 258 {
      bits.appendCode(0b1100_0101, 8)  // a copy of 258 bytes
      bits.appendCode(0, 5)  // from one byte back
      left -= 258
    }
    for _ in 0..<left { bits.appendCode(0b0011_0000, 8) }
    bits.appendCode(0, 7)  // the end
    // Adler-32 of `count` zeros: the first sum stays 1.
    let adler = UInt32(count % 65_521) << 16 | 1
    let data = [0x78, 0x01] + bits.bytes + bigEndian(adler)
    let header = bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [1, 0, 0, 0, 0]
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    return signature + chunk("IHDR", header) + chunk("IDAT", data) + chunk("IEND", [])
  }

  private func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    return bigEndian(UInt32(content.count)) + body + bigEndian(checksum(body[...]))
  }

  private func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
}

/// Bits in deflate's order, from the lowest of each byte; codes begin with their highest bit.
private struct BitWriter {
  private(set) var bytes: [UInt8] = []
  private var free = 0

  mutating func append(_ value: Int, _ count: Int) {
    for bit in 0..<count {
      if free == 0 {
        bytes.append(0)
        free = 8
      }
      bytes[bytes.count - 1] |= UInt8(value >> bit & 1) << (8 - free)
      free -= 1
    }
  }

  mutating func appendCode(_ code: Int, _ count: Int) {
    for bit in (0..<count).reversed() { append(code >> bit & 1, 1) }
  }
}
