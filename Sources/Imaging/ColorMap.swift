import Foundation

/// Colours for a continuous quantity, 256 of them: diverging maps go from `-1` over zero to `1`, sequential ones from 0
/// to 1. Pictures, colour bars and matrices all take their colours here.
public struct ColorMap: Equatable, Sendable {
  /// A colour in sRGB, a byte per channel.
  public typealias RGB = (red: UInt8, green: UInt8, blue: UInt8)

  /// The name under which plotting libraries know it.
  public let name: String
  /// The values that the map distinguishes: `-1...1` or `0...1`.
  public let range: ClosedRange<Double>
  /// Red, green and blue of each of the 256 entries, from one end of ``range`` to the other.
  public let entries: [UInt8]
  /// The colour of zero.
  private let zero: [UInt8]

  /// - Parameters:
  ///   - isDiverging: whether the map begins at `-1`.
  ///   - color: the colour at a position from 0 to 1, its three channels in `[0, 1]`.
  ///   - byte: the conversion of a channel into a byte.
  init(name: String, isDiverging: Bool, color: (Double) -> [Double], byte: (Double) -> UInt8 = Self.rounded) {
    self.name = name
    range = (isDiverging ? -1 : 0)...1
    // Not i / 255: numpy spaces the entries by a rounded step, and truncation to bytes shows the difference.
    entries = (0..<256).flatMap { color(Double($0) * (1 / 255)).map(byte) }
    zero = color(isDiverging ? 0.5 : 0).map(byte)
  }

  /// The colour of a value in ``range``; values outside take the colour of the nearer end, NaN that of the lower.
  ///
  /// Entry `floor(256 * (value - lower) / (upper - lower))`, as matplotlib looks it up, save for the zero of a
  /// diverging map: an even number of entries has none in the middle, and zero takes the colour of the exact middle.
  public func color(at value: Double) -> RGB {
    if value == 0 { return (zero[0], zero[1], zero[2]) }
    let nearest = value > range.lowerBound ? min(range.upperBound, value) : range.lowerBound
    // Counted from the entry of zero: the sign of a tiny value is not lost in a sum.
    let (steps, start) = range.lowerBound < 0 ? (128.0, 128) : (256.0, 0)
    let entry = 3 * min(255, start + Int((steps * nearest).rounded(.down)))
    return (entries[entry], entries[entry + 1], entries[entry + 2])
  }

  /// The diverging maps by name, for a command line.
  public static let diverging = [seismic, coolwarm]

  /// Rounds to the nearest byte, clamped.
  static func rounded(_ channel: Double) -> UInt8 { UInt8((min(1, max(0, channel)) * 255).rounded()) }
}

extension ColorMap {
  /// Dark blue, blue, white at zero, red, dark red: matplotlib's `seismic`, byte for byte (its bytes are truncated).
  public static let seismic = ColorMap(name: "seismic", isDiverging: true) { position in
    mixed([[0, 0, 0.3], [0, 0, 1], [1, 1, 1], [1, 0, 0], [0.5, 0, 0]], at: position)
  } byte: {
    UInt8($0 * 255)
  }

  /// White to dark blue by the blues of ColorBrewer, for counts and shares; its luminance falls steadily.
  public static let blues = ColorMap(name: "blues", isDiverging: false) { position in
    let nodes: [[Double]] = [[255, 255, 255], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]]
    return mixed(nodes, at: position).map { $0 / 255 }
  }

  /// Evenly spaced nodes with straight lines between them.
  private static func mixed(_ nodes: [[Double]], at position: Double) -> [Double] {
    let segments = Double(nodes.count - 1)
    // Positions in units of table entries, in the order of matplotlib's operations: truncation is not forgiving.
    let segment = min(segments - 1, max(0, (position * segments).rounded(.up) - 1))
    let start = segment / segments * 255
    let distance = (255 * position - start) / ((segment + 1) / segments * 255 - start)
    return zip(nodes[Int(segment)], nodes[Int(segment) + 1]).map { distance * ($1 - $0) + $0 }
  }
}

