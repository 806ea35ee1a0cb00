import Imaging
import Pullbacks
import Testing

@testable import Plotting

/// All marks of a drawable drawn into its own size, clips opened.
func marks(of drawable: some Drawable) -> [Mark] {
  let size = drawable.size(in: .paper)
  var canvas = Canvas(size: size)
  drawable.draw(on: &canvas, in: Rect(at: Point(0, 0), size))
  func open(_ marks: [Mark]) -> [Mark] {
    marks.flatMap { mark in if case .clip(_, let inner) = mark { open(inner) } else { [mark] } }
  }
  return open(canvas.marks)
}

extension [Mark] {
  var fills: [(path: Path, color: Color)] {
    compactMap { mark in if case .fill(let path, let color) = mark { (path, color) } else { nil } }
  }
  var strokes: [(path: Path, pen: Pen)] {
    compactMap { mark in if case .stroke(let path, let pen) = mark { (path, pen) } else { nil } }
  }
  var texts: [TextRun] {
    compactMap { mark in if case .text(let run) = mark { run } else { nil } }
  }
  func text(_ string: String) throws -> TextRun { try #require(texts.first { $0.string == string }) }
}

func isClose(_ a: Double, _ b: Double, _ tolerance: Double = 1e-9) -> Bool { abs(a - b) <= tolerance }

@Suite struct PlotTests {
  /// Axes from 0 to 4 and 0 to 8, so that the plotting area can be told from the spines: the last two rules drawn
  /// by the frame.
  @Test func bandsAndCurvesLieWhereTheirValuesAre() throws {
    let series = try LinePlot.Series("s", x: [0, 1, 4], y: [2, 4, 6], low: [1, 3, 5], high: [3, 6, 8])
    var plot = LinePlot([series], x: Axis(range: 0...4), y: Axis(range: 0...8), showsLegend: false)
    plot.marks = [3]
    let marks = marks(of: plot)
    let spines = marks.strokes.filter { $0.pen == Theme.paper.rule }.suffix(2).map(\.path.points)
    let (left, foot) = (try #require(spines.first), try #require(spines.last))
    let (origin, width, height) = (foot[0], foot[1].x - foot[0].x, left[1].y - left[0].y)
    func place(_ x: Double, _ y: Double) -> Point {
      Point(origin.x + x / 4 * width, origin.y - y / 8 * height)
    }
    let band = try #require(marks.fills.first { $0.color.opacity == Theme.paper.bandOpacity })
    let expected = [(0, 3), (1, 6), (4, 8), (4, 5), (1, 3), (0, 1)].map { place($0.0, $0.1) }
    #expect(zip(band.path.points, expected).allSatisfy { isClose($0.x, $1.x) && isClose($0.y, $1.y) })
    #expect(band.path.points.count == 6)

    let curve = try #require(marks.strokes.first { $0.pen.width == Theme.paper.curveWidth })
    let line = [(0, 2), (1, 4), (4, 6)].map { place($0.0, $0.1) }
    #expect(zip(curve.path.points, line).allSatisfy { isClose($0.x, $1.x) && isClose($0.y, $1.y) })

    let upright = try #require(marks.strokes.first { !$0.pen.dashes.isEmpty }?.path.points)
    #expect(zip(upright, [place(3, 8), place(3, 0)]).allSatisfy { isClose($0.x, $1.x) && isClose($0.y, $1.y) })
  }

  /// Bars stand in the place of bands, with points and lines as far beside the abscissae as they are.
  @Test func barsStandSideBySide() throws {
    var series = try LinePlot.Series("s", x: [0, 1, 4], y: [2, 4, 6], low: [1, .nan, 5], high: [3, 6, 8])
    let axes = (Axis(range: 0...4), Axis(range: 0...8))
    let before = marks(of: LinePlot([series], x: axes.0, y: axes.1, showsLegend: false))
    let band = try #require(before.fills.first { $0.color.opacity == Theme.paper.bandOpacity }).path.points
    series.interval = .bars
    series.shift = 3
    let after = marks(of: LinePlot([series], x: axes.0, y: axes.1, showsLegend: false))
    #expect(!after.fills.contains { $0.color.opacity == Theme.paper.bandOpacity })
    let bars = after.strokes.filter { $0.pen == Pen(Theme.paper.color(ofSeries: 0), width: Theme.paper.ruleWidth) }
    #expect(bars.count == 2)
    #expect(bars[0].path.points[0].x == band[0].x + 3)
    func curve(_ marks: [Mark]) -> [Point] {
      marks.strokes.first { $0.pen.width == Theme.paper.curveWidth }?.path.points ?? []
    }
    #expect(curve(after).count == 3)
    #expect(zip(curve(before), curve(after)).allSatisfy { isClose($0.x + 3, $1.x) && $0.y == $1.y })
  }

  @Test func curvesAreInterruptedWhereNothingIsKnown() throws {
    let series = try LinePlot.Series("s", x: [1, 2, 3, 4, 5], y: [1, 2, .nan, 4, 5])
    let strokes = marks(of: LinePlot([series], x: Axis(), y: Axis(), showsLegend: false)).strokes
    #expect(strokes.filter { $0.pen.width == Theme.paper.curveWidth }.map(\.path.points.count) == [2, 2])
    #expect(LinePlot.runs([1, nil, nil, 2, 3]) == [[1], [2, 3]])
  }

  @Test func seriesOfUnequalLengthsAreRefused() {
    #expect(throws: PullbackError.self) { try LinePlot.Series("s", x: [1, 2], y: [1]) }
    #expect(throws: PullbackError.self) { try LinePlot.Series("s", x: [1], y: [1], low: [0]) }
    #expect(throws: PullbackError.self) { try BarChart.Series("s", [1, 2], low: [1], high: [2]) }
    #expect(throws: PullbackError.self) { try HeatMapMatrix([[1], [1, 2]], rows: ["a", "b"], columns: ["c"]) }
  }

  @Test func barsRiseInProportion() throws {
    let series = try BarChart.Series("s", [1, -2, .nan, 4], low: [0.5, -2, 0, 3], high: [2, -1, 0, 5])
    let marks = marks(of: BarChart(categories: ["a", "b", "c", "d"], [series], y: Axis(range: -4...8)))
    let bars = marks.fills.map { path, _ in (top: path.points[0].y, foot: path.points[2].y, left: path.points[0].x) }
    #expect(bars.count == 3)
    let unit = bars[0].foot - bars[0].top
    #expect(isClose(bars[2].foot - bars[2].top, 4 * unit))
    #expect(isClose(bars[1].foot - bars[1].top, 2 * unit))
    #expect(isClose(bars[0].foot, bars[2].foot))
    #expect(isClose(bars[1].top, bars[0].foot))
    // Equal slots: the fourth bar is three slots from the first.
    #expect(isClose(bars[2].left - bars[0].left, 3 * (bars[1].left - bars[0].left)))
    // The interval 0.5...2 of the first bar is the first upright line drawn after it.
    let stems = marks.strokes.map(\.path.points).filter { $0[0].x == $0[1].x && isClose($0[0].y - $0[1].y, 1.5 * unit) }
    #expect(stems.contains { isClose($0[0].y, bars[0].foot - 0.5 * unit) })
  }

  @Test func plottingAreasOfPanelsLineUp() throws {
    let short = LinePlot([try .init("s", x: [0, 1], y: [0, 1])], x: Axis(), y: Axis(), title: "short")
    let long = LinePlot([try .init("s", x: [0, 1], y: [0, 12345])], x: Axis(), y: Axis("label"), title: "long")
    let texts = marks(of: Panels([short, long], columns: 1, isLettered: true)).texts
    let titles = texts.filter { ["short", "long"].contains($0.string) }
    #expect(titles[0].start.x == titles[1].start.x)
    #expect(texts.map(\.string).filter { $0.hasPrefix("(") } == ["(a)", "(b)"])
  }

  @Test func matrixCellsCarryTheirColorAndNumber() throws {
    let matrix = try HeatMapMatrix([[0, 1], [0.5, .nan]], rows: ["a", "b"], columns: ["c", "d"], range: 0...1)
    let marks = marks(of: matrix)
    #expect(
      marks.fills.map(\.color) == [
        .white, Color(0x08306B), Color(ColorMap.blues.color(at: 0.5)), Theme.paper.gridColor,
      ])
    let signed = try HeatMapMatrix(
      [[-3, -1.5, 0, .infinity]], rows: ["a"], columns: ["c", "d", "e", "f"], range: -3...3, colorMap: .seismic)
    #expect(
      PlottingTests.marks(of: signed).fills.map(\.color)
        == [-1, -0.5, 0, 1].map { Color(ColorMap.seismic.color(at: $0)) })
    #expect(marks.texts.map(\.string) == ["a", "0.00", "1.00", "b", "0.50", "–", "c", "d"])
    #expect(try marks.text("0.00").color == .black)
    #expect(try marks.text("1.00").color == .white)
  }

