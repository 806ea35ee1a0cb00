import Imaging

/// The legend of a plot's colours and marks: entries in a row, broken at the width's end.
///
/// Plots draw their own; for several panels with the same series, draw one above them:
///
/// ```swift
/// let panels = Panels([first, second], columns: 2)
/// let figure = Figure(Panels([Legend(first.legendEntries(), width: 400), panels], columns: 1))
/// ```
public struct Legend: Drawable {
  /// The symbol before a label.
  public enum Symbol: Equatable, Sendable {
    /// A stroke with the marker of a curve.
    case curve(Pen, Marker?)
    /// A filled square.
    case swatch(Color)
  }

  /// A label and what it stands for.
  public struct Key: Equatable, Sendable {
    public var label: String
    public var symbol: Symbol

    public init(_ label: String, _ symbol: Symbol) {
      self.label = label
      self.symbol = symbol
    }
  }

  public var entries: [Key]
  /// Entries go on in a new line where this is reached, in points.
  public var width: Double

  public init(_ entries: [Key], width: Double) {
    self.entries = entries
    self.width = width
  }

  public func size(in theme: Theme) -> Size { Size(width, height(within: width, in: theme)) }

  func height(within width: Double, in theme: Theme) -> Double {
    theme.small.height(ofLines: rows(within: width, in: theme).count, spacing: theme.lineSpacing)
  }

  public func draw(on canvas: inout Canvas, in rect: Rect) {
    let theme = canvas.theme
    for (index, row) in rows(within: rect.width, in: theme).enumerated() {
      let middle = rect.minY + theme.small.capHeight / 2 + Double(index) * theme.smallSize * theme.lineSpacing
      for (entry, offset) in row {
        let x = rect.minX + offset
        let width = symbolWidth(entry, theme)
        switch entry.symbol {
        case .curve(let pen, let marker):
          canvas.line(from: Point(x, middle), to: Point(x + width, middle), pen)
          marker?.draw(on: &canvas, at: Point(x + width / 2, middle), pen.color)
        case .swatch(let color):
          canvas.fill(Rect(x: x, y: middle - width / 2, width: width, height: width), color)
        }
        canvas.text(
          entry.label, at: Point(x + width + theme.spacing * 0.8, middle), theme.small, vertical: .middle)
      }
    }
  }

  private func symbolWidth(_ entry: Key, _ theme: Theme) -> Double {
    if case .swatch = entry.symbol { theme.small.capHeight } else { 12 }
  }

  /// Entries with their distance from the left edge, row by row.
  private func rows(within width: Double, in theme: Theme) -> [[(Key, offset: Double)]] {
    var rows: [[(Key, offset: Double)]] = []
    var x = Double.infinity
    for entry in entries {
      let extent = symbolWidth(entry, theme) + theme.spacing * 0.8 + theme.small.width(of: entry.label)
      if x + extent > width {
        rows.append([])
        x = 0
      }
      rows[rows.count - 1].append((entry, x))
      x += extent + 3 * theme.spacing
    }
    return rows
  }
}

/// The mark at a measured point of a curve, so that curves differ by more than colour.
public enum Marker: Equatable, Sendable, CaseIterable {
  case disc, square, triangle, diamond

  func draw(on canvas: inout Canvas, at p: Point, _ color: Color) {
    let r = 1.7
    switch self {
    case .disc:
      canvas.fill(Path(circleAt: p, radius: r), color)
    case .square:
      canvas.fill(Rect(x: p.x - 0.9 * r, y: p.y - 0.9 * r, width: 1.8 * r, height: 1.8 * r), color)
    case .triangle:
      let corners = [
        Point(p.x, p.y - 1.3 * r), Point(p.x + 1.2 * r, p.y + 0.8 * r), Point(p.x - 1.2 * r, p.y + 0.8 * r),
      ]
      canvas.fill(Path(through: corners, closed: true), color)
    case .diamond:
      let k = 1.3 * r
      let corners = [Point(p.x, p.y - k), Point(p.x + k, p.y), Point(p.x, p.y + k), Point(p.x - k, p.y)]
      canvas.fill(Path(through: corners, closed: true), color)
    }
  }
}

