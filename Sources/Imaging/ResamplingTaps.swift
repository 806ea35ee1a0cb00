/// How pixels of one size become pixels of another.
enum ResamplingFilter {
  /// Pillow's antialiased bilinear filter, which torchvision's transforms use: a triangle as wide as the scale. For
  /// what networks see.
  case triangle
  /// Axes that grow repeat pixels, axes that shrink average what lies under each new pixel. For what readers see: the
  /// triangle would blur the pixels of a small map into each other where they are to be told apart, and reach beyond
  /// the area that a new pixel covers.
  case area
}

/// The input positions and weights under each output position of one axis.
struct ResamplingTaps {
  /// Weights are in units of 2^-22.
  static let precision = 22

  /// The first input position of each output position.
  private(set) var starts: [Int] = []
  /// The weights of output position `i` are `weights[offsets[i]..<offsets[i + 1]]`.
  private(set) var weights: [Int32] = []
  private(set) var offsets: [Int] = [0]

  /// The input positions that any weight falls on.
  var span: Range<Int> { starts[0]..<starts[starts.count - 1] + weights.count - offsets[offsets.count - 2] }

  /// From `length` to `target` positions, for the positions `window` of the output.
  init(_ filter: ResamplingFilter, from length: Int, to target: Int, window: Range<Int>) {
    for position in window {
      switch filter {
      case .triangle: appendTriangle(length, target, position)
      case .area where target < length: appendOverlaps(length, target, position)
      case .area: append((2 * position * length + length) / (2 * target), [1])
      }
    }
  }

  private mutating func append(_ start: Int, _ shares: [Double]) {
    starts.append(start)
    for share in shares {
      weights.append(Int32((share * Double(1 << Self.precision)).rounded(.toNearestOrAwayFromZero)))
    }
    offsets.append(weights.count)
  }

  private mutating func appendTriangle(_ length: Int, _ target: Int, _ position: Int) {
    let scale = Double(length) / Double(target)
    let support = max(1, scale)
    let center = (Double(position) + 0.5) * scale
    let first = max(0, Int(center - support + 0.5))
    let last = min(length, Int(center + support + 0.5))
    // Times the reciprocal, as Pillow: a weight may lie close to where rounding turns.
    let heights = (first..<last).map { max(0, 1 - abs((Double($0) - center + 0.5) * (1 / support))) }
    let total = heights.reduce(0, +)
    append(first, heights.map { $0 / total })
  }

  private mutating func appendOverlaps(_ length: Int, _ target: Int, _ position: Int) {
    // In units of 1 / target of an input pixel everything is whole: this position covers [start, start + length).
    let start = position * length
    let first = start / target
    let last = (start + length - 1) / target
    append(
      first,
      (first...last).map { pixel in
        Double(min((pixel + 1) * target, start + length) - max(pixel * target, start)) / Double(length)
      })
  }
}
