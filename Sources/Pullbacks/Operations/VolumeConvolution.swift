import Kernels

/// Three-dimensional convolution of `(N, C, D, H, W)`, as sums of two-dimensional ones: each slice of the filters along
/// D meets each slice of the input.
///
/// `y[n, o, p, q, r] = b[o] + sum_{c, h, i, j} w[o, c, h, i, j] x[n, c, p s + h d - front, ...]`. Parameters: `weight`
/// `(outputs, C / groups, kd, kh, kw)` and, if asked for, `bias` `(outputs)`.
public struct VolumeConvolution: Operation {
  /// Channels of the output.
  public var outputs: Int
  /// The filters, how they slide, and the zeros around the input.
  public var window: SlidingWindow
  /// The number of groups of channels; outputs of a group see its inputs alone.
  public var groups: Int
  /// Whether a number is added to each channel.
  public var hasBias: Bool

  /// - Parameters:
  ///   - outputs: channels of the output.
  ///   - window: the filters, how they slide, and the zeros around the input: three axes.
  ///   - groups: the number of groups of channels.
  ///   - bias: whether a number is added to each channel.
  public init(_ outputs: Int, _ window: SlidingWindow, groups: Int = 1, bias: Bool = true) {
    precondition(window.axes == 3, "a volume has three axes, the window \(window.axes)")
    self.outputs = outputs
    self.window = window
    self.groups = groups
    hasBias = bias
  }

  public var kind: String { "conv" }
  public var character: OperationCharacter { .linear }
  public var settings: String {
    "\(outputs) of \(window.settings)" + (groups == 1 ? "" : ", \(groups) groups")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    let counts = try window.counts(inputs[0], of: kind)
    try checkGroups(groups, inputs: inputs[0][0], outputs: outputs, of: kind)
    return [outputs] + counts
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    [ParameterDescription("weight", [outputs, inputs[0][0] / groups] + window.kernel)]
      + (hasBias ? [ParameterDescription("bias", [outputs])] : [])
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let value = product(inputs[0], parameters[0], mode)
    return Evaluation(hasBias ? value.adding(toChannels: parameters[1]) : value)
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [adjoint(v, site.parameters[0], input: site.inputShapes[0])]
  }

  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let weight = weightGradient(v, at: site.input(), like: site.parameters[0])
    return hasBias ? [weight, channelSums(v)] : [weight]
  }

  /// The value without its bias.
  func product(_ input: Tensor, _ weight: Tensor, _ mode: Mode) -> Tensor {
    let x = Slices(input)
    let output = try! outputShape([Array(input.shape.dropFirst())])
    var y = Slices(images: x.images, depth: output[1], slice: [outputs] + output.dropFirst(2))
    for (pairs, weight) in kernelSlices(weight, x.depth, output[1]) where !pairs.isEmpty {
      let part = planar.forward([x.taking(pairs.map(\.input))], [weight], mode: mode).output
      y.add(part, to: pairs.map(\.output))
    }
    return y.volumes
  }

  /// The adjoint of ``product(_:_:_:)``, for inputs of shape `input`, batch axis included.
  func adjoint(_ v: Tensor, _ weight: Tensor, input shape: [Int]) -> Tensor {
    let cotangents = Slices(v)
    var dx = Slices(images: shape[0], depth: shape[2], slice: [shape[1]] + shape.dropFirst(3))
    for (pairs, weight) in kernelSlices(weight, shape[2], v.shape[2]) where !pairs.isEmpty {
      let part = cotangents.taking(pairs.map(\.output))
      dx.add(planar.adjoint(part, weight, input: [part.shape[0]] + dx.slice), to: pairs.map(\.input))
    }
    return dx.volumes
  }

  /// The gradient of `<v, product(x)>` with respect to the weight.
  func weightGradient(_ v: Tensor, at x: Tensor, like weight: Tensor) -> Tensor {
    let (x, cotangents) = (Slices(x), Slices(v))
    let parts = kernelSlices(weight, x.depth, cotangents.depth).map { pairs, weight in
      pairs.isEmpty
        ? Tensor(shape: weight.shape)
        : planar.weightGradient(cotangents.taking(pairs.map(\.output)), at: x.taking(pairs.map(\.input)))
    }
    return Tensor(batching: parts.map { $0.reshaped([1] + $0.shape) }).permuted([1, 2, 0, 3, 4])
  }

  /// The convolution of slices.
  private var planar: Convolution {
    let (k, s, d) = (window.kernel, window.stride, window.dilation)
    return Convolution(
      outputs, kernel: Extent(k[1], k[2]), stride: Extent(s[1], s[2]),
      padding: Padding(
        top: window.begins[1], left: window.begins[2], bottom: window.ends[1], right: window.ends[2]),
      dilation: Extent(d[1], d[2]), groups: groups, bias: false)
  }

  /// For each slice of the filters: which slices of input and output it joins, and its weight `(O, C / groups, kh,
  /// kw)`.
  private func kernelSlices(
    _ weight: Tensor, _ inputs: Int, _ outputs: Int
  ) -> [(pairs: [(input: Int, output: Int)], weight: Tensor)] {
    let weights = weight.permuted([2, 0, 1, 3, 4])
    return (0..<window.kernel[0]).map { step in
      let pairs = (0..<outputs).compactMap { output in
        window.place(output, step, axis: 0, extent: inputs).map { (input: $0, output: output) }
      }
      return (pairs, weights.image(step).reshaped(Array(weights.shape.dropFirst())))
    }
  }
}

