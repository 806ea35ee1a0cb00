/// Drawables in a grid, filled row by row; columns are as wide and rows as high as their largest panel, and the
/// plotting areas of plots line up.
///
/// ```swift
/// let panels = Panels([infidelity, focus, sensitivity, logit], columns: 2, isLettered: true)
/// try Figure(panels, title: "Hyper-parameters").write(to: "fig6.pdf")
/// ```
public struct Panels: Drawable {
  /// Row by row.
  public var panels: [any Drawable]
  /// Panels in a row.
  public var columns: Int
  /// Whether panels are named (a), (b), ... at their top left.
  public var isLettered: Bool
  /// The distance between neighbours, in points.
  public var gap: Double

  public init(_ panels: [any Drawable], columns: Int, isLettered: Bool = false, gap: Double = 12) {
    self.panels = panels
    self.columns = max(1, columns)
    self.isLettered = isLettered
    self.gap = gap
  }

  public func size(in theme: Theme) -> Size {
    let layout = layout(in: theme)
    func total(_ extents: [Double]) -> Double { extents.reduce(0, +) + gap * Double(max(0, extents.count - 1)) }
    return Size(total(layout.widths), total(layout.heights))
  }

  public func draw(on canvas: inout Canvas, in rect: Rect) {
    let theme = canvas.theme
    let layout = layout(in: theme)
    for (index, panel) in panels.enumerated() {
      let (row, column) = (index / columns, index % columns)
      let x = rect.minX + layout.widths.prefix(column).reduce(0) { $0 + $1 + gap }
      let y = rect.minY + layout.heights.prefix(row).reduce(0) { $0 + $1 + gap }
      let top = y + layout.letterHeights[row]
      let size = panel.size(in: theme)
      if let framed = panel as? any Framed {
        let place = Rect(
          x: x, y: top, width: layout.widths[column], height: layout.heights[row] - layout.letterHeights[row])
        let (across, along) = (layout.columnMargins[column], layout.rowMargins[row])
        framed.draw(
          on: &canvas, in: place,
          margins: Margins(top: along.top, left: across.left, bottom: along.bottom, right: across.right))
      } else {
        panel.draw(on: &canvas, in: Rect(x: x, y: top, width: size.width, height: size.height))
      }
      if isLettered { canvas.text(letter(index), at: Point(x, y), theme.title(), vertical: .top) }
    }
  }

  private struct Layout {
    var widths: [Double]
    var heights: [Double]
    var columnMargins: [Margins]
    var rowMargins: [Margins]
    /// Room for the letters above each row, where its panels leave them none.
    var letterHeights: [Double]
  }

  private func layout(in theme: Theme) -> Layout {
    let (columns, rows) = (min(columns, max(1, panels.count)), (panels.count + columns - 1) / columns)
    var layout = Layout(
      widths: Array(repeating: 0, count: columns), heights: Array(repeating: 0, count: rows),
      columnMargins: Array(repeating: Margins(), count: columns), rowMargins: Array(repeating: Margins(), count: rows),
      letterHeights: Array(repeating: 0, count: rows))
    let letter = theme.title().capHeight + theme.spacing
    for (index, panel) in panels.enumerated() {
      let (row, column) = (index / self.columns, index % self.columns)
      let size = panel.size(in: theme)
      layout.widths[column] = max(layout.widths[column], size.width)
      layout.heights[row] = max(layout.heights[row], size.height)
      let margins = (panel as? any Framed)?.margins(in: theme) ?? Margins()
      layout.columnMargins[column].left = max(layout.columnMargins[column].left, margins.left)
      layout.columnMargins[column].right = max(layout.columnMargins[column].right, margins.right)
      layout.rowMargins[row].top = max(layout.rowMargins[row].top, margins.top)
      layout.rowMargins[row].bottom = max(layout.rowMargins[row].bottom, margins.bottom)
      if isLettered && (margins.top < letter || letterWidth(index, theme) > margins.left) {
        layout.letterHeights[row] = letter + theme.spacing
      }
    }
    for row in 0..<rows { layout.heights[row] += layout.letterHeights[row] }
    return layout
  }

  private func letterWidth(_ index: Int, _ theme: Theme) -> Double { theme.title().width(of: letter(index)) }

  private func letter(_ index: Int) -> String {
    index < 26 ? "(\(Character(Unicode.Scalar(UInt8(97 + index)))))" : "(\(index + 1))"
  }
}