  @Test func tableColumnsAreAligned() throws {
    let table = Table(
      [.init("Method", .left), .init("Value")],
      [.heading("Block"), .cells(["SfP", "1.5"]), .cells(["Gradient", .bold("12.25")]), .rule])
    let marks = marks(of: table)
    let ends = try ["Value", "1.5", "12.25"].map { string in
      let run = try marks.text(string)
      return run.start.x + run.width
    }
    #expect(ends.allSatisfy { isClose($0, table.size(in: .paper).width, 1e-6) })
    for string in ["Method", "Block", "SfP", "Gradient"] { #expect(try marks.text(string).start.x == 0) }
    #expect(try marks.text("12.25").weight == .bold)
    #expect(try marks.text("1.5").weight == .regular)
    // Heavy rules close the table at its top and its foot.
    let heavy = marks.strokes.filter { $0.pen.width > 1.5 * Theme.paper.ruleWidth }.map(\.path.points[0].y)
    #expect(heavy[0] == 0)
    #expect(isClose(heavy[1], table.size(in: .paper).height))
  }

  @Test func colorBarsShowTheirMap() throws {
    func strip(_ map: ColorMap) throws -> Picture {
      let images = marks(of: ColorBar(map, labels: [])).compactMap { mark in
        if case .image(let picture, _) = mark { picture } else { nil }
      }
      return try #require(images.first)
    }
    let (seismic, blues) = (try strip(.seismic), try strip(.blues))
    #expect(seismic.pixel(127, 0) == [255, 255, 255])
    #expect(Array(seismic.pixels[..<381]) == Array(ColorMap.seismic.entries[..<381]))
    #expect(Array(seismic.pixels[384...]) == Array(ColorMap.seismic.entries[387...]))
    #expect(blues.pixel(0, 0) == [255, 255, 255])
    #expect(blues.pixel(127, 0) == Array(ColorMap.blues.entries[384..<387]))
    #expect(blues.pixel(254, 0) == [8, 48, 107])
  }
}
