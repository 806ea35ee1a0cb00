import Failures
import Foundation
import Imaging
import TestKit
import Testing

@testable import Plotting

/// A figure part that draws what a test tells it to.
struct Sketch: Drawable {
  var extent: Size
  var drawing: @Sendable (inout Canvas) -> Void

  init(_ width: Double, _ height: Double, _ drawing: @escaping @Sendable (inout Canvas) -> Void) {
    extent = Size(width, height)
    self.drawing = drawing
  }

  func size(in theme: Theme) -> Size { extent }
  func draw(on canvas: inout Canvas, in rect: Rect) { drawing(&canvas) }

  /// The sketch alone, without margin.
  func pixels(perPoint: Double = 1) throws -> Picture {
    var theme = Theme.paper
    (theme.margin, theme.pixelsPerPoint) = (0, perPoint)
    return try Figure(self, theme: theme).picture()
  }
}

extension Picture {
  /// The grey values of the red channel, row by row.
  var reds: [[Int]] {
    (0..<height).map { row in (0..<width).map { Int(pixels[(row * width + $0) * 3]) } }
  }

  func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(pixels[(y * width + x) * 3..<(y * width + x) * 3 + 3]) }

  /// Columns and rows that hold ink, as closed ranges; nil on a white picture.
  var inkBounds: (columns: ClosedRange<Int>, rows: ClosedRange<Int>)? {
    let reds = reds
    let rows = reds.indices.filter { reds[$0].contains { $0 < 128 } }
    let columns = (0..<width).filter { column in reds.contains { $0[column] < 128 } }
    guard let top = rows.first, let bottom = rows.last, let left = columns.first, let right = columns.last else {
      return nil
    }
    return (left...right, top...bottom)
  }
}

/// A picture of grey pixels.
func gray(_ rows: [[UInt8]]) -> Picture {
  Picture(width: rows[0].count, height: rows.count, pixels: rows.joined().flatMap { [$0, $0, $0] })
}

@Suite struct CanvasTests {
  @Test func rectangleFillsExactlyItsPixels() throws {
    let picture = try Sketch(4, 3) { $0.fill(Rect(x: 1, y: 1, width: 2, height: 1), Color(0x336699)) }.pixels()
    for y in 0..<3 {
      for x in 0..<4 {
        let expected: [UInt8] = y == 1 && (1...2).contains(x) ? [0x33, 0x66, 0x99] : [255, 255, 255]
        #expect(picture.pixel(x, y) == expected, "at (\(x), \(y))")
      }
    }
  }

  @Test func framesAreSharp() throws {
    let picture = try Sketch(6, 5) { $0.stroke(Rect(x: 1.2, y: 0.9, width: 3, height: 3), Pen(.black, width: 0.4)) }
      .pixels()
    #expect(Set(picture.reds.joined()) == [0, 255])
    #expect(
      picture.reds.map { row in row.map { $0 == 0 ? "#" : "." }.joined() } == [
        "......", ".####.", ".#..#.", ".#..#.", ".####.",
      ])
  }

  @Test func enlargedPicturesKeepTheirPixels() throws {
    let small = gray([[10, 20], [30, 40]])
    let picture = try Sketch(3, 2) { $0.image(small, in: Rect(x: 0, y: 0, width: 3, height: 2)) }.pixels(perPoint: 2)
    let expected = [10, 10, 10, 20, 20, 20]
    #expect(picture.reds == [expected, expected, expected.map { $0 + 20 }, expected.map { $0 + 20 }])
  }

  @Test func reducedPicturesAreAveragedByOverlap() throws {
    let wide = gray([[0, 60, 90], [0, 60, 90]])
    let picture = try Sketch(2, 1) { $0.image(wide, in: Rect(x: 0, y: 0, width: 2, height: 1)) }.pixels()
    // (0 * 1 + 60 * 0.5) / 1.5 and (60 * 0.5 + 90) / 1.5.
    #expect(picture.reds == [[20, 80]])
  }

  /// numpy's averages over exact repetitions; float32 sums may round a half the other way.
  @Test func resamplingAgreesWithNumpy() throws {
    struct Example: Decodable {
      var source: [[UInt8]]
      var resized: [[Int]]
    }
    let file = try InputFile.bytes(of: Fixture.path("plotting/resampling.json"), limit: 1 << 20)
    let examples = try JSONDecoder().decode([Example].self, from: Data(file))
    #expect(examples.count == 5)
    for example in examples {
      let found = gray(example.source).displayed(width: example.resized[0].count, height: example.resized.count).reds
      let worst = zip(found.joined(), example.resized.joined()).map { abs($0 - $1) }.max()
      #expect(found.count == example.resized.count)
      #expect(try #require(worst) <= 1)
    }
  }

  @Test func clippingHidesWhatLiesOutside() throws {
    let picture = try Sketch(4, 1) { canvas in
      canvas.clipped(to: Rect(x: 1, y: 0, width: 2, height: 1)) {
        $0.fill(Rect(x: 0, y: 0, width: 4, height: 1), .black)
      }
      canvas.fill(Rect(x: 3, y: 0, width: 1, height: 1), Color(0x808080))
    }.pixels()
    #expect(picture.reds == [[255, 0, 0, 128]])
  }

  @Test func placementMovesAndEnlarges() throws {
    var canvas = Canvas(size: Size(100, 100))
    canvas.placed(at: Point(10, 20), scale: 2) { canvas in
      canvas.placed(at: Point(1, 1)) {
        $0.line(from: Point(0, 0), to: Point(3, 4), Pen(.black, width: 1.5, dashes: [1]))
        $0.text("a", at: Point(5, 5), TextStyle(8))
      }
    }
    #expect(
      canvas.marks.first
        == .stroke(Path([.move(Point(12, 22)), .line(Point(18, 30))]), Pen(.black, width: 3, dashes: [2])))
    guard case .text(let run) = canvas.marks.last else { throw Missing() }
    #expect(run.start == Point(22, 32))
    #expect(run.size == 16)
  }

  @Test func marksWithoutAPlaceAreLeftOut() {
    var canvas = Canvas(size: Size(10, 10))
    canvas.line(from: Point(.nan, 0), to: Point(1, 1), Pen(.black, width: 1))
    canvas.fill(Rect(x: 0, y: 0, width: .infinity, height: 1), .black)
    canvas.text("lost", at: Point(0, .nan), TextStyle(8))
    canvas.image(gray([[0]]), in: Rect(x: 0, y: 0, width: .nan, height: 1))
    #expect(canvas.marks.isEmpty)
  }

  @Test(arguments: [(2.0, 1.0), (1.0, 3.0)])
  func fittingKeepsProportions(width: Double, height: Double) {
    let place = Rect(x: 10, y: 10, width: 60, height: 60).fitting(width: width, height: height)
    #expect(abs(place.width / place.height - width / height) < 1e-12)
    #expect(max(place.width, place.height) == 60)
    #expect(place.center == Point(40, 40))
  }

  struct Missing: Error {}
}

