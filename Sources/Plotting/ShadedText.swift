import Imaging

/// A text whose words are shaded by a value each, as a person reads it: broken into lines where the width ends.
public struct ShadedText: Drawable {
  /// A part of the text.
  public struct Piece: Equatable, Sendable {
    public var text: String
    /// The value of its shade; nil is no shade.
    public var value: Double?
    /// Whether there is a space in front of it.
    public var follows: Bool
    /// Whether it is underlined.
    public var isMarked: Bool

    public init(_ text: String, _ value: Double?, follows: Bool, isMarked: Bool = false) {
      self.text = text
      self.value = value
      self.follows = follows
      self.isMarked = isMarked
    }
  }

  /// None leaves the caption alone.
  public var pieces: [Piece]
  /// Above the text, small; empty is nothing.
  public var caption: String
  /// The diverging colour map; its ends belong to the largest magnitude.
  public var colorMap: ColorMap
  /// In points.
  public var width: Double

  public init(_ pieces: [Piece], caption: String = "", colorMap: ColorMap = .coolwarm, width: Double = 340) {
    self.pieces = pieces
    self.caption = caption
    self.colorMap = colorMap
    self.width = width
  }

  /// The colours behind the pieces; nil where there is none.
  public var colors: [Color?] {
    let largest = pieces.compactMap { $0.value.map(abs) }.filter(\.isFinite).max() ?? 0
    return pieces.map { piece in
      guard let value = piece.value, value.isFinite, largest > 0 else { return nil }
      return Color(colorMap.color(at: value / largest))
    }
  }

  private func style(_ theme: Theme) -> TextStyle { TextStyle(theme.titleSize) }
  private func step(_ theme: Theme) -> Double { theme.titleSize * 1.75 }
  private func captionStyle(_ theme: Theme) -> TextStyle { TextStyle(theme.smallSize, .regular, theme.mutedInk) }
  private func captionLines(_ theme: Theme) -> [String] {
    caption.isEmpty ? [] : captionStyle(theme).lines(of: caption, within: width)
  }
  private func captionHeight(_ theme: Theme) -> Double {
    Double(captionLines(theme).count) * theme.smallSize * theme.lineSpacing
  }

  /// The position and the line at which each piece begins.
  private func places(_ theme: Theme) -> [(x: Double, line: Int, width: Double)] {
    let style = style(theme)
    let space = style.width(of: " ")
    var (x, line) = (0.0, 0)
    return pieces.map { piece in
      let width = style.width(of: piece.text)
      let gap = piece.follows && x > 0 ? space : 0
      // A line that begins with the end of a word would be misread: what follows without a space stays.
      if x + gap + width > self.width, x > 0, piece.follows { (x, line) = (0, line + 1) } else { x += gap }
      defer { x += width }
      return (x, line, width)
    }
  }

  public func size(in theme: Theme) -> Size {
    let lines = places(theme).last.map { $0.line + 1 } ?? 0
    return Size(width, captionHeight(theme) + Double(lines) * step(theme))
  }

  public func draw(on canvas: inout Canvas, in rect: Rect) {
    let theme = canvas.theme
    let style = style(theme)
    canvas.text(lines: captionLines(theme), at: Point(rect.minX, rect.minY), captionStyle(theme))
    for ((place, color), piece) in zip(zip(places(theme), colors), pieces) {
      let middle = rect.minY + captionHeight(theme) + (Double(place.line) + 0.5) * step(theme)
      if let color {
        canvas.fill(
          Rect(x: rect.minX + place.x, y: middle - style.size * 0.75, width: place.width, height: style.size * 1.5),
          color)
      }
      canvas.text(
        piece.text, at: Point(rect.minX + place.x, middle),
        TextStyle(style.size, .regular, color?.readableInk ?? theme.ink), vertical: .middle)
      if piece.isMarked {
        // Below the shade, so that it is seen whatever the shade.
        let foot = middle + style.size * 0.75 + 1
        canvas.line(
          from: Point(rect.minX + place.x, foot), to: Point(rect.minX + place.x + place.width, foot),
          Pen(theme.ink, width: 2 * theme.ruleWidth))
      }
    }
  }
}
