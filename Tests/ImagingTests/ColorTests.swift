import Foundation
import Pullbacks
import Testing

@testable import Imaging

/// Colour maps against matplotlib, and the pictures made with them.
struct ColorTests {
  struct Expected: Decodable {
    let seismic: Data
    let coolwarm: [[Double]]
    let blues: Data
    let heat: Data
    let raw: Data
  }

  private let expected: Expected

  init() throws { expected = try Fixtures.decode("colors.json") }

  @Test func seismicIsMatplotlibs() {
    #expect(ColorMap.seismic.entries == Array(expected.seismic))
  }

  /// matplotlib's map is 33 colours that Moreland published, with straight lines between.
  @Test func coolwarmFollowsMoreland() {
    #expect(expected.coolwarm.count == 33)
    for (index, color) in expected.coolwarm.enumerated() {
      for (actual, published) in zip(ColorMap.coolwarm(at: Double(index) / 32), color) {
        #expect(abs(actual - published) < 0.5 / 255, "node \(index)")
      }
    }
    #expect(ColorMap.coolwarm.color(at: -1) == (59, 76, 192))
    #expect(ColorMap.coolwarm.color(at: 1) == (180, 4, 38))
    #expect(ColorMap.coolwarm.color(at: 0) == (221, 221, 221))
  }

  @Test func bluesAreMixedFromTheirNodes() {
    let map = ColorMap.blues
    #expect(map.range == 0...1)
    #expect(map.entries == Array(expected.blues))
    // Entry floor(256 * value): 0, 64, 127, 128, 255.
    for (value, entry) in [(0.0, 0), (0.25, 64), (0.4999, 127), (0.5, 128), (1, 255), (-3, 0), (.infinity, 255)] {
      let color = map.color(at: value)
      #expect([color.red, color.green, color.blue] == Array(expected.blues[3 * entry..<3 * entry + 3]), "at \(value)")
    }
    #expect(map.color(at: .nan) == (255, 255, 255))
  }

  @Test func zeroIsWhiteAndSignsStayApart() {
    let map = ColorMap.seismic
    #expect(map.color(at: 0) == (255, 255, 255))
    #expect(map.color(at: 1e-300) == (255, 253, 253))
    #expect(map.color(at: -1e-300) == (253, 253, 255))
    #expect(map.color(at: -7) == (0, 0, 76))
    #expect(map.color(at: 7) == (127, 0, 0))
    #expect(map.color(at: .nan) == (0, 0, 76))
  }

  @Test func heatMapAndRawPicture() throws {
    let attribution = try NPY.read(Fixtures.path("attribution.npy"))
    #expect(try heatMap(attribution) == Picture(width: 8, height: 6, pixels: Array(expected.heat)))
    #expect(try rawPicture(attribution) == Picture(width: 8, height: 6, pixels: Array(expected.raw)))
    #expect(try heatMap(attribution.reshaped([3, 6, 8])) == heatMap(attribution))
  }

  @Test func nothingToShow() throws {
    let zero = Tensor(shape: [1, 3, 2, 2])
    #expect(try heatMap(zero).pixels == Array(repeating: 255, count: 12))
    #expect(try rawPicture(zero).pixels == Array(repeating: 128, count: 12))
    #expect(try rawPicture(Tensor(shape: [3, 1, 2], repeating: 7)).pixels == Array(repeating: 128, count: 6))
  }

  @Test func oneSign() throws {
    // Only positive: the largest is dark red; the smallest, not zero, is no white.
    let picture = try heatMap(Tensor(shape: [3, 1, 2], [1, 4, 1, 4, 1, 4]))
    let quarter = ColorMap.seismic.color(at: 0.25)
    #expect(picture.pixels == [quarter.red, quarter.green, quarter.blue, 127, 0, 0])
  }

  @Test func aSequentialMapShowsThePositivePart() throws {
    let picture = try heatMap(Tensor(shape: [3, 1, 3], [-4, 2, 4, -4, 2, 4, -4, 2, 4]), colorMap: .blues)
    let half = ColorMap.blues.color(at: 0.5)
    #expect(picture.pixels == [255, 255, 255, half.red, half.green, half.blue, 8, 48, 107])
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func refusesWhatIsNoNumber(value: Float) {
    let attribution = Tensor(shape: [3, 1, 1], [0, value, 0])
    #expect(throws: PullbackError.self) { try heatMap(attribution) }
    #expect(throws: PullbackError.self) { try rawPicture(attribution) }
  }

  @Test(arguments: [[3], [1, 2, 4, 4], [2, 3, 4, 4], [3, 0, 4], [5, 3, 3]])
  func refusesOtherShapes(shape: [Int]) throws {
    let error = try #require(throws: PullbackError.self) { try heatMap(Tensor(shape: shape)) }
    #expect(error.problem.hasSuffix("found \(shape)"))
  }
}
