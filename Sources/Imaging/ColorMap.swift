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
  /// What zero looks like.
  private let zero: [UInt8]

  /// - Parameters:
  ///   - isDiverging: whether the map begins at `-1`.
  ///   - color: the colour at a position from 0 to 1, its three channels in `[0, 1]`.
  ///   - byte: how a channel becomes a byte.
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

  /// To the nearest byte, clamped.
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
