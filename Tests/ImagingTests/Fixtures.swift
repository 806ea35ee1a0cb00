import Failures
import Foundation
import Imaging
import TestKit

/// The files that Tests/Oracles/imaging.py made.
enum Fixtures {
  static let folder = Fixture.path("imaging")

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
  let color: Data

  var picture: Picture { Picture(width: width, height: height, pixels: Array(color)) }
}

func largestDifference(_ a: Picture, _ b: Picture) -> Int {
  guard a.width == b.width, a.height == b.height else { return 256 }
  return zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
}
