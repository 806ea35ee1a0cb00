import Imaging

/// Where everything of an image grid lies, from its top left corner.
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
  /// The width of the widest row title, without the space after it.
  func rowTitleWidth(_ theme: Theme) -> Double {
    rows.flatMap { titleLines(of: $0, theme) }.map { $0.style.width(of: $0.text) }.max() ?? 0
  }

  /// A row's title with its first line in ink and the following ones muted, broken where it would take more than a
  /// seventh of the grid's width.
  func titleLines(of row: Row, _ theme: Theme) -> [(text: String, style: TextStyle)] {
    guard !row.title.isEmpty else { return [] }
    return row.title.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, part in
      var style = index == 0 ? theme.label(row.accent == nil ? .regular : .bold) : theme.note
      if index == 0, let accent = row.accent { style.color = accent }
      return style.lines(of: String(part), within: max(36, width / 7)).map { ($0, style) }
    }
  }
}
