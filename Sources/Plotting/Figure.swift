import Failures
import Foundation
import Imaging

/// Something that can be drawn into a rectangle of a canvas: a plot, a table, an image grid, a group of panels.
public protocol Drawable: Sendable {
  /// The extent it asks for, in points.
  func size(in theme: Theme) -> Size

  /// Draws itself into `rect`, which has at least its size.
  func draw(on canvas: inout Canvas, in rect: Rect)
}

/// A figure ready to be printed: one drawable with a margin, if wanted a title above and a credit line below.
///
/// ```swift
/// let figure = Figure(grid, title: "Counterfactuals", credit: "ResNet-50, Imagenette validation")
/// try figure.write(to: "Figures/fig4.pdf")
/// ```
public struct Figure: Sendable {
  /// The content that is drawn.
  public var content: any Drawable
  /// Above it.
  public var title: String?
  /// Small, below it: where the pictures come from.
  public var credit: String?
  /// Type, colours and margins.
  public var theme: Theme

  public init(_ content: any Drawable, title: String? = nil, credit: String? = nil, theme: Theme = .paper) {
    self.content = content
    self.title = title
    self.credit = credit
    self.theme = theme
  }

  /// The figure as pixels, ``Theme/pixelsPerPoint`` to a point.
  ///
  /// - Throws: `PullbackError` where the font is missing or the figure is too large to draw.
  public func picture() throws -> Picture { try PixelRenderer.render(try canvas()) }

  /// The figure as a PNG file.
  public func png() throws -> [UInt8] { try picture().pngBytes() }

  /// The figure as a PDF file of one page.
  public func pdf() throws -> [UInt8] { try PDFRenderer.render(try canvas(), title: title) }

  /// The figure as an SVG file.
  public func svg() throws -> [UInt8] { try SVGRenderer.render(try canvas(), title: title) }

  /// Writes the figure in the format that the path's extension names: png, pdf or svg. The file appears complete or
  /// not at all.
  ///
  /// - Throws: `PullbackError` of kind `usage` for another extension, `unavailable` where the font is missing,
  ///   `cannotCreate` and `io` as `AtomicFile` does.
  public func write(to path: String) throws {
    try AtomicFile.write(Self.writer(for: path)(self)(), to: path)
  }

  /// Checks that the path's extension names a format, before anything is computed for the figure.
  ///
  /// - Throws: `PullbackError` of kind `usage` for another extension.
  public static func checkName(_ path: String) throws { _ = try writer(for: path) }

  /// Checks that the figure is not too large for the format of `path`, which takes no more than laying it out.
  ///
  /// - Throws: `PullbackError` of kind `usage` if it is, and as ``write(to:)``.
  public func checkSize(for path: String) throws {
    try Self.checkName(path)
    let size = try canvas().size
    switch (path as NSString).pathExtension.lowercased() {
    case "png": try PixelRenderer.check(size, theme)
    case "pdf": try PDFRenderer.check(size)
    default: break
    }
  }

  private static func writer(for path: String) throws -> (Figure) -> () throws -> [UInt8] {
    switch (path as NSString).pathExtension.lowercased() {
    case "png": return Figure.png
    case "pdf": return Figure.pdf
    case "svg": return Figure.svg
    case let other:
      throw PullbackError(
        .usage, path, "\"\(other)\" names no format of figures", advice: "end the name in .png, .pdf or .svg")
    }
  }

  /// The drawing behind all formats.
  func canvas() throws -> Canvas {
    try Fonts.verify()
    let inner = content.size(in: theme)
    let titleLines = title.map { theme.title().lines(of: $0, within: inner.width) } ?? []
    let creditLines = credit.map { theme.note.lines(of: $0, within: inner.width) } ?? []
    let above = height(of: titleLines, theme.title(), gap: 2 * theme.spacing)
    let below = height(of: creditLines, theme.note, gap: 2 * theme.spacing)

    let (width, margin) = (inner.width + 2 * theme.margin, theme.margin)
    var canvas = Canvas(size: Size(width, above + inner.height + below + 2 * margin), theme: theme)
    canvas.text(lines: titleLines, at: Point(width / 2, margin), theme.title(), .center)
    content.draw(on: &canvas, in: Rect(at: Point(margin, margin + above), inner))
    let foot = margin + above + inner.height + below - theme.note.descent
    canvas.text(lines: creditLines, at: Point(margin, foot), theme.note, vertical: .baseline)
    return canvas
  }

  private func height(of lines: [String], _ style: TextStyle, gap: Double) -> Double {
    guard !lines.isEmpty else { return 0 }
    return style.height(ofLines: lines.count, spacing: theme.lineSpacing) + gap
  }
}

extension TextStyle {
  /// From the top of the first line's capitals to the foot of the last line's descenders.
  func height(ofLines count: Int, spacing: Double) -> Double {
    count == 0 ? 0 : Double(count - 1) * size * spacing + capHeight + descent
  }
}

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
