import Imaging

/// Where everything of an image grid lies, from its top left corner.
struct ImageGridLayout {
  var titleWidth = 0.0
  var cell = Size(0, 0)
  var columnStarts: [Double] = []
  var groupRule = 0.0
  var titleStyle: TextStyle
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

    let style = Self.titleStyle(grid, theme, columnWidth: width)
    titleStyle = style
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
      if row.captions.contains(where: { !$0.isEmpty }) {
        y += theme.spacing * 0.7 + theme.note.capHeight + theme.note.descent
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

  /// The label style, smaller where the widest word of a column title asks for it, but not below 5 points.
  private static func titleStyle(_ grid: ImageGrid, _ theme: Theme, columnWidth: Double) -> TextStyle {
    var style = theme.label()
    let words = grid.columnTitles.flatMap { $0.split(whereSeparator: \.isWhitespace) }
    let widest = words.map { style.width(of: String($0)) }.max() ?? 0
    if widest > columnWidth { style.size = max(min(5, style.size), style.size * columnWidth / widest) }
    return style
  }
}

extension ImageGrid {
  /// The width of the widest row title, without the space after it.
  func rowTitleWidth(_ theme: Theme) -> Double {
    rows.flatMap { row in
      row.title.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { index, line in
        (index == 0 ? theme.label() : theme.note).width(of: String(line))
      }
    }.max() ?? 0
  }
}
