import Failures
import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Imaging

/// WebP, PNGs with a small window and torchvision's transforms, against the files that Tests/Oracles/pictures.py made.
struct FormatTests {
  static let folder = Fixture.path("pictures")

  static func decode<Value: Decodable>(_ name: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
  }

  /// Lossy and lossless, with opacity and without, and turned by its EXIF orientation. Other releases of libwebp smooth
  /// colours between pixels in another way.
  @Test(arguments: try decode("webp.json") as [DecodingTests.Case])
  func webp(_ expected: DecodingTests.Case) throws {
    let photograph = try Photograph(contentsOf: "\(Self.folder)/\(expected.file)")
    #expect(largestDifference(photograph.picture, expected.picture) <= (expected.file.hasPrefix("lossy") ? 2 : 0))
    #expect(photograph.alpha == expected.alpha.map { Array($0) })
  }

  @Test func animatedWebPIsRefused() throws {
    let error = try #require(throws: PullbackError.self) { try Photograph(contentsOf: "\(Self.folder)/animated.webp") }
    #expect(error.kind == .data && error.problem == "expected a still picture, found an animated WebP file")
  }

  /// Cut short at every byte and with damaged bytes: a picture of the declared size, or one line.
  @Test(arguments: ["lossy.webp", "lossless-alpha.webp", "turned.webp"])
  func damagedWebP(_ name: String) throws {
    let whole = try InputFile.bytes(of: "\(Self.folder)/\(name)", limit: 1 << 20)
    for count in 0..<whole.count - 1 {
      let error = try #require(throws: PullbackError.self, "\(count) bytes") {
        try Photograph(decoding: Array(whole[..<count]), name: name)
      }
      #expect(error.kind == .data && !error.description.contains("\n"))
      if count > 12 { #expect(error.problem.contains("WebP")) }
    }
    for place in 0..<whole.count {
      var damaged = whole
      damaged[place] ^= UInt8(truncatingIfNeeded: 37 * place + 1)
      guard let photograph = try? Photograph(decoding: damaged, name: name) else { continue }
      #expect(photograph.picture.pixels.count == 3 * photograph.picture.width * photograph.picture.height)
    }
  }

  @Test(arguments: try decode("small-window.json") as [DecodingTests.Case])
  func smallWindow(_ expected: DecodingTests.Case) throws {
    #expect(try Photograph(contentsOf: "\(Self.folder)/\(expected.file)").picture == expected.picture)
  }

  struct Transformed: Decodable, Sendable {
    struct Result: Decodable, Sendable {
      let resize: [Int]
      let crop: Int
      let color: Data

      var framing: ImageLoader.Framing {
        resize.count == 1 ? .shorterSide(resize[0]) : .exactly(height: resize[0], width: resize[1])
      }
    }

    let width, height: Int
    let color: Data
    let results: [Result]
  }

  /// Resize and CenterCrop; with 32 and 28 as 256 and 224 are, also where the framing is in proportion.
  @Test(arguments: try decode("transforms.json") as [Transformed])
  func torchvisionsTransforms(_ source: Transformed) {
    let photograph = Photograph(
      picture: Picture(width: source.width, height: source.height, pixels: Array(source.color)))
    for result in source.results {
      let expected = Picture(width: result.crop, height: result.crop, pixels: Array(result.color))
      let loader = ImageLoader(size: result.crop, framing: result.framing)
      #expect(loader.picture(of: photograph) == expected, "\(source.width) x \(source.height), \(result.framing)")
      guard result.resize == [32] else { continue }
      #expect(ImageLoader(size: 28, framing: .covering).picture(of: photograph) == expected)
      // The release shows squares as a whole, and others as torchvision does.
      let released = ImageLoader(size: 28).picture(of: photograph)
      #expect((released == expected) == (source.width != source.height))
    }
  }

  @Test func framingsCoverTheInput() throws {
    #expect(throws: PullbackError.self) { try ImageLoader(inputShape: [3, 24, 24], framing: .shorterSide(20)) }
    #expect(throws: PullbackError.self) {
      try ImageLoader(inputShape: [3, 24, 24], framing: .exactly(height: 30, width: 20))
    }
    #expect(try ImageLoader(inputShape: [3, 24, 20], framing: .exactly(height: 24, width: 20)).width == 20)
  }
}
