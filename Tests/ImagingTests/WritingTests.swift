import Failures
import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Imaging

/// Written pictures: the same pixels come back, and the same bytes from the same pixels.
struct WritingTests {
  private let picture = Picture(width: 5, height: 3, pixels: (0..<45).map { UInt8(($0 * $0 * 7) % 256) })

  @Test func pngComesBack() throws {
    try withTemporaryFolder { folder in
      try picture.writePNG(to: "\(folder)/a.png")
      let photograph = try Photograph(contentsOf: "\(folder)/a.png")
      #expect(photograph == Photograph(picture: picture))
      #expect(try picture.pngBytes() == InputFile.bytes(of: "\(folder)/a.png", limit: 4096))
    }
  }

  /// Nothing but the picture: no time, no program, no resolution.
  @Test func pngHoldsTheEssentialChunks() throws {
    let bytes = try picture.pngBytes()
    var chunks: [String] = []
    var offset = 8
    while offset < bytes.count {
      let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      chunks.append(String(decoding: bytes[offset + 4..<offset + 8], as: UTF8.self))
      offset += 12 + length
    }
    #expect(chunks == ["IHDR", "IDAT", "IEND"])
    // Width, height, depth 8, colour type 2 (RGB), deflate, adaptive filters, not interlaced.
    #expect(Array(bytes[16..<29]) == [0, 0, 0, 5, 0, 0, 0, 3, 8, 2, 0, 0, 0])
  }

  @Test func anEmptyPictureIsNoPNG() throws {
    let error = try #require(throws: PullbackError.self) { try Picture(width: 0, height: 0, pixels: []).pngBytes() }
    #expect(error.kind == .cannotCreate)
  }
}