/// Transposed convolution of `(N, C, D, H, W)`: the adjoint of a ``VolumeConvolution`` with the same weight, as
/// ``TransposedConvolution`` is for planes.
///
/// An axis of H places becomes `(H - 1) s + d (k - 1) + 1 + added - before - after` places. Parameters: `weight`
/// `(C, outputs / groups, kd, kh, kw)` and, if asked for, `bias` `(outputs)`. As PyTorch's `ConvTranspose3d`, whose
/// padding may differ from side to side here.
public struct TransposedVolumeConvolution: Operation {
  /// Channels of the output.
  public var outputs: Int
  /// The filters, how far apart they lie in the output, and what is cut off the output's sides.
  public var window: SlidingWindow
  /// Places that are added behind each axis before the sides are cut, fewer than the stride.
  public var outputPadding: [Int]
  /// How many parts the channels fall into.
  public var groups: Int
  /// Whether a number is added to each channel.
  public var hasBias: Bool

  /// - Parameters:
  ///   - outputs: channels of the output.
  ///   - window: the filters, how far apart they lie in the output, and what is cut off: three axes.
  ///   - outputPadding: places that are added behind each axis, fewer than the stride.
  ///   - groups: how many parts the channels fall into.
  ///   - bias: whether a number is added to each channel.
  public init(
    _ outputs: Int, _ window: SlidingWindow, outputPadding: [Int] = [0, 0, 0], groups: Int = 1, bias: Bool = true
  ) {
    precondition(
      window.axes == 3 && outputPadding.count == 3, "a volume has three axes, the window \(window.axes)")
    self.outputs = outputs
    self.window = window
    self.outputPadding = outputPadding
    self.groups = groups
    hasBias = bias
  }

