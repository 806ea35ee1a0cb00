import Foundation
import Pullbacks
import Testing

@testable import Imaging

/// Every kind of PNG and JPEG against what Pillow (JPEG, orientation) or the definition (PNG) makes of it.
struct DecodingTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let file: String
    let width: Int
    let height: Int
    let color: Data
    let alpha: Data?

    var testDescription: String { file }
    var picture: Picture { Picture(width: width, height: height, pixels: Array(color)) }
  }

  static func cases(_ name: String) throws -> [Case] { try Fixtures.decode(name) }

  @Test(arguments: try cases("png.json"))
  func png(_ expected: Case) throws {
    let photograph = try Photograph(contentsOf: Fixtures.path(expected.file))
    #expect(photograph.picture == expected.picture)
    #expect(photograph.alpha == expected.alpha.map { Array($0) })
  }

  @Test(arguments: try cases("jpeg.json"))
  func jpeg(_ expected: Case) throws {
    let photograph = try Photograph(contentsOf: Fixtures.path(expected.file))
    // Pillow brings its own libjpeg-turbo; releases and processors may differ by a level.
    #expect(largestDifference(photograph.picture, expected.picture) <= 1)
    #expect(photograph.alpha == nil)
  }

  @Test(arguments: try cases("orientation.json"))
  func orientation(_ expected: Case) throws {
    let photograph = try Photograph(contentsOf: Fixtures.path(expected.file))
    #expect(largestDifference(photograph.picture, expected.picture) <= 1)
  }

  @Test func alphaTurnsWithThePicture() {
    let pixels: [UInt8] = [1, 2, 3, 4, 5, 6]
    let turned = Orientation.clockwise.apply(to: pixels, width: 3, height: 2, channels: 1)
    #expect(turned == [4, 1, 5, 2, 6, 3])
  }

  @Test(arguments: [
    ("GIF89a", "found GIF"), ("RIFF....WEBPVP8 ", "whole WebP file, found a damaged"), ("....ftypheic", "found HEIC"),
    ("....ftypavif", "found AVIF"), ("....ftypisom", "found a film"), ("BM......", "found BMP"),
    ("II*\u{0}", "found TIFF"), ("%PDF-1.7", "found PDF"), ("version https://git-lfs.github.com", "Git LFS pointer"),
    ("<!DOCTYPE html>", "found markup"), ("", "found an empty one"), ("hello", "starts with 68 65 6C 6C 6F"),
  ])
  func ofNoFormatThatIsRead(content: String, problem: String) throws {
    let error = try #require(throws: PullbackError.self) {
      try Photograph(decoding: Array(content.utf8), name: "a.png")
    }
    #expect(error.kind == .data)
    #expect(error.subject == "a.png")
    #expect(error.problem.contains(problem))
  }

  @Test(arguments: ["no/such/file.png", Fixtures.folder, "/dev/null"])
  func noFile(path: String) throws {
    let error = try #require(throws: PullbackError.self) { try Photograph(contentsOf: path) }
    #expect(error.kind == .noInput)
    #expect(error.subject == path)
  }
}