@Suite struct TextTests {
  /// Advance widths from the tables of DejaVu Sans 2.37, as FontTools and Pillow read them, of 2048 units.
  @Test(arguments: [
    ("0", TextStyle.Weight.regular, 1303.0), ("M", .regular, 1767), ("0", .bold, 1425), ("M", .bold, 2038),
  ])
  func widthsAreTheFonts(letter: String, weight: TextStyle.Weight, units: Double) {
    #expect(abs(TextStyle(10, weight).width(of: letter) - 10 * units / 2048) < 1e-3)
    #expect(abs(TextStyle(10, weight).width(of: letter + letter) - 20 * units / 2048) < 2e-3)
  }

  @Test func fontIsVerified() throws {
    try Fonts.verify()
  }

  /// The capital H of DejaVu Sans is symmetric and 1493 of 2048 units high: 73 pixels at 100 points.
  @Test func inkLiesWhereItsAlignmentSays() throws {
    let draw: @Sendable (inout Canvas) -> Void = {
      $0.text("H", at: Point(100, 60), TextStyle(100), .center, vertical: .middle)
    }
    let bounds = try #require(try Sketch(200, 120, draw).pixels().inkBounds)
    #expect(abs(bounds.rows.count - 73) <= 1)
    #expect(abs(bounds.rows.lowerBound + bounds.rows.upperBound - 119) <= 2)
    #expect(abs(bounds.columns.lowerBound + bounds.columns.upperBound - 199) <= 2)
  }

  @Test func turnedTextReadsUpwards() throws {
    let level = Sketch(60, 60) { $0.text("L", at: Point(30, 30), TextStyle(40), .center, vertical: .middle) }
    let turned = try Sketch(60, 60) {
      $0.text("L", at: Point(30, 30), TextStyle(40), .center, vertical: .middle, angle: 90)
    }.pixels().reds
    // A quarter turn anticlockwise takes column x to row 59 - x. Letters agree up to their antialiased edges.
    let flat = try level.pixels().reds
    var worst = 0
    for y in 0..<60 { for x in 0..<60 { worst = max(worst, abs(flat[y][x] - turned[59 - x][y])) } }
    #expect(worst < 140)
    #expect(flat.joined().contains { $0 < 30 })
  }

  @Test func linesBreakAtSpacesAndFeeds() {
    let style = TextStyle(10)
    let limit = style.width(of: "one two")
    #expect(style.lines(of: "one two three", within: limit) == ["one two", "three"])
    #expect(style.lines(of: "one\ntwo", within: limit) == ["one", "two"])
    #expect(style.lines(of: "extraordinarily", within: 1) == ["extraordinarily"])
    #expect(style.lines(of: "") == [""])
  }

  @Test func controlCharactersBecomeSpaces() {
    #expect(Fonts.printable("a\u{0}b\nc\u{FFFE}") == "a b c ")
  }

  @Test(arguments: [(-0.0001, 2, "0.00"), (-1.25, 1, "−1.2"), (3, 0, "3"), (.nan, 2, "–"), (-.infinity, 1, "−∞")])
  func decimals(value: Double, places: Int, text: String) {
    #expect(decimal(value, places: places) == text)
  }
}