  public var kind: String { "convtranspose" }
  public var character: OperationCharacter { .linear }
  public var settings: String {
    "\(outputs) of \(window.settings)" + (outputPadding == [0, 0, 0] ? "" : ", output padding \(outputPadding)")
      + (groups == 1 ? "" : ", \(groups) groups")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    try checkShape(inputs[0], rank: 4, of: kind)
    try checkGroups(groups, inputs: inputs[0][0], outputs: outputs, of: kind)
    guard (window.kernel + window.stride + window.dilation).allSatisfy({ $0 > 0 }),
      (window.begins + window.ends + outputPadding).allSatisfy({ $0 >= 0 })
    else {
      throw PullbackError(.usage, kind, "kernel, stride and dilation must be positive and padding not negative")
    }
    let extents = (0..<3).map { (axis: Int) -> Int in
      let places = (inputs[0][1 + axis] - 1) * window.stride[axis] + outputPadding[axis]
      let reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
      return places + reach - window.begins[axis] - window.ends[axis]
    }
    guard extents.allSatisfy({ $0 > 0 }) else {
      throw PullbackError(
        .usage, kind, "padding \(window.begins) and \(window.ends) leaves nothing of the output")
    }
    // The convolution back must have as many windows as the input has places.
    guard zip(outputPadding, window.stride).allSatisfy(<) else {
      throw PullbackError(.usage, kind, "output padding \(outputPadding) is not below the stride \(window.stride)")
    }
    return [outputs] + extents
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    [ParameterDescription("weight", [inputs[0][0], outputs / groups] + window.kernel)]
      + (hasBias ? [ParameterDescription("bias", [outputs])] : [])
  }

  /// The convolution from the output to an input of so many channels.
  private func convolution(_ channels: Int) -> VolumeConvolution {
    VolumeConvolution(channels, window, groups: groups, bias: false)
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let shape = [x.shape[0]] + (try! outputShape([Array(x.shape.dropFirst())]))
    let value = convolution(x.shape[1]).adjoint(x, parameters[0], input: shape)
    return Evaluation(hasBias ? value.adding(toChannels: parameters[1]) : value)
  }

  /// The convolution of v.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [convolution(site.inputShapes[0][1]).product(v, site.parameters[0], .evaluation)]
  }

  /// That of the convolution, with x and v in each other's place.
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let x = site.input()
    let weight = convolution(x.shape[1]).weightGradient(x, at: v, like: site.parameters[0])
    return hasBias ? [weight, channelSums(v)] : [weight]
  }
}

extension Tensor {
  /// The value with a number added to each channel, axis 1.
  fileprivate func adding(toChannels bias: Tensor) -> Tensor {
    let layout = ChannelLayout(shape)
    return Tensor(shape: shape) { sum in
      Tensor.withPointers(self, bias) { value, bias in
        layout.forEachPlane { _, channel, offset in
          Arrays.affine(value + offset, 1, bias[channel], sum.baseAddress! + offset, layout.plane)
        }
      }
    }
  }
}

/// Volumes `(N, C, D, H, W)` as slices `(N D, C, H, W)`, image by image.
private struct Slices {
  let images, depth: Int
  private var values: Tensor

  init(_ volumes: Tensor) {
    let shape = volumes.shape
    (images, depth) = (shape[0], shape[2])
    values = volumes.permuted([0, 2, 1, 3, 4]).reshaped([shape[0] * shape[2], shape[1], shape[3], shape[4]])
  }

  init(images: Int, depth: Int, slice: [Int]) {
    (self.images, self.depth) = (images, depth)
    values = Tensor(shape: [images * depth] + slice)
  }

  /// The shape of a slice.
  var slice: [Int] { Array(values.shape.dropFirst()) }

  var volumes: Tensor { values.reshaped([images, depth] + slice).permuted([0, 2, 1, 3, 4]) }

  private func rows(_ places: [Int]) -> [Int] { (0..<images).flatMap { image in places.map { image * depth + $0 } } }

  /// The slices at certain places of each image.
  func taking(_ places: [Int]) -> Tensor { Tensor(batching: rows(places).map { values.image($0) }) }

  /// Adds slices to those at certain places of each image.
  mutating func add(_ part: Tensor, to places: [Int]) {
    for (source, row) in rows(places).enumerated() { values.addToImage(row, 1, of: part, image: source) }
  }
}
