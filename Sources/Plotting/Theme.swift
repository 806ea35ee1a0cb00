/// How figures look: type sizes, line widths (both in points), colours and resolution.
///
/// One theme holds for a whole figure; ``Figure`` hands it to every part through ``Canvas/theme``.
public struct Theme: Equatable, Sendable {
  /// Titles of figures and panels.
  public var titleSize = 8.5
  /// Column titles, axis labels, table text.
  public var labelSize = 7.5
  /// Tick labels, captions, legends, the credit line. Journals ask for at least 6 points.
  public var smallSize = 6.5
  /// The distance of baselines, relative to the type size.
  public var lineSpacing = 1.25

  /// Curves.
  public var curveWidth = 1.1
  /// Axes, frames and rules.
  public var ruleWidth = 0.6
  /// Grid lines.
  public var hairline = 0.4

  public var ink = Color(0x1A1A1A)
  /// Secondary text: probabilities, notes, credits.
  public var mutedInk = Color(0x5A5A5A)
  public var gridColor = Color(0xE2E2E2)
  public var background = Color.white
  /// Colours of curves and bars, in order.
  public var palette = Color.okabeIto
  /// The opacity of confidence bands.
  public var bandOpacity = 0.18

  /// White space around a figure.
  public var margin = 4.0
  /// The space between neighbouring things, such as a label and its axis.
  public var spacing = 3.0
  /// The resolution of pictures: 1 gives 72 pixels per inch, 4 gives 288.
  public var pixelsPerPoint = 3.0

  public init() {}

  /// For print in a journal: 7.5-point labels, 288 pixels per inch.
  public static let paper = Theme()

  func color(ofSeries index: Int) -> Color {
    palette.isEmpty ? ink : palette[index % palette.count]
  }

  func title(_ weight: TextStyle.Weight = .bold) -> TextStyle { TextStyle(titleSize, weight, ink) }
  func label(_ weight: TextStyle.Weight = .regular) -> TextStyle { TextStyle(labelSize, weight, ink) }
  var small: TextStyle { TextStyle(smallSize, .regular, ink) }
  var note: TextStyle { TextStyle(smallSize, .regular, mutedInk) }
  var rule: Pen { Pen(ink, width: ruleWidth) }
}
