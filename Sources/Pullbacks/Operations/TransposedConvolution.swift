import Kernels

/// Transposed convolution of planes `(N, C, H, W)`, or of sequences `(N, C, L)` by
/// ``sequence(_:kernel:stride:padding:outputPadding:dilation:groups:bias:)``: each value of the input adds its multiple
/// of the filters to the output.
///
/// `y[n, o, p s + i d - top, q s + j d - left] += w[c, o, i, j] x[n, c, p, q]`, plus `b[o]`: the adjoint of a
/// ``Convolution`` with the same weight, which takes the output's shape to the input's. An axis of H places becomes
/// `(H - 1) s + d (k - 1) + 1 + outputPadding - top - bottom` places. Parameters: `weight` `(C, outputs / groups, kh,
/// kw)` and, if asked for, `bias` `(outputs)`. As PyTorch's `ConvTranspose2d`, whose padding may differ from side to
/// side here.
public struct TransposedConvolution: Operation {
  /// Channels of the output.
  public var outputs: Int
  /// The filters' height and width.
  public var kernel: Extent
  /// Steps in the output from one place of the input to the next, s.
  public var stride: Extent
  /// The rows and columns that are cut off the output's sides.
  public var padding: Padding
  /// Places that are added below and to the right before the sides are cut.
  public var outputPadding: Extent
  /// Steps from one value of a filter to the next, d.
  public var dilation: Extent
  /// The number of groups of channels.
  public var groups: Int
  /// Whether a number is added to each channel.
  public var hasBias: Bool
  /// The number of axes that the filters slide along: 2, or 1 along a sequence.
  public let axes: Int

  /// - Parameters:
  ///   - outputs: channels of the output.
  ///   - kernel: the filters' height and width.
  ///   - stride: steps in the output from one place of the input to the next.
  ///   - padding: the rows and columns that are cut off the output's sides.
  ///   - outputPadding: places that are added below and to the right.
  ///   - dilation: steps from one value of a filter to the next.
  ///   - groups: the number of groups of channels.
  ///   - bias: whether a number is added to each channel.
  public init(
    _ outputs: Int, kernel: Extent, stride: Extent = 1, padding: Padding = 0, outputPadding: Extent = 0,
    dilation: Extent = 1, groups: Int = 1, bias: Bool = true
  ) {
    self.init(outputs, kernel, stride, padding, outputPadding, dilation, groups, bias, axes: 2)
  }

  private init(
    _ outputs: Int, _ kernel: Extent, _ stride: Extent, _ padding: Padding, _ outputPadding: Extent,
    _ dilation: Extent, _ groups: Int, _ bias: Bool, axes: Int
  ) {
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.dilation = dilation
    self.groups = groups
    hasBias = bias
    self.axes = axes
  }

  /// Along sequences `(N, C, L)`; of the padding, left and right count.
  public static func sequence(
    _ outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = 0, outputPadding: Int = 0, dilation: Int = 1,
    groups: Int = 1, bias: Bool = true
  ) -> TransposedConvolution {
    TransposedConvolution(
      outputs, Extent(1, kernel), Extent(1, stride), padding.alongRow, Extent(0, outputPadding), Extent(1, dilation),
      groups, bias, axes: 1)
  }

  public var kind: String { "convtranspose" }
  public var character: OperationCharacter { .linear }

  public var settings: String {
    var parts = ["\(outputs) of \(words(kernel, axes: axes))", "stride \(words(stride, axes: axes))"]
    if padding != 0 { parts.append("padding \(words(padding, axes: axes))") }
    if outputPadding != 0 { parts.append("output padding \(words(outputPadding, axes: axes))") }
    if dilation != 1 { parts.append("dilation \(words(dilation, axes: axes))") }
    if groups != 1 { parts.append("\(groups) groups") }
    return parts.joined(separator: ", ")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    try checkShape(inputs[0], rank: 1 + axes, of: kind)
    try checkWindow(kernel: kernel, stride: stride, dilation: dilation, padding: padding, of: kind)
    try checkGroups(groups, inputs: inputs[0][0], outputs: outputs, of: kind)
    guard outputPadding.height >= 0, outputPadding.width >= 0 else {
      throw PullbackError(.usage, kind, "output padding \(outputPadding) must not be negative")
    }
    let (height, width) = planeExtents(inputs[0])
    let rows =
      (height - 1) * stride.height + dilation.height * (kernel.height - 1) + 1 + outputPadding.height - padding.top
      - padding.bottom
    let columns =
      (width - 1) * stride.width + dilation.width * (kernel.width - 1) + 1 + outputPadding.width - padding.left
      - padding.right
    guard rows > 0, columns > 0 else {
      throw PullbackError(.usage, kind, "padding \(padding) leaves nothing of the output")
    }
    return [outputs] + (axes == 1 ? [columns] : [rows, columns])
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    let filter = axes == 1 ? [kernel.width] : [kernel.height, kernel.width]
    return [ParameterDescription("weight", [inputs[0][0], outputs / groups] + filter)]
      + (hasBias ? [ParameterDescription("bias", [outputs])] : [])
  }

  /// The convolution whose adjoint this is: from the output, of shape `(outputs, H', W')`, to the input.
  private func shape(_ input: [Int], _ output: [Int]) -> ConvolutionShape {
    ConvolutionShape(
      inputs: outputs, outputs: input[0], groups: groups,
      window: Window(
        input: planeExtents(output), output: planeExtents(input), kernel: (kernel.height, kernel.width),
        stride: (stride.height, stride.width), dilation: (dilation.height, dilation.width),
        paddingTopLeft: (padding.top, padding.left)))
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let input = Array(x.shape.dropFirst())
    let output = try! outputShape([input])
    return Evaluation(
      Tensor(shape: [x.shape[0]] + output) { y in
        Tensor.withPointers(x, parameters[0], parameters.last!) { values, weight, bias in
          shape(input, output).adjoint(
            values, weight, into: y.baseAddress!, images: x.shape[0], finish: Finish(hasBias ? [.bias(bias)] : []))
        }
      })
  }

  /// The convolution of v.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let input = site.inputShapes[0]
    let shape = shape(Array(input.dropFirst()), Array(v.shape.dropFirst()))
    return [
      Tensor(shape: input) { dx in
        Tensor.withPointers(v, site.parameters[0]) { v, weight in
          shape.forward(v, weight, into: dx.baseAddress!, images: input[0])
        }
      }
    ]
  }

  /// That of the convolution, with x and v in each other's place.
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let x = site.input()
    let shape = shape(Array(x.shape.dropFirst()), Array(v.shape.dropFirst()))
    let weight = Tensor(shape: site.parameters[0].shape) { gradient in
      Tensor.withPointers(x, v) { x, v in
        shape.weightGradient(x, v, into: gradient.baseAddress!, images: site.inputShapes[0][0])
      }
    }
    return hasBias ? [weight, channelSums(v)] : [weight]
  }
}
