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
  /// Whether row titles read upwards, which leaves the width to the pictures; they are broken at line feeds only.
  public var turnsTitles: Bool

  public init(
    columns: [String], _ rows: [Row], groups: [Group] = [], colorBars: [ColorBar] = [], width: Double = 500,
    hasFrames: Bool = true, gap: Double = 2, turnsTitles: Bool = false
  ) {
    columnTitles = columns
    self.rows = rows
    self.groups = groups
    self.colorBars = colorBars
    self.width = width
    self.hasFrames = hasFrames
    self.gap = gap
    self.turnsTitles = turnsTitles
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
    let step = titleStep(canvas.theme)
    for (index, line) in lines.enumerated() {
      if turnsTitles {
        let x = point.x - (Double(lines.count - index) - 0.5) * step
        canvas.text(line.text, at: Point(x, point.y), line.style, .center, vertical: .middle, angle: 90)
      } else {
        let y = point.y + (Double(index) - Double(lines.count - 1) / 2) * step
        canvas.text(line.text, at: Point(point.x, y), line.style, .right, vertical: .middle)
      }
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

/// The positions of everything in an image grid, from its top left corner.
struct ImageGridLayout {
  var titleWidth = 0.0
  var cell = Size(0, 0)
  var columnStarts: [Double] = []
  var groupRule = 0.0
  var titleStyle: TextStyle
  var captionStyle: TextStyle
  /// The baseline of the column titles' last lines.
  var titleBaseline = 0.0
  var rowTops: [Double] = []
  var bottom = 0.0

  init(_ grid: ImageGrid, _ theme: Theme) {
    let columns = max(grid.columnTitles.count, grid.rows.map(\.cells.count).max() ?? 0, 1)
    titleWidth = grid.rowTitleWidth(theme)
    let start = titleWidth == 0 ? 0 : titleWidth + theme.spacing
    let gaps = Self.gaps(grid, columns: columns)
    let width = max(1, (grid.width - start - gaps.reduce(0, +)) / Double(columns))
    columnStarts = (0..<columns).map { start + gaps.prefix($0).reduce(0, +) + Double($0) * width }
    let first = grid.rows.lazy.flatMap(\.cells).compactMap { $0 }.first { $0.width > 0 && $0.height > 0 }
    cell = Size(width, first.map { width * Double($0.height) / Double($0.width) } ?? width)

    let style = theme.label().fitted(to: grid.columnTitles, width: width)
    let captionStyle = theme.note.fitted(to: grid.rows.flatMap(\.captions), width: width)
    (titleStyle, self.captionStyle) = (style, captionStyle)
    var y = 0.0
    if grid.groups.contains(where: { !$0.title.isEmpty }) {
      groupRule = theme.label(.bold).capHeight + theme.label(.bold).descent + 1
      y = groupRule + theme.spacing
    }
    let lines = grid.columnTitles.map { $0.isEmpty ? 0 : style.lines(of: $0, within: width).count }.max() ?? 0
    if lines > 0 {
      titleBaseline = y + style.height(ofLines: lines, spacing: theme.lineSpacing) - style.descent
      y = titleBaseline + theme.spacing
    }
    for (index, row) in grid.rows.enumerated() {
      if index > 0 { y += grid.gap }
      rowTops.append(y)
      y += cell.height
      let captions = row.captions.prefix(columns).filter { !$0.isEmpty }
      if let lines = captions.map({ captionStyle.lines(of: $0, within: width).count }).max() {
        y += theme.spacing * 0.7 + captionStyle.height(ofLines: lines, spacing: theme.lineSpacing)
      }
    }
    bottom = y
  }

  /// The distances between columns; wider where a group ends.
  private static func gaps(_ grid: ImageGrid, columns: Int) -> [Double] {
    var ends: Set<Int> = []
    var end = 0
    for group in grid.groups {
      end += max(0, group.columns)
      ends.insert(end)
    }
    return (1..<max(2, columns)).prefix(columns - 1).map { ends.contains($0) ? max(grid.gap, 6) : grid.gap }
  }
}

extension TextStyle {
  /// The style, smaller where the widest word of `texts` asks for it, but not below 5 points.
  fileprivate func fitted(to texts: [String], width limit: Double) -> TextStyle {
    let words = texts.flatMap { $0.split(whereSeparator: \.isWhitespace) }
    let widest = words.map { width(of: String($0)) }.max() ?? 0
    guard widest > limit else { return self }
    return TextStyle(max(min(5, size), size * limit / widest), weight, color)
  }
}

extension ImageGrid {
  /// The distance between the lines of a row's title.
  func titleStep(_ theme: Theme) -> Double { theme.labelSize * theme.lineSpacing }

  /// The width of the widest row title, without the space after it.
  func rowTitleWidth(_ theme: Theme) -> Double {
    if turnsTitles { return titleStep(theme) * Double(rows.map { titleLines(of: $0, theme).count }.max() ?? 0) }
    return rows.flatMap { titleLines(of: $0, theme) }.map { $0.style.width(of: $0.text) }.max() ?? 0
  }

  /// A row's title with its first line in ink and the following ones muted, broken where it would take more than a
  /// seventh of the grid's width.
  func titleLines(of row: Row, _ theme: Theme) -> [(text: String, style: TextStyle)] {
    guard !row.title.isEmpty else { return [] }
    return row.title.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, part in
      var style = index == 0 ? theme.label(row.accent == nil ? .regular : .bold) : theme.note
      if index == 0, let accent = row.accent { style.color = accent }
      let room = turnsTitles ? .infinity : max(36, width / 7)
      return style.lines(of: String(part), within: room).map { ($0, style) }
    }
  }
}
