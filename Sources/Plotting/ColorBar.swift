import Imaging

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
