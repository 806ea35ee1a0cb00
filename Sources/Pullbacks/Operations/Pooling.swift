import Kernels

/// Max pooling of `(N, C, H, W)` over windows; places outside the plane never win.
public struct MaxPool: Operation {
  /// The windows' height and width.
  public var kernel: Extent
  /// Steps from one window to the next.
  public var stride: Extent
  /// Places around the plane that windows may reach and that never win.
  public var padding: Padding
  /// Whether a last window that hangs over the edge counts.
  public var roundsUp: Bool

  /// - Parameters:
  ///   - kernel: the windows' height and width.
  ///   - stride: steps from one window to the next; nil is the kernel.
  ///   - padding: places around the plane that windows may reach.
  ///   - ceilMode: whether a last window that hangs over the edge counts.
  public init(kernel: Extent, stride: Extent? = nil, padding: Padding = 0, ceilMode: Bool = false) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    roundsUp = ceilMode
  }

  public var kind: String { "maxpool" }
  public var character: OperationCharacter { .selection }
  public var settings: String { poolSettings(kernel, stride, padding, roundsUp) }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try pooledShape(inputs[0], kernel, stride, padding, roundsUp, kind)
  }

  /// The kernels' view of this pooling over `(N, C, H, W)`.
  package func shape(_ input: [Int], _ output: [Int]) -> MaxPoolShape {
    MaxPoolShape(poolWindow(input, output, kernel, stride, padding))
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let output = [x.shape[0]] + (try! outputShape([Array(x.shape.dropFirst())]))
    return Evaluation(
      Tensor(shape: output) { y in
        x.withUnsafeBuffer {
          shape(x.shape, output).forward($0.baseAddress!, into: y.baseAddress!, planes: x.shape[0] * x.shape[1])
        }
      })
  }

  public var gradientNeeds: Needs { .inputs }

  /// Each v goes to the first largest value of its window.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [adjoint(.hard, v, at: site)] }

  /// Each v is shared out over its window by `softmax(window / tau)`; where windows overlap, shares add up.
  ///
  /// With `zeroPadding` the places outside the plane count as zeros and take a share, which is lost.
  func softAdjoint(_ v: Tensor, at site: Site, temperature: Float, zeroPadding: Bool) -> Tensor {
    adjoint(.soft(sharpness: 1 / temperature, zeroPadding: zeroPadding), v, at: site)
  }

  private func adjoint(_ adjoint: MaxPoolShape.Adjoint, _ v: Tensor, at site: Site) -> Tensor {
    let x = site.input()
    return Tensor(shape: x.shape) { dx in
      Tensor.withPointers(v, x) { cotangent, values in
        shape(x.shape, v.shape).adjoint(
          adjoint, cotangent, values, into: dx.baseAddress!, images: x.shape[0], channels: x.shape[1])
      }
    }
  }
}

/// Average pooling of `(N, C, H, W)` over windows, or over an adaptive grid.
public struct AveragePool: Operation {
  /// What each mean is taken over.
  public enum Windows: Hashable, Sendable {
    /// Windows of one size; `countsPadding` says whether zeros of the padding enter the mean.
    case sliding(kernel: Extent, stride: Extent, padding: Padding, roundsUp: Bool, countsPadding: Bool)
    /// As many windows as the output has places: window i covers `floor(i H / h) ..< ceil((i + 1) H / h)`.
    case adaptive(Extent)
  }

  /// What each mean is taken over.
  public var windows: Windows
  public init(_ windows: Windows) { self.windows = windows }

  /// Means over windows of one size, as PyTorch's `AvgPool2d`; the stride is the kernel if not given.
  public static func sliding(
    kernel: Extent, stride: Extent? = nil, padding: Padding = 0, ceilMode: Bool = false, countIncludePad: Bool = true
  ) -> AveragePool {
    AveragePool(
      .sliding(
        kernel: kernel, stride: stride ?? kernel, padding: padding, roundsUp: ceilMode, countsPadding: countIncludePad))
  }

  /// Means over a grid with as many windows as the output has places, as PyTorch's `AdaptiveAvgPool2d`.
  public static func adaptive(_ output: Extent) -> AveragePool { AveragePool(.adaptive(output)) }

  public var kind: String { "avgpool" }
  public var character: OperationCharacter { .linear }

  public var settings: String {
    switch windows {
    case .sliding(let kernel, let stride, let padding, let roundsUp, _): poolSettings(kernel, stride, padding, roundsUp)
    case .adaptive(let output): "to \(output)"
    }
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    switch windows {
    case .sliding(let kernel, let stride, let padding, let roundsUp, _):
      return try pooledShape(inputs[0], kernel, stride, padding, roundsUp, kind)
    case .adaptive(let output):
      try checkShape(inputs[0], rank: 3, of: kind)
      return [inputs[0][0], output.height, output.width]
    }
  }

