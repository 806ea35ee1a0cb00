import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Imaging

/// Pictures of one, three and four channels, square or not, against Pillow.
struct ChannelTests {
  struct Case: Decodable, Sendable {
    let width, height, rows, columns: Int
    let source, alpha, gray, rgb, rgba: Data

    var photograph: Photograph {
      Photograph(picture: Picture(width: width, height: height, pixels: Array(source)), alpha: Array(alpha))
    }
    func expected(_ channels: Picture.Channels) -> Picture {
      let bytes =
        switch channels {
        case .gray: gray
        case .rgb: rgb
        case .rgba: rgba
        }
      return Picture(width: columns, height: rows, channels: channels, pixels: Array(bytes))
    }
  }

  static func cases() throws -> [Case] { try Fixtures.decode("channels.json") }

  @Test(arguments: try cases(), [Picture.Channels.gray, .rgb, .rgba])
  func loading(_ expected: Case, channels: Picture.Channels) throws {
    let loader = ImageLoader(height: expected.rows, width: expected.columns, channels: channels)
    let picture = loader.picture(of: expected.photograph)
    #expect(picture == expected.expected(channels))
    let tensor = Tensor(picture)
    #expect(tensor.shape == [1, channels.rawValue, expected.rows, expected.columns])
    #expect(try Picture(tensor) == picture)
  }

  @Test(arguments: [Picture.Channels.gray, .rgb, .rgba])
  func pngComesBack(channels: Picture.Channels) throws {
    let pixels = (0..<35 * channels.rawValue).map { UInt8(($0 * $0 * 7 + 3) % 256) }
    let picture = Picture(width: 7, height: 5, channels: channels, pixels: pixels)
    let photograph = try Photograph(decoding: try picture.pngBytes(), name: "a.png")
    #expect(photograph == Photograph(picture))
    if channels == .rgba { #expect(photograph.withOpacity == picture) }
    #expect(picture.inGray.inGray == picture.inGray && picture.inColor.channels == .rgb)
  }

  /// The mask covers the same places in every channel order and proportion.
  @Test func objectsOnGround() throws {
    let photograph = Photograph(picture: Picture(width: 40, height: 20, pixels: Array(repeating: 200, count: 2400)))
    let (picture, coverage) = try photograph.pastedOnGray(margin: 1, proportions: (1, 2))
    #expect(picture.width == 40 && picture.height == 20 && coverage.allSatisfy { $0 == 255 })
    for channels in [Picture.Channels.gray, .rgb, .rgba] {
      let loader = ImageLoader(height: 30, width: 20, channels: channels)
      let (image, mask) = try loader.objectOnGray(photograph)
      #expect(image.shape == [1, channels.rawValue, 30, 20] && mask.shape == [1, 1, 30, 20])
      #expect(mask[0, 0, 15, 10] == 1 && mask[0, 0, 0, 0] == 0)
    }
  }

  @Test func attributionsOfOneAndFourChannels() throws {
    let gray = Tensor(shape: [1, 1, 1, 3], [-2, 0, 4])
    #expect(try heatMap(gray) == heatMap(Tensor(shape: [3, 1, 3], [-2, 0, 4, -2, 0, 4, -2, 0, 4])))
    #expect(try rawPicture(gray) == Picture(width: 3, height: 1, channels: .gray, pixels: [0, 85, 255]))
    let four = Tensor(shape: [4, 1, 1], [1, 2, 3, -50])
    #expect(try rawPicture(four).pixels == [0, 128, 255])
    #expect(try heatMap(four).channels == .rgb)
    #expect(throws: PullbackError.self) { try heatMap(Tensor(shape: [2, 1, 1])) }
  }

  @Test func networksThatTakeNoPicturesSaySo() throws {
    #expect(try ImageLoader(inputShape: [1, 28, 20]).channels == .gray)
    for shape in [[12, 8, 8], [3, 8], [3, 0, 8]] {
      let error = try #require(throws: PullbackError.self) { try ImageLoader(inputShape: shape) }
      #expect(error.kind == .usage)
    }
  }
}
