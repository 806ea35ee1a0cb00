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
  /// What is shown.
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
