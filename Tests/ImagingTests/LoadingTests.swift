import Foundation
import Pullbacks
import Testing

@testable import Imaging

/// From photograph to tensor, against the same steps in Pillow and numpy.
struct LoadingTests {
  struct Case: Decodable, Sendable {
    let width: Int
    let height: Int
    let source: Data
    let alpha: Data?
    let size: Int
    let color: Data
    let objectColor: Data?
    let objectMask: Data?

    var photograph: Photograph {
      Photograph(
        picture: Picture(width: width, height: height, pixels: Array(source)), alpha: alpha.map { Array($0) })
    }
  }

  static func cases() throws -> [Case] { try Fixtures.decode("loading.json") }

  @Test(arguments: try cases())
  func picture(_ expected: Case) {
    let picture = ImageLoader(size: expected.size).picture(of: expected.photograph)
    #expect(picture == Picture(width: expected.size, height: expected.size, pixels: Array(expected.color)))
  }

  @Test(arguments: try cases().filter { $0.alpha != nil })
  func object(_ expected: Case) throws {
    let (image, mask) = try ImageLoader(size: expected.size).objectOnGray(expected.photograph)
    let color = try #require(expected.objectColor)
    #expect(image == Tensor(Picture(width: expected.size, height: expected.size, pixels: Array(color))))
    #expect(mask.shape == [1, 1, expected.size, expected.size])
    #expect(mask.scalars == (try #require(expected.objectMask)).map { Float($0) / 255 })
  }

  @Test func anOpaqueObjectCoversItsRectangle() throws {
    let photograph = Photograph(picture: Picture(width: 40, height: 20, pixels: Array(repeating: 200, count: 2400)))
    let (picture, coverage) = try photograph.pastedOnGray(margin: 1.15)
    #expect(picture.width == 46 && picture.height == 46)
    #expect(coverage.count { $0 == 255 } == 800 && coverage.count { $0 == 0 } == 46 * 46 - 800)
    #expect(coverage[13 * 46 + 3] == 255 && coverage[12 * 46 + 3] == 0 && coverage[13 * 46 + 2] == 0)
    #expect(picture.pixels[3 * (13 * 46 + 3)] == 200 && picture.pixels[0] == 128)
  }

  @Test func tooLargeASquareIsRefused() throws {
    let line = Photograph(picture: Picture(width: 65_500, height: 1, pixels: Array(repeating: 0, count: 196_500)))
    let error = try #require(throws: PullbackError.self) { try line.pastedOnGray(margin: 1.15) }
    #expect(error.kind == .data && error.problem.contains("75325 x 75325"))
    // The same line is no trouble to load: only the crop is computed, out of 65,500 * 256 columns.
    #expect(ImageLoader().picture(of: line).pixels == Array(repeating: 0, count: 3 * 224 * 224))
  }

  @Test func everyLevel() throws {
    let levels = Array(0...255) as [UInt8]
    let picture = Picture(width: 16, height: 16, pixels: levels.flatMap { [$0, 255 - $0, $0] })
    let tensor = Tensor(picture)
    let expected = try NPY.read(Fixtures.path("levels.npy")).scalars
    #expect(tensor.shape == [1, 3, 16, 16])
    #expect(tensor.scalars == expected + expected.reversed() + expected)
    #expect(try Picture(tensor) == picture)
    #expect(try Picture(tensor.reshaped([3, 16, 16])) == picture)
  }

  @Test func tensorsOutOfRangeAreClampedAndNaNIsRefused() throws {
    let picture = try Picture(Tensor(shape: [3, 1, 2], [-7, 7, -.infinity, .infinity, 0, 0.5]))
    #expect(picture.pixels == [0, 0, 128, 255, 255, 191])
    #expect(throws: PullbackError.self) { try Picture(Tensor(shape: [3, 1, 1], [0, .nan, 0])) }
    #expect(throws: PullbackError.self) { try Picture(Tensor(shape: [2, 3, 1, 1])) }
  }

  @Test func loadsAFile() throws {
    let image = try ImageLoader(size: 7).image(at: Fixtures.path("rgb8.png"))
    let picture = try Photograph(contentsOf: Fixtures.path("rgb8.png")).picture
    #expect(image == Tensor(picture.resized(width: 14, height: 8, croppingTo: 4..<11, 0..<7)))
  }
}
