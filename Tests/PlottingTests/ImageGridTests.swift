import Imaging
import TestKit
import Testing

@testable import Plotting

/// A smooth pattern that differs from cell to cell.
func pattern(_ seed: Int, width: Int = 12, height: Int = 12) -> Picture {
  Picture(
    width: width, height: height,
    pixels: (0..<height).flatMap { y in
      (0..<width).flatMap { x in
        [UInt8(truncatingIfNeeded: 20 * x), UInt8(truncatingIfNeeded: 20 * y), UInt8(truncatingIfNeeded: 80 * seed)]
      }
    })
}

/// A grid that uses everything a grid has.
func exampleGrid(label: String = "cassette player") -> ImageGrid {
  let key = ColorBar(.seismic, labels: ["−max", "0", "+max"], note: "Each map is divided by its own extremes.")
  return ImageGrid(
    columns: ["Image", "SfP", "Gradient", "a wide title"],
    [
      ImageGrid.Row("church\np = 0.98", [pattern(0), pattern(1), nil, pattern(2)], captions: ["", "0.5 → 0.9"]),
      ImageGrid.Row(label, [pattern(3), pattern(4, width: 12, height: 6), pattern(5)]),
    ], groups: [.init("", columns: 1), .init("Explanations", columns: 3)], colorBars: [key], width: 200)
}

@Suite struct ImageGridTests {
  private func images(_ grid: ImageGrid) -> [(picture: Picture, place: Rect)] {
    marks(of: grid).compactMap { mark in
      if case .image(let picture, let place) = mark { (picture, place) } else { nil }
    }
  }

  @Test func cellsFillTheWidthEvenly() throws {
    let row = ImageGrid.Row("", (0..<4).map { pattern($0) })
    let places = images(ImageGrid(columns: [], [row, row], width: 206, gap: 2)).map(\.place)
    #expect(places.count == 8)
    #expect(places.allSatisfy { isClose($0.width, 50) && isClose($0.height, 50) })
    #expect(zip(places.prefix(4), [0.0, 52, 104, 156]).allSatisfy { isClose($0.minX, $1) })
    #expect(isClose(places[4].minY - places[0].minY, 52))
  }

  @Test func missingPicturesLeaveTheirCellsBlank() {
    let row = ImageGrid.Row("", [nil, pattern(1), nil])
    let marks = marks(of: ImageGrid(columns: [], [row], width: 154, gap: 2))
    #expect(marks.count == 2)
    guard case .image(pattern(1), let place) = marks.first else {
      Issue.record("no picture first")
      return
    }
    #expect(isClose(place.minX, 52))
  }

  @Test func otherProportionsAreFittedAndCentered() throws {
    let row = ImageGrid.Row("", [pattern(0), pattern(1, width: 12, height: 6)])
    let places = images(ImageGrid(columns: [], [row], width: 102, gap: 2)).map(\.place)
    #expect(places[1] == Rect(x: 52, y: 12.5, width: 50, height: 25))
  }

  @Test func groupsSpanTheirColumns() throws {
    let marks = marks(of: exampleGrid())
    let places = images(exampleGrid()).map(\.place)
    let header = try marks.text("Explanations")
    let rule = try #require(marks.strokes.first { $0.path.points.count == 2 }).path.points
    #expect(isClose(rule[0].x, places[1].minX))
    #expect(isClose(rule[1].x, 200))
    #expect(isClose(header.start.x + header.width / 2, (rule[0].x + rule[1].x) / 2, 1e-6))
    // Neighbouring groups stand apart.
    #expect(places[1].minX - places[0].maxX > 2 * exampleGrid().gap)
  }

  @Test func titlesOfNarrowColumnsShrinkTogether() throws {
    let row = ImageGrid.Row("", Array(repeating: pattern(0), count: 10))
    let names = (0..<9).map { "m\($0)" } + ["SmoothGrad"]
    let grid = ImageGrid(columns: names, [row], width: 360)
    let (narrow, wide) = (try marks(of: grid).text("m0"), try marks(of: grid).text("SmoothGrad"))
    #expect(narrow.size == wide.size)
    #expect(wide.size < Theme.paper.labelSize)
    #expect(wide.width <= (360 - 18) / 10 + 1e-6)
  }

  @Test func emptyGridsAreDrawn() {
    #expect(marks(of: ImageGrid(columns: [], [])).isEmpty)
    let hollow = Picture(width: 0, height: 0, pixels: [])
    #expect(marks(of: ImageGrid(columns: [], [ImageGrid.Row("", [hollow])])).isEmpty)
  }

  @Test func looksAsRecorded() throws {
    var theme = Theme.paper
    theme.pixelsPerPoint = 2
    let figure = Figure(exampleGrid(), title: "An image grid", credit: "Patterns made by the test.", theme: theme)
    try expectMatchesGolden(figure.picture(), "Tests/Golden/image-grid.png")
  }

  @Test func panelsLookAsRecorded() throws {
    var theme = Theme.paper
    theme.pixelsPerPoint = 2
    let taus = [0.1, 0.3, 0.6, 1.0, 2.0]
    let curve = LinePlot(
      [
        try .init("SfP", x: taus, y: [8, 6, 5, 5.5, 7], low: [7, 5.5, 4.6, 5, 6], high: [9, 6.5, 5.4, 6, 8]),
        try .init("Gradient", x: taus, y: [7, 7, 7, 7, 7]),
      ], x: Axis("temperature τ", scale: .logarithmic), y: Axis("infidelity ↓"), title: "Curves", size: Size(180, 120))
    let bars = BarChart(
      categories: ["SfP", "Gradient", "SmoothGrad"],
      [
        try .init("ResNet-50", [0.7, 0.5, -0.1], low: [0.6, 0.4, -0.2], high: [0.8, 0.6, 0]),
        try .init("VGG11-BN", [0.6, 0.4, 0.5]),
      ],
      y: Axis("focus ↑"), title: "Bars", size: Size(180, 120))
    let matrix = try HeatMapMatrix(
      [[0.9, 0.1], [0.3, 0.7]], rows: ["church", "golf ball"], columns: ["church", "golf ball"], range: 0...1,
      rowAxis: "true", columnAxis: "predicted", title: "Matrix")
    let table = Table(
      [.init("Method", .left), .init("Focus ↑")],
      [.heading("ResNet-50"), .cells(["SfP", .bold("0.71")]), .cells(["Gradient", "0.52"])])
    let figure = Figure(Panels([curve, bars, matrix, table], columns: 2, isLettered: true), theme: theme)
    try expectMatchesGolden(figure.picture(), "Tests/Golden/panels.png")
  }
}
