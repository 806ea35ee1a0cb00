import Failures
import Foundation
import TestKit
import Testing

/// File names of any bytes.
struct PathTextTests {
  /// Valid text is itself; other bytes have a text that leads back to them, and are shown escaped.
  @Test(
    arguments: [
      (Array("zèbre 猫.png".utf8), "zèbre 猫.png"), ([0x78, 0xE9, 0x2E], "x\\xE9."), ([0xFF, 0xFE], "\\xFF\\xFE"),
      ([0xC3], "\\xC3"), ([0xE2, 0x82], "\\xE2\\x82"), ([0x61, 0x0A, 0x62], "a\\x0Ab"), ([0x1B, 0x5B], "\\x1B["),
      ([0xED, 0xA0, 0x80], "\\xED\\xA0\\x80"), ([0xF4, 0x8F, 0xBF, 0xA9], "\\xF4\\x8F\\xBF\\xA9"), ([], ""),
    ] as [([UInt8], String)])
  func textLeadsBack(_ bytes: [UInt8], _ shown: String) {
    let text = PathText.text(of: bytes)
    #expect(PathText.bytes(of: text) == bytes)
    #expect(PathText.shown(text) == shown)
  }

  @Test func randomBytesLeadBack() {
    var state: UInt64 = 314
    for length in 0..<200 {
      let bytes = (0..<length).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
      }
      #expect(PathText.bytes(of: PathText.text(of: bytes)) == bytes)
    }
  }

  /// Folders and files are made, listed, read, replaced and removed whatever their names are.
  @Test func filesOfAnyName() throws {
    let folder = try TemporaryFolder()
    let inner = folder.url.path + "/" + PathText.text(of: [0x64, 0xE9])
    try makeFolder(inner + "/deeper")
    let names = [[0x78, 0xE9], Array("plain".utf8), [0xC3, 0x0A]].map(PathText.text)
    for name in names {
      for content in [[1, 2, 3], [4, 5]] as [[UInt8]] {
        try AtomicFile.write(content, to: "\(inner)/\(name)")
        #expect(try InputFile.bytes(of: "\(inner)/\(name)", limit: 10) == content)
      }
    }
    #expect(Set(try namesOfFiles(in: inner)) == Set(names + ["deeper"]))
    #expect(isFolder(inner) && exists("\(inner)/\(names[0])") && !exists("\(inner)/x\u{FFFD}"))
    let error = try #require(throws: PullbackError.self) { try InputFile.bytes(of: "\(inner)/\(names[2])s", limit: 9) }
    #expect(error.kind == .noInput && error.description.contains("\\xC3\\x0As: ") && !error.description.contains("\n"))
  }

  /// The same letters composed and decomposed are two files.
  @Test func equalTextsAreTwoFiles() throws {
    let folder = try TemporaryFolder()
    for name in ["\u{E9}.png", "e\u{301}.png"] { try AtomicFile.write(text: name, to: folder.url.path + "/" + name) }
    let names = try namesOfFiles(in: folder.url.path)
    #expect(names.map { Array($0.utf8) } == ["e\u{301}.png", "\u{E9}.png"].map { Array($0.utf8) })
  }

  @Test func identities() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(text: "a", to: folder.path("a"))
    try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "a")
    #expect(FileIdentity(folder.path("a")) == FileIdentity(folder.path("link")))
    #expect(FileIdentity(folder.path("b")) == nil)
  }

  /// A pipe is read to its end where pipes will do.
  @Test func pipes() throws {
    let pipe = Pipe()
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: 7 * $0) }
    let writer = Thread {
      pipe.fileHandleForWriting.write(Data(bytes))
      try? pipe.fileHandleForWriting.close()
    }
    writer.start()
    let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
    #expect(throws: PullbackError.self) { _ = try InputFile(path) }
    let file = try InputFile(path, pipes: true)
    #expect(file.size == bytes.count)
    #expect(try file.read(10) == Array(bytes[..<10]))
    file.rewind()
    #expect(try file.read(bytes.count) == bytes)
  }
}
