import Foundation
import Imaging

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
