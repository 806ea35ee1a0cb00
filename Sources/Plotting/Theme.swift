import CCairo
import Failures
import Foundation
import Imaging

/// The look of figures: type sizes, line widths (both in points), colours and resolution.
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

/// A colour in sRGB with red, green, blue and opacity in 0...1.
public struct Color: Equatable, Sendable {
  public var red: Double
  public var green: Double
  public var blue: Double
  public var opacity: Double

  public init(red: Double, green: Double, blue: Double, opacity: Double = 1) {
    self.red = red
    self.green = green
    self.blue = blue
    self.opacity = opacity
  }

  /// A colour written as in HTML: `Color(0xE69F00)`.
  public init(_ hex: UInt32) {
    self.init(
      red: Double(hex >> 16 & 255) / 255, green: Double(hex >> 8 & 255) / 255, blue: Double(hex & 255) / 255)
  }

  /// An entry of a colour map.
  public init(_ entry: ColorMap.RGB) {
    self.init(red: Double(entry.red) / 255, green: Double(entry.green) / 255, blue: Double(entry.blue) / 255)
  }

  public static let black = Color(0x000000)
  public static let white = Color(0xFFFFFF)

  /// The same colour, as opaque as said.
  public func opacity(_ opacity: Double) -> Color {
    Color(red: red, green: green, blue: blue, opacity: opacity)
  }

  /// The colour as three bytes, rounded to nearest and clamped.
  var bytes: [UInt8] {
    [red, green, blue].map { $0.isNaN ? 0 : UInt8((min(1, max(0, $0)) * 255).rounded()) }
  }

  /// The relative luminance of WCAG 2.1: 0 for black, 1 for white.
  var luminance: Double {
    func linear(_ v: Double) -> Double { v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4) }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }

  /// Black or white, whichever is read more easily on this colour.
  public var readableInk: Color { luminance > 0.179 ? .black : .white }
}

extension Color {
  /// The eight colours of Okabe and Ito (2008), told apart by colour-blind readers; the yellow, which vanishes on white
  /// paper, comes last.
  public static let okabeIto: [Color] = [
    Color(0x0072B2), Color(0xD55E00), Color(0x009E73), Color(0xCC79A7),
    Color(0xE69F00), Color(0x56B4E9), Color(0x000000), Color(0xF0E442),
  ]
}

/// Type size in points, weight and colour of a text; the family is always ``Fonts/family``.
public struct TextStyle: Equatable, Sendable {
  /// The thickness of the strokes of letters.
  public enum Weight: Equatable, Sendable, CaseIterable {
    case regular, bold
  }

  public var size: Double
  public var weight: Weight
  public var color: Color

  public init(_ size: Double, _ weight: Weight = .regular, _ color: Color = .black) {
    self.size = size
    self.weight = weight
    self.color = color
  }

  /// The height of capitals and digits.
  public var capHeight: Double { size * Fonts.capHeight }
  /// The depth of letters such as g below the baseline.
  public var descent: Double { size * Fonts.descent }

  /// The width of `text` on one line, in points.
  public func width(of text: String) -> Double {
    Fonts.width(of: text, weight: weight) * size
  }

  /// `text` broken at its line feeds and, where a line would be wider than `limit`, at spaces. A word wider than
  /// `limit` stays whole.
  public func lines(of text: String, within limit: Double = .infinity) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { paragraph -> [String] in
      var lines: [String] = []
      var line = ""
      for word in paragraph.split(separator: " ") {
        let longer = line.isEmpty ? String(word) : line + " " + word
        // The thousandth forgives rounding where a column was made exactly as wide as its text.
        if line.isEmpty || width(of: longer) <= limit + size / 1000 {
          line = longer
        } else {
          lines.append(line)
          line = String(word)
        }
      }
      return lines + [line]
    }
  }
}

/// The one font family of all figures, measured without hinting, so that layouts agree between machines.
public enum Fonts {
  public static let family = "DejaVu Sans"

  /// Heights relative to the type size, from the font's own tables (1493 and 483 of 2048 units).
  static let capHeight = 1493.0 / 2048
  static let descent = 483.0 / 2048

  /// Checks that the family is installed: where it is not, Cairo silently takes another, and figures would differ.
  ///
  /// The advance widths of a probe are compared with those of DejaVu Sans 2.37, in both weights.
  /// - Throws: `PullbackError` of kind `unavailable`, naming the package to install.
  public static func verify() throws {
    for weight in TextStyle.Weight.allCases {
      let (found, expected) = (width(of: probe, weight: weight) * unitsPerEm, probeWidth(weight))
      guard abs(found - expected) < 1 else {
        throw PullbackError(
          .unavailable, "font \(family)",
          "\"\(probe)\" in \(weight) type is \(found) units wide instead of \(Int(expected)): another font stands in",
          advice: "install the Debian package fonts-dejavu-core")
      }
    }
  }

  private static let unitsPerEm = 2048.0
  private static let probe = "Wij0"
  private static func probeWidth(_ weight: TextStyle.Weight) -> Double {
    weight == .regular ? 2025 + 569 + 569 + 1303 : 2259 + 702 + 702 + 1425
  }

  /// The width of `text` at type size 1.
  static func width(of text: String, weight: TextStyle.Weight) -> Double {
    var extents = cairo_text_extents_t()
    let ruler = weight == .regular ? regularRuler : boldRuler
    cairo_scaled_font_text_extents(ruler.font, printable(text), &extents)
    return extents.x_advance / unitsPerEm
  }

  /// Text without control characters, which neither Cairo nor XML can carry.
  static func printable(_ text: String) -> String {
    let isControl = { (scalar: Unicode.Scalar) in
      scalar.properties.generalCategory == .control || scalar.value & 0xFFFE == 0xFFFE
    }
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
  }

  private static let regularRuler = Ruler(.regular)
  private static let boldRuler = Ruler(.bold)

  /// A font at one unit of its design grid per point: advances come out as the font file states them. Cairo locks
  /// its scaled fonts, so that a ruler may be shared.
  private final class Ruler: @unchecked Sendable {
    let font: OpaquePointer?

    init(_ weight: TextStyle.Weight) {
      let face = cairo_toy_font_face_create(family, CAIRO_FONT_SLANT_NORMAL, weight.cairo)
      var size = cairo_matrix_t(xx: unitsPerEm, yx: 0, xy: 0, yy: unitsPerEm, x0: 0, y0: 0)
      var identity = cairo_matrix_t(xx: 1, yx: 0, xy: 0, yy: 1, x0: 0, y0: 0)
      let options = unhintedFontOptions()
      font = cairo_scaled_font_create(face, &size, &identity, options)
      cairo_font_options_destroy(options)
      cairo_font_face_destroy(face)
    }
  }
}

extension TextStyle.Weight {
  var cairo: cairo_font_weight_t { self == .regular ? CAIRO_FONT_WEIGHT_NORMAL : CAIRO_FONT_WEIGHT_BOLD }
}

/// Outlines as designed: no hinting, no rounded metrics, no subpixel colours, whatever the desktop prefers. The caller
/// destroys the options.
func unhintedFontOptions() -> OpaquePointer? {
  let options = cairo_font_options_create()
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
  cairo_font_options_set_subpixel_order(options, CAIRO_SUBPIXEL_ORDER_DEFAULT)
  return options
}
