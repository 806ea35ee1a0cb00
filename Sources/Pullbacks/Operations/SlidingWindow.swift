/// A window that slides along any number of axes, by lists with a number for each.
public struct SlidingWindow: Hashable, Sendable {
  /// Places of the window.
  public var kernel: [Int]
  /// Steps from one window to the next.
  public var stride: [Int]
  /// Steps from one place of a window to the next.
  public var dilation: [Int]
  /// Places before each axis that windows may reach.
  public var begins: [Int]
  /// Places behind each axis that windows may reach.
  public var ends: [Int]
  /// Whether a last window that hangs over the end counts.
  public var roundsUp: Bool

  /// - Parameters:
  ///   - kernel: places of the window.
  ///   - stride: steps from one window to the next; nil is 1.
  ///   - padding: all begins, then all ends; nil is none.
  ///   - dilation: steps from one place of a window to the next; nil is 1.
  ///   - ceilMode: whether a last window that hangs over the end counts.
  /// - Precondition: lists of one length, the padding's twice that.
  public init(
    _ kernel: [Int], stride: [Int]? = nil, padding: [Int]? = nil, dilation: [Int]? = nil, ceilMode: Bool = false
  ) {
    let ones = kernel.map { _ in 1 }
    let sides = padding ?? ones.map { _ in 0 } + ones.map { _ in 0 }
    self.kernel = kernel
    self.stride = stride ?? ones
    self.dilation = dilation ?? ones
    begins = Array(sides.prefix(kernel.count))
    ends = Array(sides.dropFirst(kernel.count))
    roundsUp = ceilMode
    precondition(
      [self.stride, self.dilation, begins, ends].allSatisfy { $0.count == kernel.count },
      "a window's lists have a number for each of its \(kernel.count) axes")
  }

  /// The number of axes that the window slides along.
  public var axes: Int { kernel.count }

  /// For people: `2x3x2, stride 1x2x2`.
  var settings: String {
    func list(_ values: [Int]) -> String { values.map(String.init).joined(separator: "x") }
    var parts = [list(kernel)]
    if stride.contains(where: { $0 != 1 }) { parts.append("stride \(list(stride))") }
    if (begins + ends).contains(where: { $0 != 0 }) { parts.append("padding \(list(begins)) and \(list(ends))") }
    if dilation.contains(where: { $0 != 1 }) { parts.append("dilation \(list(dilation))") }
    if roundsUp { parts.append("rounding up") }
    return parts.joined(separator: ", ")
  }

  /// The number of windows along each axis of an input `(C, ...)`.
  ///
  /// - Throws: `PullbackError` where the rank is another, or no window fits.
  func counts(_ input: [Int], of kind: String) throws(PullbackError) -> [Int] {
    try checkShape(input, rank: 1 + axes, of: kind)
    guard (kernel + stride + dilation).allSatisfy({ $0 > 0 }), (begins + ends).allSatisfy({ $0 >= 0 }) else {
      throw PullbackError(.usage, kind, "kernel, stride and dilation must be positive and padding not negative")
    }
    let counts = (0..<axes).map { axis in
      windowCount(
        input[1 + axis], kernel[axis], stride[axis], dilation[axis], begins[axis], ends[axis], roundsUp: roundsUp)
    }
    guard counts.allSatisfy({ $0 > 0 }) else {
      throw PullbackError(
        .usage, kind, "a window of \(kernel) does not fit an input of \(Array(input.dropFirst()))")
    }
    return counts
  }

  /// Throws where a window would lie outside the input altogether.
  func checkPooling(_ input: [Int], of kind: String) throws(PullbackError) {
    for axis in 0..<axes {
      try checkReach(
        input[1 + axis], kernel[axis], stride[axis], dilation[axis], begins[axis], ends[axis], roundsUp: roundsUp,
        of: kind)
    }
  }

  /// The place along axis `axis` that place `offset` of window `index` reads; nil outside an input of so many places.
  func place(_ index: Int, _ offset: Int, axis: Int, extent: Int) -> Int? {
    let place = index * stride[axis] + offset * dilation[axis] - begins[axis]
    return (0..<extent).contains(place) ? place : nil
  }

  /// For each window in turn the offsets of its places within the input's axes, -1 outside.
  func offsets(_ extents: [Int], _ counts: [Int]) -> [Int] {
    var windows = [[0]]
    for axis in 0..<axes {
      windows = windows.flatMap { window in
        (0..<counts[axis]).map { index in
          window.flatMap { offset in
            (0..<kernel[axis]).map { step in
              guard offset >= 0, let place = place(index, step, axis: axis, extent: extents[axis]) else { return -1 }
              return offset * extents[axis] + place
            }
          }
        }
      }
    }
    return windows.flatMap { $0 }
  }
}

/// The number of times a window of `kernel` places, `dilation` apart, fits into `extent` in steps of `stride`; 0 if
/// never.
func slidingCount(_ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int = 1, roundingUp: Bool = false) -> Int {
  let span = extent - dilation * (kernel - 1) - 1
  return span < 0 ? 0 : (span + (roundingUp ? stride - 1 : 0)) / stride + 1
}

/// The number of windows along an axis with padding. When rounding up, a last window that would start behind the end is
/// dropped.
func windowCount(
  _ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ before: Int, _ after: Int, roundsUp: Bool
) -> Int {
  let count = slidingCount(extent + before + after, kernel, stride, dilation, roundingUp: roundsUp)
  return roundsUp && (count - 1) * stride >= extent + before ? count - 1 : count
}

/// Throws where some window along an axis has no place inside.
func checkReach(
  _ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ before: Int, _ after: Int, roundsUp: Bool,
  of kind: String
) throws(PullbackError) {
  // Otherwise every window reaches in.
  guard dilation > 1 || before >= kernel || after >= kernel else { return }
  let count = windowCount(extent, kernel, stride, dilation, before, after, roundsUp: roundsUp)
  for index in 0..<count {
    let first = index * stride - before
    guard (0..<kernel).contains(where: { (0..<extent).contains(first + $0 * dilation) }) else {
      throw PullbackError(
        .usage, kind, "a window of \(kernel) places, \(dilation) apart, lies outside an axis of \(extent)")
    }
  }
}