/// Kenneth Moreland, *Diverging Color Maps for Scientific Visualization*, ISVC 2009: colours between two ends and an
/// unsaturated middle, evenly spaced in Msh, the polar form of CIELAB.
extension ColorMap {
  /// Blue, light grey at zero, red: the map of that paper, known as `coolwarm`. Its ends are the sRGB colours
  /// (59, 76, 192) and (180, 4, 38).
  public static let coolwarm = ColorMap(name: "coolwarm", isDiverging: true, color: coolwarm(at:))

  /// The definition: red, green and blue at a position from 0 to 1.
  static func coolwarm(at position: Double) -> [Double] {
    let cool = Msh(sRGB: [59.0 / 255, 76.0 / 255, 192.0 / 255])
    let warm = Msh(sRGB: [180.0 / 255, 4.0 / 255, 38.0 / 255])
    // The middle is no darker than either end, and at least 88.
    let middle = max(cool.magnitude, warm.magnitude, 88)
    return position < 0.5
      ? cool.mixed(withGray: middle, 2 * position).sRGB : warm.mixed(withGray: middle, 2 - 2 * position).sRGB
  }
}

/// A colour as the length `M` of its CIELAB vector, its angle `s` from the lightness axis (saturation) and its hue `h`.
private struct Msh {
  var magnitude: Double
  var saturation: Double
  var hue: Double

  /// The white point D65 in XYZ, luminance 1.
  private static let white = [0.95047, 1, 1.08883]

  /// Part of the way from this colour (0) to the grey of the given magnitude (1). Grey has no hue of its own: it is
  /// given the one that keeps the colour steps even, which the paper finds by a spin away from this colour's hue.
  func mixed(withGray gray: Double, _ part: Double) -> Msh {
    var grayHue = hue
    if magnitude < gray {
      let spin = saturation * (gray * gray - magnitude * magnitude).squareRoot() / (magnitude * sin(saturation))
      grayHue += hue > -.pi / 3 ? spin : -spin
    }
    return Msh(
      magnitude: (1 - part) * magnitude + part * gray, saturation: (1 - part) * saturation,
      hue: (1 - part) * hue + part * grayHue)
  }

  init(magnitude: Double, saturation: Double, hue: Double) {
    self.magnitude = magnitude
    self.saturation = saturation
    self.hue = hue
  }

  init(sRGB: [Double]) {
    let linear = sRGB.map { $0 > 0.04045 ? pow(($0 + 0.055) / 1.055, 2.4) : $0 / 12.92 }
    let matrix = [
      [0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041],
    ]
    let f = zip(matrix, Self.white).map { row, white in
      let ratio = zip(row, linear).reduce(0) { $0 + $1.0 * $1.1 } / white
      return ratio > 0.008856 ? cbrt(ratio) : 7.787 * ratio + 16 / 116
    }
    let (lightness, a, b) = (116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2]))
    magnitude = (lightness * lightness + a * a + b * b).squareRoot()
    saturation = acos(lightness / magnitude)
    hue = atan2(b, a)
  }

  var sRGB: [Double] {
    let lightness = magnitude * cos(saturation)
    let (a, b) = (magnitude * sin(saturation) * cos(hue), magnitude * sin(saturation) * sin(hue))
    let y = (lightness + 16) / 116
    let xyz = zip([y + a / 500, y, y - b / 200], Self.white).map { f, white in
      (f * f * f > 0.008856 ? f * f * f : (f - 16 / 116) / 7.787) * white
    }
    let inverse = [
      [3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252],
    ]
    return inverse.map { row in
      let linear = zip(row, xyz).reduce(0) { $0 + $1.0 * $1.1 }
      return linear > 0.0031308 ? 1.055 * pow(linear, 1 / 2.4) - 0.055 : 12.92 * linear
    }
  }
}
