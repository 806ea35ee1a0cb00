import Foundation
import Testing

@testable import Imaging

/// The files that Tests/Oracles/imaging.py made.
enum Fixtures {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Oracles/fixtures/imaging").path(percentEncoded: false)

  static func path(_ name: String) -> String { "\(folder)/\(name)" }

  static func bytes(_ name: String) throws -> [UInt8] {
    try InputFile.bytes(of: path(name), limit: 1 << 20)
  }

  static func decode<Value: Decodable>(_ name: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(try bytes(name)))
  }

  static func names(withPrefix prefix: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix(prefix) }.sorted()
  }
}

/// A picture of a fixture; JSON carries its bytes in base 64.
struct PictureFixture: Decodable, Sendable {
  let width: Int
  let height: Int
  let colour: Data

  var picture: Picture { Picture(width: width, height: height, pixels: Array(colour)) }
}

/// A folder of its own for a test that writes files, removed afterwards.
func withTemporaryFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "imaging-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path(percentEncoded: false))
}

func largestDifference(_ a: Picture, _ b: Picture) -> Int {
  guard a.width == b.width, a.height == b.height else { return 256 }
  return zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
}
