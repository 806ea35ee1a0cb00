import Glibc
import Kernels

// Pooling along three axes, or any number of them, by plain loops.

/// Max pooling of `(N, C, D, H, W)` over windows; places outside never win.
public struct VolumeMaxPool: MaxPooling {
  /// The windows, how they slide, and how far they reach beyond the input.
  public var window: SlidingWindow
  /// - Parameter window: the windows, how they slide, and how far they reach beyond the input.
  public init(_ window: SlidingWindow) { self.window = window }

  public var kind: String { "maxpool" }
  public var character: OperationCharacter { .selection }
  public var settings: String { window.settings }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    let counts = try window.counts(inputs[0], of: kind)
    try checkPadding(window, of: kind)
    try window.checkPooling(inputs[0], of: kind)
    return [inputs[0][0]] + counts
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let output = [x.shape[0]] + (try! outputShape([Array(x.shape.dropFirst())]))
    let source = ChannelLayout(x.shape)
    return Evaluation(
      Tensor(shape: output) { y in
        x.withUnsafeBuffer { x in
          forEachWindow(source, ChannelLayout(output), inputs[0].shape, output) { offset, place, window in
            y[place] = x[offset + largest(window, x.baseAddress! + offset)]
          }
        }
      })
  }

  public var gradientNeeds: Needs { .inputs }

  /// Each v goes to the first largest value of its window.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [adjoint([.hard], v, at: site)] }

  func adjoint(_ adjoints: [MaxPoolShape.Adjoint], _ v: Tensor, at site: Site) -> Tensor {
    pulled(v, at: site.input()) { plane, v, x, window, dx in
      switch adjoints[plane % adjoints.count] {
      case .hard: dx[largest(window, x)] += v
      case .soft(let sharpness, let zeroPadding):
        let outside = zeroPadding ? Double(window.count { $0 < 0 }) : 0
        let best = max(x[largest(window, x)], outside > 0 ? 0 : -Float.infinity)
        func mass(_ value: Float) -> Double { exp(Double(value - best) * Double(sharpness)) }
        let total = window.reduce(outside > 0 ? outside * mass(0) : 0) { $1 < 0 ? $0 : $0 + mass(x[$1]) }
        for offset in window where offset >= 0 { dx[offset] += v * Float(mass(x[offset]) / total) }
      }
    }
  }

  /// The place of the first largest value; a NaN counts as largest, the last one of several.
  private func largest(_ window: ArraySlice<Int>, _ x: UnsafePointer<Float>) -> Int {
    var best = -1
    for offset in window where offset >= 0 && (best < 0 || x[offset] > x[best] || x[offset].isNaN) { best = offset }
    return best
  }

  private func pulled(
    _ v: Tensor, at x: Tensor,
    _ pull: (Int, Float, UnsafePointer<Float>, ArraySlice<Int>, UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    let source = ChannelLayout(x.shape)
    return Tensor(shape: x.shape) { dx in
      dx.update(repeating: 0)
      Tensor.withPointers(v, x) { cotangent, values in
        forEachWindow(source, ChannelLayout(v.shape), x.shape, v.shape) { offset, place, window in
          pull(offset / source.plane, cotangent[place], values + offset, window, dx.baseAddress! + offset)
        }
      }
    }
  }

  /// Calls `body` with every window of every channel: where the channel's volume starts, the window's place in the
  /// output, and the offsets of its places, -1 outside.
  private func forEachWindow(
    _ source: ChannelLayout, _ target: ChannelLayout, _ input: [Int], _ output: [Int],
    _ body: (_ offset: Int, _ place: Int, _ window: ArraySlice<Int>) -> Void
  ) {
    let offsets = window.offsets(Array(input.dropFirst(2)), Array(output.dropFirst(2)))
    let size = window.kernel.product
    source.forEachPlane { image, channel, offset in
      for index in 0..<target.plane {
        body(
          offset, (image * target.channels + channel) * target.plane + index,
          offsets[index * size..<(index + 1) * size])
      }
    }
  }
}

/// Average pooling of `(N, C, D, H, W)`: a mean along one axis after another.
public struct VolumeAveragePool: Operation {
  /// The windows over which the means are taken.
  public enum Windows: Hashable, Sendable {
    /// Windows of one size; `countsPadding` says whether zeros of the padding enter the mean.
    case sliding(SlidingWindow, countsPadding: Bool)
    /// One window per place of the output: window i covers `floor(i D / d) ..< ceil((i + 1) D / d)`.
    case adaptive([Int])
  }

  /// The windows over which the means are taken.
  public var windows: Windows
  public init(_ windows: Windows) { self.windows = windows }

  public var kind: String { "avgpool" }
  public var character: OperationCharacter { .linear }
  public var settings: String {
    switch windows {
    case .sliding(let window, _): window.settings
    case .adaptive(let output): "to \(output.map(String.init).joined(separator: "x"))"
    }
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    switch windows {
    case .sliding(let window, _):
      let counts = try window.counts(inputs[0], of: kind)
      try checkPadding(window, of: kind)
      try window.checkPooling(inputs[0], of: kind)
      return [inputs[0][0]] + counts
    case .adaptive(let output):
      try checkShape(inputs[0], rank: 1 + output.count, of: kind)
      return [inputs[0][0]] + output
    }
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(
      maps(Array(inputs[0].shape.dropFirst())).enumerated().reduce(inputs[0]) { x, map in
        map.element(x, axis: 2 + map.offset)
      })
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [
      maps(Array(site.inputShapes[0].dropFirst())).enumerated().reduce(v) { v, map in
        map.element.adjoint(v, axis: 2 + map.offset)
      }
    ]
  }

  /// The means along each axis of an input `(C, ...)`.
  private func maps(_ input: [Int]) -> [AxisMap] {
    let output = try! outputShape([input])
    return (0..<input.count - 1).map { axis in
      let (extent, count) = (input[1 + axis], output[1 + axis])
      return AxisMap(
        extent: extent,
        rows: (0..<count).map { index in
          let (places, divisor) = span(axis, index, extent, count)
          return places.map { ($0, 1 / Float(divisor)) }
        })
    }
  }

  /// The places of window `index` along an axis, and how many the mean divides by.
  private func span(_ axis: Int, _ index: Int, _ extent: Int, _ count: Int) -> ([Int], divisor: Int) {
    switch windows {
    case .sliding(let window, let countsPadding):
      let inside = (0..<window.kernel[axis]).compactMap { window.place(index, $0, axis: axis, extent: extent) }
      // As in PyTorch, padded places count, but not those that only rounding up adds.
      let padded = (0..<window.kernel[axis]).count {
        index * window.stride[axis] + $0 * window.dilation[axis] - window.begins[axis] < extent + window.ends[axis]
      }
      return (inside, countsPadding ? padded : inside.count)
    case .adaptive:
      let places = Array(index * extent / count..<((index + 1) * extent + count - 1) / count)
      return (places, places.count)
    }
  }
}

/// Throws where the padding along an axis is wider than the window.
private func checkPadding(_ window: SlidingWindow, of kind: String) throws(PullbackError) {
  for axis in 0..<window.axes where window.begins[axis] + window.ends[axis] > window.kernel[axis] {
    throw PullbackError(
      .usage, kind,
      "padding \(window.begins) and \(window.ends) is more than half of the window of \(window.kernel)")
  }
}
