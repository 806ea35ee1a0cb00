import Kernels

/// An operation that hands on the largest value of each window, and whose windows can be softened.
protocol MaxPooling: Operation {
  /// Each v goes back to its window; where windows overlap, shares add up.
  ///
  /// - Parameter adjoints: how, for each plane of the input `(N, C, ...)`; after the last they begin anew, so that one
  ///   for all, or one for each channel, does too.
  func adjoint(_ adjoints: [MaxPoolShape.Adjoint], _ v: Tensor, at site: Site) -> Tensor
}

/// Max pooling of planes `(N, C, H, W)` over windows, or of sequences `(N, C, L)` by
/// ``sequence(kernel:stride:padding:dilation:ceilMode:)``; places outside the plane never win. See ``VolumeMaxPool``
/// for three axes.
public struct MaxPool: MaxPooling {
  /// The windows' height and width.
  public var kernel: Extent
  /// Steps from one window to the next.
  public var stride: Extent
  /// Places around the plane that windows may reach and that never win.
  public var padding: Padding
  /// Steps from one place of a window to the next.
  public var dilation: Extent
  /// Whether a last window that hangs over the edge counts.
  public var roundsUp: Bool
  /// The number of axes that the windows slide along: 2, or 1 along a sequence.
  public let axes: Int

  /// - Parameters:
  ///   - kernel: the windows' height and width.
  ///   - stride: steps from one window to the next; nil is the kernel.
  ///   - padding: places around the plane that windows may reach.
  ///   - dilation: steps from one place of a window to the next.
  ///   - ceilMode: whether a last window that hangs over the edge counts.
  public init(
    kernel: Extent, stride: Extent? = nil, padding: Padding = 0, dilation: Extent = 1, ceilMode: Bool = false
  ) {
    self.init(kernel, stride ?? kernel, padding, dilation, ceilMode, axes: 2)
  }

  private init(
    _ kernel: Extent, _ stride: Extent, _ padding: Padding, _ dilation: Extent, _ ceilMode: Bool, axes: Int
  ) {
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    roundsUp = ceilMode
    self.axes = axes
  }

  /// Along sequences `(N, C, L)`; of the padding, left and right count.
  public static func sequence(
    kernel: Int, stride: Int? = nil, padding: Padding = 0, dilation: Int = 1, ceilMode: Bool = false
  ) -> MaxPool {
    MaxPool(
      Extent(1, kernel), Extent(1, stride ?? kernel), padding.alongRow, Extent(1, dilation), ceilMode, axes: 1)
  }

  public var kind: String { "maxpool" }
  public var character: OperationCharacter { .selection }
  public var settings: String { poolSettings(kernel, stride, padding, dilation, roundsUp, axes: axes) }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    return try pooledShape(inputs[0], kernel, stride, padding, dilation, roundsUp, axes: axes, of: kind)
  }

  /// The kernels' view of this pooling over `(N, C, H, W)` or `(N, C, L)`.
  package func shape(_ input: [Int], _ output: [Int]) -> MaxPoolShape {
    MaxPoolShape(poolWindow(input, output, kernel, stride, dilation, padding))
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
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [adjoint([.hard], v, at: site)] }

  func adjoint(_ adjoints: [MaxPoolShape.Adjoint], _ v: Tensor, at site: Site) -> Tensor {
    let x = site.input()
    return Tensor(shape: x.shape) { dx in
      Tensor.withPointers(v, x) { cotangent, values in
        shape(x.shape, v.shape).adjoint(
          adjoints, cotangent, values, into: dx.baseAddress!, images: x.shape[0], channels: x.shape[1])
      }
    }
  }
}
