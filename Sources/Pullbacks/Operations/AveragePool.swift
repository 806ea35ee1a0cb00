import Kernels

/// Average pooling of planes `(N, C, H, W)` or sequences `(N, C, L)` over windows, or over an adaptive grid. See
/// ``VolumeAveragePool`` for three axes.
public struct AveragePool: Operation {
  /// The windows over which the means are taken.
  public enum Windows: Hashable, Sendable {
    /// Windows of one size; `countsPadding` says whether zeros of the padding enter the mean.
    case sliding(kernel: Extent, stride: Extent, padding: Padding, roundsUp: Bool, countsPadding: Bool)
    /// One window per place of the output: window i covers `floor(i H / h) ..< ceil((i + 1) H / h)`.
    case adaptive(Extent)
  }

  /// The windows over which the means are taken.
  public var windows: Windows
  /// The number of axes that the windows slide along: 2, or 1 along a sequence.
  public let axes: Int

  /// - Parameters:
  ///   - windows: the windows over which the means are taken.
  ///   - axes: the number of axes that the windows slide along: 2, or 1 along a sequence, a plane of one row.
  public init(_ windows: Windows, axes: Int = 2) {
    precondition((1...2).contains(axes), "windows over planes slide along 1 or 2 axes")
    self.windows = windows
    self.axes = axes
  }

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

  /// Means over windows along sequences `(N, C, L)`; of the padding, left and right count.
  public static func slidingSequence(
    kernel: Int, stride: Int? = nil, padding: Padding = 0, ceilMode: Bool = false, countIncludePad: Bool = true
  ) -> AveragePool {
    AveragePool(
      .sliding(
        kernel: Extent(1, kernel), stride: Extent(1, stride ?? kernel), padding: padding.alongRow, roundsUp: ceilMode,
        countsPadding: countIncludePad), axes: 1)
  }

  /// Means over as many parts of sequences `(N, C, L)` as the output has places.
  public static func adaptiveSequence(_ output: Int) -> AveragePool {
    AveragePool(.adaptive(Extent(1, output)), axes: 1)
  }

  public var kind: String { "avgpool" }
  public var character: OperationCharacter { .linear }

  public var settings: String {
    switch windows {
    case .sliding(let kernel, let stride, let padding, let roundsUp, _):
      poolSettings(kernel, stride, padding, 1, roundsUp, axes: axes)
    case .adaptive(let output): "to \(words(output, axes: axes))"
    }
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    switch windows {
    case .sliding(let kernel, let stride, let padding, let roundsUp, _):
      return try pooledShape(inputs[0], kernel, stride, padding, 1, roundsUp, axes: axes, of: kind)
    case .adaptive(let output):
      try checkShape(inputs[0], rank: 1 + axes, of: kind)
      return [inputs[0][0]] + (axes == 1 ? [output.width] : [output.height, output.width])
    }
  }

  /// The part of a window inside the plane along one axis, and how many places the mean divides by.
  private typealias Span = (range: Range<Int>, divisor: Int)

  /// The windows over inputs and outputs of certain shapes, and the width of the input's rows.
  private func spans(_ input: [Int], _ output: [Int]) -> (rows: [Span], columns: [Span], width: Int) {
    let (source, target) = (planeExtents(Array(input.dropFirst())), planeExtents(Array(output.dropFirst())))
    return (
      spans(source.height, target.height, vertical: true), spans(source.width, target.width, vertical: false),
      source.width
    )
  }

  private func spans(_ extent: Int, _ count: Int, vertical: Bool) -> [Span] {
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
    let (rows, columns, width) = spans(x.shape, shape)
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
    return PairwiseMean(poolWindow(input, output, kernel, stride, 1, padding))
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
    let (rows, columns, width) = spans(input, v.shape)
    var dx = Tensor(shape: input)
    dx.withUnsafeMutableBuffer { dx in
      v.withUnsafeBuffer { v in
        ChannelLayout(input).forEachPlane { image, channel, offset in
          var cotangent = v.baseAddress! + (image * source.channels + channel) * source.plane
          for row in rows {
            for column in columns {
              let share = cotangent.pointee / Float(row.divisor * column.divisor)
              for i in row.range {
                for j in column.range { dx[offset + i * width + j] += share }
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
