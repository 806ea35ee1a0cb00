import Foundation

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

  public static let black = Color(0x000000)
  public static let white = Color(0xFFFFFF)

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

/// Colours for a continuous quantity: evenly spaced stops with straight lines between them in sRGB.
public struct ColorRamp: Equatable, Sendable {
  public let stops: [Color]

  /// - Parameter stops: the colours from 0 to 1; an empty list gives black.
  public init(_ stops: [Color]) {
    self.stops = stops.isEmpty ? [.black] : stops
  }

  /// matplotlib's diverging map: blue for negative, white at zero, red for positive.
  public static let seismic = ColorRamp([
    Color(red: 0, green: 0, blue: 0.3), Color(red: 0, green: 0, blue: 1), .white,
    Color(red: 1, green: 0, blue: 0), Color(red: 0.5, green: 0, blue: 0),
  ])

  /// White to dark blue, for counts and shares; its luminance falls steadily.
  public static let blues = ColorRamp([
    Color(0xFFFFFF), Color(0xC6DBEF), Color(0x6BAED6), Color(0x2171B5), Color(0x08306B),
  ])

  /// The colour at `position` in 0...1; positions outside take the end colours, NaN the first.
  public func color(at position: Double) -> Color {
    let place = (position.isNaN ? 0 : min(1, max(0, position))) * Double(stops.count - 1)
    let index = min(Int(place), max(0, stops.count - 2))
    let (a, b, t) = (stops[index], stops[min(index + 1, stops.count - 1)], place - Double(index))
    func mix(_ a: Double, _ b: Double) -> Double { a + (b - a) * t }
    return Color(
      red: mix(a.red, b.red), green: mix(a.green, b.green), blue: mix(a.blue, b.blue),
      opacity: mix(a.opacity, b.opacity))
  }
}
