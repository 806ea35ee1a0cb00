import Foundation
import Pullbacks
import Testing

@testable import Imaging

/// Written files: whole or absent, and the same from the same pixels.
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

  @Test func replacesAndLeavesNothingBehind() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(text: "first, and longer", to: "\(folder)/a.txt")
      try AtomicFile.write(Data("second".utf8), to: "\(folder)/a.txt")
      #expect(try String(contentsOfFile: "\(folder)/a.txt", encoding: .utf8) == "second")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.txt"])
    }
  }

  @Test func linksStayLinks() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(text: "old", to: "\(folder)/target")
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "target")
      try AtomicFile.write(text: "new", to: "\(folder)/link")
      #expect(try String(contentsOfFile: "\(folder)/target", encoding: .utf8) == "new")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/link") == "target")
    }
  }

  @Test func whatCannotBeCreated() throws {
    try withTemporaryFolder { folder in
      for path in ["\(folder)/none/a.txt", folder, "/dev/null"] {
        let error = try #require(throws: PullbackError.self) { try AtomicFile.write(text: "a", to: path) }
        #expect(error.kind == .cannotCreate)
        #expect(error.subject == path)
      }
      // Longer than a file system allows: the temporary can be made, the renaming fails, and nothing is left.
      let long = "\(folder)/\(String(repeating: "a", count: 300))"
      #expect(throws: PullbackError.self) { try AtomicFile.write(text: "a", to: long) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }
  }
}