  /// One axis of the windows: the part inside the plane, and how many places the mean divides by.
  private func spans(_ extent: Int, _ count: Int, vertical: Bool) -> [(range: Range<Int>, divisor: Int)] {
    (0..<count).map { index in
      switch windows {
      case .sliding(let kernel, let stride, let padding, _, let countsPadding):
        let (kernel, stride) = vertical ? (kernel.height, stride.height) : (kernel.width, stride.width)
        let (before, after) = vertical ? (padding.top, padding.bottom) : (padding.left, padding.right)
        let first = index * stride - before
        // PyTorch counts padded places, but not those that only rounding up adds.
        let padded = min(first + kernel, extent + after) - first
        let inside = max(0, first)..<min(extent, first + kernel)
        return (inside, countsPadding ? padded : inside.count)
      case .adaptive:
        let range = index * extent / count..<((index + 1) * extent + count - 1) / count
        return (range, range.count)
      }
    }
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let shape = [x.shape[0]] + (try! outputShape([Array(x.shape.dropFirst())]))
    let target = ChannelLayout(shape)
    if let pairs = pairs(x.shape, shape) {
      return Evaluation(
        Tensor(shape: shape) { y in
          x.withUnsafeBuffer { x in
            ChannelLayout(inputs[0].shape).forEachPlane { image, channel, offset in
              pairs.forward(
                plane: x.baseAddress! + offset,
                into: y.baseAddress! + (image * target.channels + channel) * target.plane)
            }
          }
        })
    }
    let rows = spans(x.shape[2], shape[2], vertical: true)
    let columns = spans(x.shape[3], shape[3], vertical: false)
    let width = x.shape[3]
    return Evaluation(
      Tensor(shape: shape) { y in
        x.withUnsafeBuffer { x in
          ChannelLayout(inputs[0].shape).forEachPlane { image, channel, offset in
            let plane = x.baseAddress! + offset
            var out = y.baseAddress! + (image * target.channels + channel) * target.plane
            for row in rows {
              for column in columns {
                var sum = 0.0
                for i in row.range { sum += Self.sum(plane + i * width + column.range.lowerBound, column.range.count) }
                out.pointee = Float(sum / Double(row.divisor * column.divisor))
                out += 1
              }
            }
          }
        }
      })
  }

  /// The windows if they are pairs of pairs that cover whole rows, which have a kernel of their own.
  private func pairs(_ input: [Int], _ output: [Int]) -> PairwiseMean? {
    guard case .sliding(let kernel, let stride, let padding, _, _) = windows else { return nil }
    return PairwiseMean(poolWindow(input, output, kernel, stride, padding))
  }

  /// The vectorised sum costs more than it saves on a window of a few places.
  private static func sum(_ x: UnsafePointer<Float>, _ count: Int) -> Double {
    guard count < 16 else { return Arrays.sum(x, count) }
    var sum = 0.0
    for i in 0..<count { sum += Double(x[i]) }
    return sum
  }

  /// Each v, divided by its window's count, goes to every place of the window.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let input = site.inputShapes[0]
    let source = ChannelLayout(v.shape)
    if let pairs = pairs(input, v.shape) {
      return [
        Tensor(shape: input) { dx in
          v.withUnsafeBuffer { v in
            ChannelLayout(input).forEachPlane { image, channel, offset in
              pairs.adjoint(
                plane: v.baseAddress! + (image * source.channels + channel) * source.plane,
                into: dx.baseAddress! + offset)
            }
          }
        }
      ]
    }
    let rows = spans(input[2], v.shape[2], vertical: true)
    let columns = spans(input[3], v.shape[3], vertical: false)
    var dx = Tensor(shape: input)
    dx.withUnsafeMutableBuffer { dx in
      v.withUnsafeBuffer { v in
        ChannelLayout(input).forEachPlane { image, channel, offset in
          var cotangent = v.baseAddress! + (image * source.channels + channel) * source.plane
          for row in rows {
            for column in columns {
              let share = cotangent.pointee / Float(row.divisor * column.divisor)
              for i in row.range {
                for j in column.range { dx[offset + i * input[3] + j] += share }
              }
              cotangent += 1
            }
          }
        }
      }
    }
    return [dx]
  }
}

private func poolWindow(
  _ input: [Int], _ output: [Int], _ kernel: Extent, _ stride: Extent, _ padding: Padding
) -> Window {
  Window(
    input: (input[2], input[3]), output: (output[2], output[3]), kernel: (kernel.height, kernel.width),
    stride: (stride.height, stride.width), dilation: (1, 1), paddingTopLeft: (padding.top, padding.left))
}

private func poolSettings(_ kernel: Extent, _ stride: Extent, _ padding: Padding, _ roundsUp: Bool) -> String {
  "\(kernel), stride \(stride)" + (padding == 0 ? "" : ", padding \(padding)") + (roundsUp ? ", rounding up" : "")
}

/// The output shape of a pooling over windows. Rounding up, a last window that would start in the padding is dropped.
private func pooledShape(
  _ input: [Int], _ kernel: Extent, _ stride: Extent, _ padding: Padding, _ roundsUp: Bool, _ kind: String
) throws(PullbackError) -> [Int] {
  try checkShape(input, rank: 3, of: kind)
  try checkWindow(kernel: kernel, stride: stride, padding: padding, of: kind)
  guard max(padding.top, padding.bottom) * 2 <= kernel.height, max(padding.left, padding.right) * 2 <= kernel.width
  else {
    throw PullbackError(.usage, kind, "padding \(padding) is more than half of the \(kernel) window")
  }
  var rows = slidingCount(input[1] + padding.top + padding.bottom, kernel.height, stride.height, roundingUp: roundsUp)
  var columns = slidingCount(input[2] + padding.left + padding.right, kernel.width, stride.width, roundingUp: roundsUp)
  if roundsUp {
    if (rows - 1) * stride.height >= input[1] + padding.top { rows -= 1 }
    if (columns - 1) * stride.width >= input[2] + padding.left { columns -= 1 }
  }
  guard rows > 0, columns > 0 else {
    throw PullbackError(.usage, kind, "a \(kernel) window does not fit an input of \(input[1])x\(input[2])")
  }
  return [input[0], rows, columns]
}