/// The key to a colour map: a bar with labels under it and, beside it, the sentence that says how values were scaled.
///
/// ```swift
/// ColorBar(.seismic, labels: ["−max", "0", "+max"], note: "Each map is divided by its own extremes.")
/// ```
public struct ColorBar: Drawable {
  public var colorMap: ColorMap
  /// Labels spread evenly from the left end to the right.
  public var labels: [String]
  public var note: String
  /// The extent of the whole key; the note is broken to fit.
  public var width: Double
  public var barWidth: Double

  public init(_ colorMap: ColorMap, labels: [String], note: String = "", width: Double = 240, barWidth: Double = 90) {
    self.colorMap = colorMap
    self.labels = labels
    self.note = note
    self.width = width
    self.barWidth = barWidth
  }

  public func size(in theme: Theme) -> Size {
    let noteHeight = theme.note.height(ofLines: noteLines(theme).count, spacing: theme.lineSpacing)
    let keyHeight = barHeight(theme) + labelHeight(theme)
    return Size(width, isNoteBelow(theme) ? keyHeight + 2 * theme.spacing + noteHeight : max(keyHeight, noteHeight))
  }

  public func draw(on canvas: inout Canvas, in rect: Rect) {
    let theme = canvas.theme
    // Half the first label hangs over the left end.
    let overhang = (labels.first.map(theme.small.width) ?? 0) / 2
    let bar = Rect(x: rect.minX + overhang, y: rect.minY, width: barWidth, height: barHeight(theme))
    canvas.image(strip, in: bar)
    canvas.stroke(bar, Pen(theme.ink, width: theme.hairline))
    for (index, label) in labels.enumerated() {
      let share = labels.count > 1 ? Double(index) / Double(labels.count - 1) : 0.5
      let x = bar.minX + share * bar.width
      canvas.line(from: Point(x, bar.maxY), to: Point(x, bar.maxY + 1.5), Pen(theme.ink, width: theme.hairline))
      canvas.text(label, at: Point(x, bar.maxY + theme.spacing), theme.small, .center, vertical: .top)
    }
    let height = size(in: theme).height
    if isNoteBelow(theme) {
      canvas.text(
        lines: noteLines(theme), at: Point(rect.minX, rect.minY + height - theme.note.descent), theme.note,
        vertical: .baseline)
    } else {
      let x = rect.minX + keyWidth(theme) + 3 * theme.spacing
      canvas.text(lines: noteLines(theme), at: Point(x, rect.minY + height / 2), theme.note, vertical: .middle)
    }
  }

  /// The map from end to end in one row of pixels; their number is odd, so that one of them shows zero.
  private var strip: Picture {
    let (steps, range) = (255, colorMap.range)
    let colors = (0..<steps).map { step in
      let share = Double(step) / Double(steps - 1)
      return colorMap.color(at: range.lowerBound + share * (range.upperBound - range.lowerBound))
    }
    return Picture(width: steps, height: 1, pixels: colors.flatMap { [$0.red, $0.green, $0.blue] })
  }

  /// The note stands beside the bar where it takes at most three lines there, else below.
  private func isNoteBelow(_ theme: Theme) -> Bool {
    theme.note.lines(of: note, within: widthBeside(theme)).count > 3
  }

  private func noteLines(_ theme: Theme) -> [String] {
    guard !note.isEmpty else { return [] }
    return theme.note.lines(of: note, within: isNoteBelow(theme) ? width : widthBeside(theme))
  }

  private func widthBeside(_ theme: Theme) -> Double { width - keyWidth(theme) - 3 * theme.spacing }

  private func barHeight(_ theme: Theme) -> Double { theme.smallSize }

  private func labelHeight(_ theme: Theme) -> Double {
    labels.isEmpty ? 0 : theme.spacing + theme.small.capHeight + theme.small.descent
  }

  private func keyWidth(_ theme: Theme) -> Double {
    barWidth + ((labels.first.map(theme.small.width) ?? 0) + (labels.last.map(theme.small.width) ?? 0)) / 2
  }
}
