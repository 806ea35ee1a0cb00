/// A diverging colour map: from `-1` over zero to `1`.
public struct ColourMap: Equatable, Sendable {
  public typealias Colour = (red: UInt8, green: UInt8, blue: UInt8)

  /// The name under which plotting libraries know it.
  public let name: String
  private let table: [UInt8]
  private let middle: [UInt8]

  /// - Parameter colour: the colour at a position from 0 to 1, its three channels in `[0, 1]`.
  /// - Parameter byte: how a channel becomes a byte.
  init(name: String, colour: (Double) -> [Double], byte: (Double) -> UInt8) {
    self.name = name
    // Not i / 255: numpy spaces the entries by a rounded step, and truncation to bytes shows the difference.
    table = (0..<256).flatMap { colour(Double($0) * (1 / 255)).map(byte) }
    middle = colour(0.5).map(byte)
  }

  /// The 256 entries from `-1` to `1`: red, green and blue of each.
  public var entries: [UInt8] { table }

  /// The colour of a value in `[-1, 1]`; values outside take the colour of the nearer end.
  ///
  /// Entry `floor(128 * (value + 1))`, as matplotlib looks it up, save for zero: an even number of entries has none in
  /// the middle, and zero takes the colour of the map's exact middle.
  ///
  /// - Precondition: `value` is not NaN.
  public func colour(at value: Double) -> Colour {
    if value == 0 { return (middle[0], middle[1], middle[2]) }
    let entry = 3 * min(255, 128 + Int((128 * min(1, max(-1, value))).rounded(.down)))
    return (table[entry], table[entry + 1], table[entry + 2])
  }

  /// The maps by name, for a command line.
  public static let all = [seismic, coolwarm]
}

extension ColourMap {
  /// Dark blue, blue, white at zero, red, dark red: matplotlib's `seismic`, byte for byte (its bytes are truncated).
  public static let seismic = ColourMap(name: "seismic") { position in
    let nodes: [[Double]] = [[0, 0, 0.3], [0, 0, 1], [1, 1, 1], [1, 0, 0], [0.5, 0, 0]]
    // Positions in units of table entries, in the order of matplotlib's operations: truncation is not forgiving.
    let scaled = 255 * position
    let segment = min(3, max(0, Int((position * 4).rounded(.up)) - 1))
    let start = Double(segment) * 0.25 * 255
    let distance = (scaled - start) / (Double(segment + 1) * 0.25 * 255 - start)
    return zip(nodes[segment], nodes[segment + 1]).map { distance * ($1 - $0) + $0 }
  } byte: {
    UInt8($0 * 255)
  }
}
