/// A table as journals set it: three rules, no vertical lines, numbers to the right.
///
/// ```swift
/// let table = Table(
///   [.init("Method", .left), .init("Infidelity ↓"), .init("Focus ↑")],
///   [.heading("ResNet-50"), .cells(["SfP", "5.99", .bold("0.71")]), .cells(["Grad", "6.20", "0.52"])])
/// try Figure(table).write(to: "table1.pdf")
/// ```
public struct Table: Drawable {
  /// A title, and how what is below it is aligned.
  public struct Column: Equatable, Sendable {
    public var title: String
    public var alignment: HorizontalAlignment

    public init(_ title: String, _ alignment: HorizontalAlignment = .right) {
      self.title = title
      self.alignment = alignment
    }
  }

  /// The content of a cell; a string literal is a cell in regular type.
  public struct Cell: Equatable, Sendable, ExpressibleByStringLiteral {
    public var text: String
    public var isBold: Bool
    /// Set in grey: for what stands there for comparison only.
    public var isMuted: Bool

    public init(_ text: String, isBold: Bool = false, isMuted: Bool = false) {
      self.text = text
      self.isBold = isBold
      self.isMuted = isMuted
    }

    public init(stringLiteral text: String) { self.init(text) }

    /// A cell that stands out, such as the best of its column.
    public static func bold(_ text: String) -> Cell { Cell(text, isBold: true) }

    /// A cell in grey, such as another's figure beside a measured one.
    public static func muted(_ text: String) -> Cell { Cell(text, isMuted: true) }

    func style(_ theme: Theme) -> TextStyle {
      var style = theme.label(isBold ? .bold : .regular)
      if isMuted { style.color = theme.mutedInk }
      return style
    }
  }

  /// A title over several columns.
  public struct Group: Equatable, Sendable {
    public var title: String
    public var columns: Int

    public init(_ title: String, columns: Int) {
      self.title = title
      self.columns = columns
    }
  }

  /// A line of the table.
  public enum Row: Equatable, Sendable {
    /// Cells from the left; missing ones stay blank, surplus ones are left out.
    case cells([Cell])
    /// Texts in small grey type close below the cells of the row above: intervals, units.
    case notes([String])
    /// A bold line that opens a block, with a rule above unless it is the first.
    case heading(String)
    /// A thin rule.
    case rule
  }

  public var columns: [Column]
  public var rows: [Row]
  /// Titles above those of the columns, from the left; none if empty.
  public var groups: [Group]
  /// The distance between columns in points.
  public var gap: Double
  /// A line in small grey type below the table, which says what a mark in it means; nil where there is none.
  public var footnote: String?

  public init(
    _ columns: [Column], _ rows: [Row], groups: [Group] = [], gap: Double = 10, footnote: String? = nil
  ) {
    self.columns = columns
    self.rows = rows
    self.groups = groups
    self.gap = gap
    self.footnote = footnote
  }

  public func size(in theme: Theme) -> Size {
    let headings = rows.map { row -> Double in
      if case .heading(let text) = row { theme.label(.bold).width(of: text) } else { 0 }
    }
    let cells = widths(theme).reduce(0, +) + gap * Double(max(0, columns.count - 1))
    let lines = rows.enumerated().map { height(of: $1, isFirst: $0 == 0, theme) }.reduce(0, +)
    let note = footnote.map { theme.note.width(of: $0) } ?? 0
    return Size(
      max(cells, headings.max() ?? 0, note), headerHeight(theme) + lines + 2 * padding + footHeight(theme))
  }

