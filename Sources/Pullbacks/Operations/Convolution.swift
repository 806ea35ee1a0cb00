import Kernels

/// Two-dimensional convolution (cross-correlation, as in PyTorch) of `(N, C, H, W)`.
///
/// `y[n, o, p, q] = b[o] + sum_{c, i, j} w[o, c, i, j] x[n, c, p s + i d - top, q s + j d - left]`, where x is zero
/// outside. Parameters: `weight` `(outputs, C / groups, kh, kw)` and, if asked for, `bias` `(outputs)`.
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
  /// How many parts the channels fall into; outputs of a part see its inputs alone.
  public var groups: Int
  /// Whether a number is added to each channel.
  public var hasBias: Bool

  /// - Parameters:
  ///   - outputs: channels of the output.
  ///   - kernel: the filters' height and width.
  ///   - stride: steps from one place of the output to the next.
  ///   - padding: zeros around the input.
  ///   - dilation: steps from one value of a filter to the next.
  ///   - groups: how many parts the channels fall into; outputs of a part see its inputs alone.
  ///   - bias: whether a number is added to each channel.
  public init(
    _ outputs: Int, kernel: Extent, stride: Extent = 1, padding: Padding = 0, dilation: Extent = 1, groups: Int = 1,
    bias: Bool = true
  ) {
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    hasBias = bias
  }

  public var kind: String { "conv" }
  public var character: OperationCharacter { .linear }

  public var settings: String {
    var parts = ["\(outputs) of \(kernel)"]
    if stride != 1 { parts.append("stride \(stride)") }
    if padding != 0 { parts.append("padding \(padding)") }
    if dilation != 1 { parts.append("dilation \(dilation)") }
    if groups != 1 { parts.append("\(groups) groups") }
    return parts.joined(separator: ", ")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkShape(inputs[0], rank: 3, of: kind)
    try checkWindow(kernel: kernel, stride: stride, dilation: dilation, padding: padding, of: kind)
    let channels = inputs[0][0]
    guard groups > 0, channels % groups == 0, outputs % groups == 0 else {
      throw PullbackError(
        .usage, kind, "\(groups) groups divide neither \(channels) inputs nor \(outputs) outputs evenly")
    }
    let rows = slidingCount(inputs[0][1] + padding.top + padding.bottom, kernel.height, stride.height, dilation.height)
    let columns = slidingCount(inputs[0][2] + padding.left + padding.right, kernel.width, stride.width, dilation.width)
    guard rows > 0, columns > 0 else {
      throw PullbackError(.usage, kind, "a \(kernel) kernel does not fit an input of \(inputs[0][1])x\(inputs[0][2])")
    }
    return [outputs, rows, columns]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    [ParameterDescription("weight", [outputs, inputs[0][0] / groups, kernel.height, kernel.width])]
      + (hasBias ? [ParameterDescription("bias", [outputs])] : [])
  }

  /// The kernels' view of this convolution over images of shape `(C, H, W)`.
  package func shape(_ input: [Int], _ output: [Int]) -> ConvolutionShape {
    ConvolutionShape(
      inputs: input[0], outputs: outputs, groups: groups,
      window: Window(
        input: (input[1], input[2]), output: (output[1], output[2]), kernel: (kernel.height, kernel.width),
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
    let input = site.inputShapes[0]
    let shape = shape(Array(input.dropFirst()), Array(v.shape.dropFirst()))
    return [
      Tensor(shape: input) { dx in
        Tensor.withPointers(v, site.parameters[0]) { v, weight in
          shape.adjoint(v, weight, into: dx.baseAddress!, images: input[0])
        }
      }
    ]
  }

  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let x = site.input()
    let shape = shape(Array(x.shape.dropFirst()), Array(v.shape.dropFirst()))
    let weight = Tensor(shape: site.parameters[0].shape) { gradient in
      Tensor.withPointers(v, x) { v, x in
        shape.weightGradient(v, x, into: gradient.baseAddress!, images: site.inputShapes[0][0])
      }
    }
    return hasBias ? [weight, channelSums(v)] : [weight]
  }
}

/// How many times a window of `kernel` places, `dilation` apart, fits into `extent` in steps of `stride`; 0 if never.
func slidingCount(_ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int = 1, roundingUp: Bool = false) -> Int {
  let span = extent - dilation * (kernel - 1) - 1
  return span < 0 ? 0 : (span + (roundingUp ? stride - 1 : 0)) / stride + 1
}

/// A height and a width; an integer literal makes both.
public struct Extent: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// Along the axis H.
  public var height: Int
  /// Along the axis W.
  public var width: Int

  /// A height and a width.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }

  public init(integerLiteral value: Int) { self.init(value, value) }
  public var description: String { "\(height)x\(width)" }
}

/// Zeros around a plane; an integer literal puts as many on every side.
public struct Padding: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// How many rows of zeros are above and below, and columns to the left and the right.
  public var top, left, bottom, right: Int

  /// As many zeros on each side as said.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
  }

  /// As many zeros on every side.
  public init(_ size: Int) { self.init(top: size, left: size, bottom: size, right: size) }
  public init(integerLiteral value: Int) { self.init(value) }

  /// TensorFlow's "same": output extents are input extents over stride, rounded up, and an odd zero goes below and
  /// right.
  public static func same(height: Int, width: Int, kernel: Extent, stride: Extent) -> Padding {
    func total(_ extent: Int, _ kernel: Int, _ stride: Int) -> Int {
      max(0, ((extent + stride - 1) / stride - 1) * stride + kernel - extent)
    }
    let rows = total(height, kernel.height, stride.height)
    let columns = total(width, kernel.width, stride.width)
    return Padding(top: rows / 2, left: columns / 2, bottom: rows - rows / 2, right: columns - columns / 2)
  }

  public var description: String {
    top == left && left == bottom && bottom == right ? "\(top)" : "(\(top), \(left), \(bottom), \(right))"
  }
}
