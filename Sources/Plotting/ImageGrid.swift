import Imaging

/// Pictures in rows and columns: the comparison figures.
///
/// ```swift
/// let rows = images.map { ImageGrid.Row("\($0.name)\np = \($0.probability)", [$0.photo, $0.pullback, nil]) }
/// let key = ColorBar(.seismic, labels: ["−max", "0", "+max"], note: "Each map is divided by its own extremes.")
/// let grid = ImageGrid(columns: ["Image", "SfP", "Grad"], rows, colorBars: [key], width: 240)
/// try Figure(grid).write(to: "fig3.pdf")
/// ```
/// Cells have the proportions of the first picture; others are fitted inside theirs. A missing picture leaves its cell
/// blank. Titles and captions are broken at spaces; where a word is wider than its column, all alike are set smaller.
public struct ImageGrid: Drawable {
  /// Pictures side by side.
  public struct Row: Sendable {
    /// Shown at the left, its first line in ink and the following ones muted, such as a class and its probability.
    public var title: String
    /// One for each column; nil stays blank.
    public var cells: [Picture?]
    /// Under each picture, empty where there is none.
    public var captions: [String]
    /// The colour of the title's first line and of thick frames, for rows that are to stand out.
    public var accent: Color?

    public init(_ title: String = "", _ cells: [Picture?], captions: [String] = [], accent: Color? = nil) {
      self.title = title
      self.cells = cells
      self.captions = captions
      self.accent = accent
    }
  }

  /// A header over several columns, in order from the left; columns of neighbouring groups stand a little apart.
  public struct Group: Equatable, Sendable {
    public var title: String
    public var columns: Int

    public init(_ title: String, columns: Int) {
      self.title = title
      self.columns = columns
    }
  }

  /// One over each column.
  public var columnTitles: [String]
  public var rows: [Row]
  public var groups: [Group]
  /// Keys below the pictures.
  public var colorBars: [ColorBar]
  /// The width of the whole grid in points: 240 for one column of a journal, 500 for a page.
  public var width: Double
  /// A thin line around every picture.
  public var hasFrames: Bool
  /// The distance between neighbouring pictures.
  public var gap: Double

  public init(
    columns: [String], _ rows: [Row], groups: [Group] = [], colorBars: [ColorBar] = [], width: Double = 500,
    hasFrames: Bool = true, gap: Double = 2
  ) {
    columnTitles = columns
    self.rows = rows
    self.groups = groups
    self.colorBars = colorBars
    self.width = width
    self.hasFrames = hasFrames
    self.gap = gap
  }

  public func size(in theme: Theme) -> Size {
    let layout = ImageGridLayout(self, theme)
    let keys = colorBars.map { key($0, theme).size(in: theme).height + 2 * theme.spacing }.reduce(0, +)
    return Size(width, layout.bottom + keys)
  }

  public func draw(on canvas: inout Canvas, in rect: Rect) {
    let layout = ImageGridLayout(self, canvas.theme)
    let theme = canvas.theme
    canvas.placed(at: Point(rect.minX, rect.minY)) { canvas in
      drawHeaders(on: &canvas, layout)
      for (index, row) in rows.enumerated() {
        let top = layout.rowTops[index]
        drawTitle(of: row, on: &canvas, at: Point(layout.titleWidth, top + layout.cell.height / 2))
        for (column, x) in layout.columnStarts.enumerated() {
          let cell = Rect(at: Point(x, top), layout.cell)
          draw(row, column, on: &canvas, in: cell, layout)
        }
      }
      var y = layout.bottom
      for bar in colorBars {
        y += 2 * theme.spacing
        let size = key(bar, theme).size(in: theme)
        key(bar, theme).draw(on: &canvas, in: Rect(at: Point(layout.columnStarts.first ?? 0, y), size))
        y += size.height
      }
    }
  }

  private func drawHeaders(on canvas: inout Canvas, _ layout: ImageGridLayout) {
    let theme = canvas.theme
    for (title, x) in zip(columnTitles, layout.columnStarts) {
      canvas.text(
        lines: layout.titleStyle.lines(of: title, within: layout.cell.width),
        at: Point(x + layout.cell.width / 2, layout.titleBaseline), layout.titleStyle, .center, vertical: .baseline)
    }
    var first = 0
    for group in groups {
      let columns = layout.columnStarts.dropFirst(first).prefix(max(0, group.columns))
      first += max(0, group.columns)
      guard let start = columns.first, let last = columns.last, !group.title.isEmpty else { continue }
      let end = last + layout.cell.width
      canvas.text(
        group.title, at: Point((start + end) / 2, theme.label(.bold).capHeight), theme.label(.bold), .center)
      canvas.line(
        from: Point(start, layout.groupRule), to: Point(end, layout.groupRule), Pen(theme.ink, width: theme.hairline))
    }
  }

  private func drawTitle(of row: Row, on canvas: inout Canvas, at point: Point) {
    let lines = titleLines(of: row, canvas.theme)
    let step = canvas.theme.labelSize * canvas.theme.lineSpacing
    for (index, line) in lines.enumerated() {
      let y = point.y + (Double(index) - Double(lines.count - 1) / 2) * step
      canvas.text(line.text, at: Point(point.x, y), line.style, .right, vertical: .middle)
    }
  }

  private func draw(_ row: Row, _ column: Int, on canvas: inout Canvas, in cell: Rect, _ layout: ImageGridLayout) {
    let theme = canvas.theme
    if column < row.captions.count {
      let lines = layout.captionStyle.lines(of: row.captions[column], within: cell.width)
      let top = Point(cell.center.x, cell.maxY + theme.spacing * 0.7)
      canvas.text(lines: lines, at: top, layout.captionStyle, .center, vertical: .top)
    }
    guard column < row.cells.count, let picture = row.cells[column], picture.width > 0, picture.height > 0 else {
      return
    }
    let place = cell.fitting(width: Double(picture.width), height: Double(picture.height))
    canvas.image(picture, in: place)
    if let accent = row.accent {
      canvas.stroke(place, Pen(accent, width: 3 * theme.ruleWidth))
    } else if hasFrames {
      canvas.stroke(place, Pen(theme.ink, width: theme.hairline))
    }
  }

  /// A colour bar under the pictures, from the left edge of the first.
  private func key(_ bar: ColorBar, _ theme: Theme) -> ColorBar {
    var bar = bar
    bar.width = width - (ImageGridLayout(self, theme).columnStarts.first ?? 0)
    return bar
  }
}