  public func draw(on canvas: inout Canvas, in rect: Rect) {
    let (theme, size) = (canvas.theme, size(in: canvas.theme))
    let heavy = Pen(theme.ink, width: 1.6 * theme.ruleWidth)
    let light = Pen(theme.ink, width: 0.8 * theme.ruleWidth)
    func rule(at y: Double, _ pen: Pen) {
      canvas.line(from: Point(rect.minX, y), to: Point(rect.minX + size.width, y), pen)
    }
    rule(at: rect.minY, heavy)
    for (index, lines) in titles(theme).enumerated() {
      let foot = rect.minY + headerHeight(theme) - padding - theme.label().descent
      let (x, alignment) = (anchor(of: index, in: rect, theme), columns[index].alignment)
      canvas.text(lines: lines, at: Point(x, foot), theme.label(.bold), alignment, vertical: .baseline)
    }
    drawGroups(on: &canvas, in: rect)
    var y = rect.minY + headerHeight(theme)
    rule(at: y, light)
    y += padding
    for (index, row) in rows.enumerated() {
      let height = height(of: row, isFirst: index == 0, theme)
      let middle = y + height - rowHeight(theme) / 2
      switch row {
      case .notes(let notes):
        for (column, note) in notes.prefix(columns.count).enumerated() {
          let (x, alignment) = (anchor(of: column, in: rect, theme), columns[column].alignment)
          canvas.text(note, at: Point(x, y + height / 2 - 1), theme.note, alignment, vertical: .middle)
        }
      case .rule:
        rule(at: y + height / 2, light)
      case .heading(let text):
        if index > 0 { rule(at: y + padding, light) }
        canvas.text(text, at: Point(rect.minX, middle), theme.label(.bold), vertical: .middle)
      case .cells(let cells):
        for (column, cell) in cells.prefix(columns.count).enumerated() {
          let (x, alignment) = (anchor(of: column, in: rect, theme), columns[column].alignment)
          canvas.text(
            cell.text, at: Point(x, middle), cell.style(theme), alignment, vertical: .middle)
        }
      }
      y += height
    }
    rule(at: y + padding, heavy)
    if let footnote {
      canvas.text(
        footnote, at: Point(rect.minX, y + padding + footHeight(theme) / 2), theme.note, .left, vertical: .middle)
    }
  }

  private func footHeight(_ theme: Theme) -> Double { footnote == nil ? 0 : theme.smallSize * 1.8 }

  /// Between a rule and the text beside it.
  private let padding = 2.5

  /// The titles over several columns, each with a rule below it that spans them.
  private func drawGroups(on canvas: inout Canvas, in rect: Rect) {
    let (theme, widths) = (canvas.theme, widths(canvas.theme))
    var first = 0
    for group in groups where first < columns.count {
      let last = min(columns.count, first + max(1, group.columns)) - 1
      let left = rect.minX + widths.prefix(first).reduce(0) { $0 + $1 + gap }
      let right = rect.minX + widths.prefix(last).reduce(0) { $0 + $1 + gap } + widths[last]
      if !group.title.isEmpty {
        let foot = rect.minY + groupHeight(theme) - 2
        canvas.text(
          group.title, at: Point((left + right) / 2, foot - theme.label().descent), theme.label(.bold), .center,
          vertical: .baseline)
        canvas.line(
          from: Point(left, foot + 2), to: Point(right, foot + 2), Pen(theme.ink, width: 0.8 * theme.ruleWidth))
      }
      first = last + 1
    }
  }

  private func groupHeight(_ theme: Theme) -> Double { groups.isEmpty ? 0 : rowHeight(theme) + padding }

  private func rowHeight(_ theme: Theme) -> Double { theme.labelSize * 1.45 }

  private func height(of row: Row, isFirst: Bool, _ theme: Theme) -> Double {
    switch row {
    case .cells: rowHeight(theme)
    case .notes: theme.smallSize * 1.3
    case .heading: rowHeight(theme) + (isFirst ? 0 : 2 * padding)
    case .rule: 2 * padding
    }
  }

  private func headerHeight(_ theme: Theme) -> Double {
    let lines = titles(theme).map(\.count).max() ?? 0
    return theme.label(.bold).height(ofLines: lines, spacing: theme.lineSpacing) + 2 * padding + 1
      + groupHeight(theme)
  }

  /// Titles, broken only at their line feeds.
  private func titles(_ theme: Theme) -> [[String]] {
    columns.map { theme.label(.bold).lines(of: $0.title) }
  }

  private func widths(_ theme: Theme) -> [Double] {
    var widths = columns.indices.map { column -> Double in
      let title = titles(theme)[column].map { theme.label(.bold).width(of: $0) }.max() ?? 0
      let cells = rows.map { row -> Double in
        switch row {
        case .cells(let cells) where column < cells.count: cells[column].style(theme).width(of: cells[column].text)
        case .notes(let notes) where column < notes.count: theme.note.width(of: notes[column])
        default: 0
        }
      }
      return max(title, cells.max() ?? 0)
    }
    var first = 0
    for group in groups where first < columns.count {
      let members = first..<min(columns.count, first + max(1, group.columns))
      let span = widths[members].reduce(0, +) + gap * Double(members.count - 1)
      // The title may be wider than what stands below it.
      widths[members.upperBound - 1] += max(0, theme.label(.bold).width(of: group.title) - span)
      first = members.upperBound
    }
    return widths
  }

  /// The abscissa to which a column's texts are aligned.
  private func anchor(of column: Int, in rect: Rect, _ theme: Theme) -> Double {
    let widths = widths(theme)
    let left = rect.minX + widths.prefix(column).reduce(0) { $0 + $1 + gap }
    return left + widths[column] * columns[column].alignment.share
  }
}
