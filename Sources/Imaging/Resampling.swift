/// Resizing, columns first and then rows, each output pixel a weighted sum of input pixels (``ResamplingTaps``).
///
/// Goal: the same bytes as Pillow's `Image.resize(..., BILINEAR)` under the triangle filter. Hence its 8-bit
/// fixed-point arithmetic: the weights have 22 bits after the point, and the horizontal pass is rounded to 8 bits
/// before the vertical one sees it. (Pillow 13 begins with the vertical pass where that is less work, and may differ by
/// one level; the order here is that of every Pillow up to 12.) Non-goal: linear light; the bytes are averaged as they
/// are.
enum Resampling {
  /// Resizes `pixels`, `height` rows of `width` pixels of `channels` bytes, to `size` and keeps what lies in `window`
  /// of the result. What lies outside is not computed: a crop of an extreme aspect ratio costs no more than the crop.
  static func resize(
    _ pixels: [UInt8], width: Int, height: Int, channels: Int, to size: (width: Int, height: Int),
    window: (columns: Range<Int>, rows: Range<Int>), by filter: ResamplingFilter = .triangle
  ) -> [UInt8] {
    let horizontal = ResamplingTaps(filter, from: width, to: size.width, window: window.columns)
    let vertical = ResamplingTaps(filter, from: height, to: size.height, window: window.rows)
    let rows = vertical.span
    let narrowed = [UInt8](unsafeUninitializedCapacity: rows.count * window.columns.count * channels) { target, count in
      count = rows.count * window.columns.count * channels
      pixels.withUnsafeBufferPointer { source in
        let kept = UnsafeBufferPointer(rebasing: source[(rows.lowerBound * width * channels)...])
        switch channels {
        case 3: narrowColor(kept, width: width, rows: rows.count, by: horizontal, into: target)
        default: narrow(kept, width: width, rows: rows.count, channels: channels, by: horizontal, into: target)
        }
      }
    }
    return shorten(narrowed, stride: window.columns.count * channels, firstRow: rows.lowerBound, by: vertical)
  }

  /// The horizontal pass over pixels of three bytes.
  private static func narrowColor(
    _ source: UnsafeBufferPointer<UInt8>, width: Int, rows: Int, by taps: ResamplingTaps,
    into target: UnsafeMutableBufferPointer<UInt8>
  ) {
    taps.weights.withUnsafeBufferPointer { weights in
      let columns = taps.starts.count
      for row in 0..<rows {
        for column in 0..<columns {
          var red = half
          var green = half
          var blue = half
          var position = (row * width + taps.starts[column]) * 3
          for tap in taps.offsets[column]..<taps.offsets[column + 1] {
            let weight = weights[tap]
            red &+= Int32(source[position]) &* weight
            green &+= Int32(source[position + 1]) &* weight
            blue &+= Int32(source[position + 2]) &* weight
            position += 3
          }
          let output = (row * columns + column) * 3
          target[output] = rounded(red)
          target[output + 1] = rounded(green)
          target[output + 2] = rounded(blue)
        }
      }
    }
  }

  /// The horizontal pass over pixels of any number of bytes.
  private static func narrow(
    _ source: UnsafeBufferPointer<UInt8>, width: Int, rows: Int, channels: Int, by taps: ResamplingTaps,
    into target: UnsafeMutableBufferPointer<UInt8>
  ) {
    let columns = taps.starts.count
    for row in 0..<rows {
      for column in 0..<columns {
        for channel in 0..<channels {
          var sum = half
          var position = (row * width + taps.starts[column]) * channels + channel
          for tap in taps.offsets[column]..<taps.offsets[column + 1] {
            sum &+= Int32(source[position]) &* taps.weights[tap]
            position += channels
          }
          target[(row * columns + column) * channels + channel] = rounded(sum)
        }
      }
    }
  }

  /// The vertical pass, a row at a time, whatever its pixels are; `source` starts at row `firstRow` of the input.
  private static func shorten(_ source: [UInt8], stride: Int, firstRow: Int, by taps: ResamplingTaps) -> [UInt8] {
    var sums = [Int32](repeating: half, count: stride)
    return [UInt8](unsafeUninitializedCapacity: taps.starts.count * stride) { target, count in
      count = taps.starts.count * stride
      source.withUnsafeBufferPointer { source in
        sums.withUnsafeMutableBufferPointer { sums in
          for row in 0..<taps.starts.count {
            sums.update(repeating: half)
            var start = (taps.starts[row] - firstRow) * stride
            for tap in taps.offsets[row]..<taps.offsets[row + 1] {
              let weight = taps.weights[tap]
              for position in 0..<stride { sums[position] &+= Int32(source[start + position]) &* weight }
              start += stride
            }
            for position in 0..<stride { target[row * stride + position] = rounded(sums[position]) }
          }
        }
      }
    }
  }

  /// One half, so that dropping the fraction rounds.
  private static var half: Int32 { 1 << Int32(ResamplingTaps.precision - 1) }

  /// Drops the fraction. Rounded weights may add up to a little more than one.
  private static func rounded(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(255, sum >> Int32(ResamplingTaps.precision)))
  }
}

/// The filter that turns pixels of one size into pixels of another.
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
