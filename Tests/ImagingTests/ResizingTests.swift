import Foundation
import Testing

@testable import Imaging

/// Resizing against Pillow: the same bytes.
struct ResizingTests {
  struct Case: Decodable, Sendable {
    let width: Int
    let height: Int
    let color: Data
    let results: [PictureFixture]

    var picture: Picture { Picture(width: width, height: height, pixels: Array(color)) }
  }

  static func cases() throws -> [Case] { try Fixtures.decode("resizing.json") }

  @Test(arguments: try cases())
  func equalsPillow(_ source: Case) {
    for result in source.results {
      #expect(
        source.picture.resized(width: result.width, height: result.height) == result.picture,
        "\(source.width) x \(source.height) to \(result.width) x \(result.height)")
    }
  }

  @Test(arguments: try cases())
  func aWindowIsAResizeAndACrop(_ source: Case) {
    let whole = source.picture.resized(width: 21, height: 14)
    let part = source.picture.resized(width: 21, height: 14, croppingTo: 5..<15, 2..<11)
    // 21 - 10 = 11 and 14 - 9 = 5 leave halves: to even, columns start at 6 and rows at 2.
    #expect(part.pixels[3..<30] == whole.centerCropped(width: 10, height: 9).pixels[0..<27])
    for row in 0..<9 {
      let start = ((row + 2) * 21 + 5) * 3
      #expect(part.pixels[row * 30..<row * 30 + 30] == whole.pixels[start..<start + 30])
    }
  }

  @Test(arguments: [(7, 4, 2..<6), (8, 3, 2..<5), (9, 4, 2..<6), (11, 4, 4..<8), (5, 5, 0..<5)])
  func cropsStartHalfToEven(extent: Int, size: Int, range: Range<Int>) {
    #expect(centeredRange(size, in: extent) == range)
  }
}
