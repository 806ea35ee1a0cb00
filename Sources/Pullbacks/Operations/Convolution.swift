import Kernels

/// Convolution (cross-correlation, as in PyTorch) of planes `(N, C, H, W)`, or of sequences `(N, C, L)` by
/// ``sequence(_:kernel:stride:padding:dilation:groups:bias:)``.
///
/// `y[n, o, p, q] = b[o] + sum_{c, i, j} w[o, c, i, j] x[n, c, p s + i d - top, q s + j d - left]`, where x is zero
/// outside. A sequence is computed as planes of one row. Parameters: `weight` `(outputs, C / groups, kh, kw)`, or
/// `(outputs, C / groups, k)`, and, if asked for, `bias` `(outputs)`. See ``VolumeConvolution`` for three axes.
public struct Convolution: Operation {
  /// Channels of the output.
  public var outputs: Int
  /// The filters' height and width.
  public var kernel: Extent
  /// Steps from one place of the output to the next, s.
  public var stride: Extent
  /// Zeros around the input.
  public var padding: Padding
  /// Steps from one value of a filter to the next, d.
  public var dilation: Extent
  /// The number of groups of channels; outputs of a group see its inputs alone.
  public var groups: Int
  /// Whether a number is added to each channel.
  public var hasBias: Bool
  /// The number of axes that the filters slide along: 2, or 1 along a sequence.
  public let axes: Int

  /// - Parameters:
  ///   - outputs: channels of the output.
  ///   - kernel: the filters' height and width.
  ///   - stride: steps from one place of the output to the next.
  ///   - padding: zeros around the input.
  ///   - dilation: steps from one value of a filter to the next.
  ///   - groups: the number of groups of channels; outputs of a group see its inputs alone.
  ///   - bias: whether a number is added to each channel.
  public init(
    _ outputs: Int, kernel: Extent, stride: Extent = 1, padding: Padding = 0, dilation: Extent = 1, groups: Int = 1,
    bias: Bool = true
  ) {
    self.init(outputs, kernel, stride, padding, dilation, groups, bias, axes: 2)
  }

  private init(
    _ outputs: Int, _ kernel: Extent, _ stride: Extent, _ padding: Padding, _ dilation: Extent, _ groups: Int,
    _ bias: Bool, axes: Int
  ) {
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    hasBias = bias
    self.axes = axes
  }

  /// Along sequences `(N, C, L)`; of the padding, left and right count.
  public static func sequence(
    _ outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = 0, dilation: Int = 1, groups: Int = 1,
    bias: Bool = true
  ) -> Convolution {
    Convolution(
      outputs, Extent(1, kernel), Extent(1, stride), padding.alongRow, Extent(1, dilation), groups, bias, axes: 1)
  }

  public var kind: String { "conv" }
  public var character: OperationCharacter { .linear }

  public var settings: String {
    var parts = ["\(outputs) of \(words(kernel, axes: axes))"]
    if stride != 1 { parts.append("stride \(words(stride, axes: axes))") }
    if padding != 0 { parts.append("padding \(words(padding, axes: axes))") }
    if dilation != 1 { parts.append("dilation \(words(dilation, axes: axes))") }
    if groups != 1 { parts.append("\(groups) groups") }
    return parts.joined(separator: ", ")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    try checkShape(inputs[0], rank: 1 + axes, of: kind)
    try checkWindow(kernel: kernel, stride: stride, dilation: dilation, padding: padding, of: kind)
    try checkGroups(groups, inputs: inputs[0][0], outputs: outputs, of: kind)
    let (height, width) = planeExtents(inputs[0])
    let rows = slidingCount(height + padding.top + padding.bottom, kernel.height, stride.height, dilation.height)
    let columns = slidingCount(width + padding.left + padding.right, kernel.width, stride.width, dilation.width)
    guard rows > 0, columns > 0 else {
      throw PullbackError(.usage, kind, "a \(kernel) kernel does not fit an input of \(height)x\(width)")
    }
    return [outputs] + (axes == 1 ? [columns] : [rows, columns])
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    let filter = axes == 1 ? [kernel.width] : [kernel.height, kernel.width]
    return [ParameterDescription("weight", [outputs, inputs[0][0] / groups] + filter)]
      + (hasBias ? [ParameterDescription("bias", [outputs])] : [])
  }

  /// The kernels' view of this convolution over images of shape `(C, H, W)` or `(C, L)`.
  package func shape(_ input: [Int], _ output: [Int]) -> ConvolutionShape {
    ConvolutionShape(
      inputs: input[0], outputs: outputs, groups: groups,
      window: Window(
        input: planeExtents(input), output: planeExtents(output), kernel: (kernel.height, kernel.width),
        stride: (stride.height, stride.width), dilation: (dilation.height, dilation.width),
        paddingTopLeft: (padding.top, padding.left)))
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let input = Array(x.shape.dropFirst())
    let output = try! outputShape([input])
    return Evaluation(
      Tensor(shape: [x.shape[0]] + output) { y in
        Tensor.withPointers(x, parameters[0], parameters.last!) { x, weight, bias in
          shape(input, output).forward(
            x, weight, into: y.baseAddress!, images: inputs[0].shape[0], finish: Finish(hasBias ? [.bias(bias)] : []))
        }
      })
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [adjoint(v, site.parameters[0], input: site.inputShapes[0])]
  }

  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let weight = weightGradient(v, at: site.input())
    return hasBias ? [weight, channelSums(v)] : [weight]
  }

  /// The adjoint of the map without its bias, for inputs of shape `input`, batch axis included.
  func adjoint(_ v: Tensor, _ weight: Tensor, input: [Int]) -> Tensor {
    let shape = shape(Array(input.dropFirst()), Array(v.shape.dropFirst()))
    return Tensor(shape: input) { dx in
      Tensor.withPointers(v, weight) { v, weight in
        shape.adjoint(v, weight, into: dx.baseAddress!, images: input[0])
      }
    }
  }

  /// The gradient of `<v, y(x)>` with respect to the weight.
  func weightGradient(_ v: Tensor, at x: Tensor) -> Tensor {
    let shape = shape(Array(x.shape.dropFirst()), Array(v.shape.dropFirst()))
    return Tensor(shape: parameters([Array(x.shape.dropFirst())])[0].shape) { gradient in
      Tensor.withPointers(v, x) { v, input in
        shape.weightGradient(v, input, into: gradient.baseAddress!, images: x.shape[0])
      }
    }
  }
}

/// Throws unless inputs and outputs fall into `groups` equal parts.
func checkGroups(_ groups: Int, inputs: Int, outputs: Int, of kind: String) throws(PullbackError) {
  guard groups > 0, inputs % groups == 0, outputs % groups == 0 else {
    throw PullbackError(.usage, kind, "\(groups) groups divide neither \(inputs) inputs nor \(outputs) outputs evenly")
  }
}
