import CKernels

// Convolution of NCHW batches as products of the weight, in strips, with panels of unrolled input places; with direct
// loops for depthwise kernels.
//
// Goals: bytes that depend on neither threads nor batch. An element's sum runs over the same blocks in the same order
// however the work is cut.
// Non-goals: grouped convolutions that are not depthwise run one group at a time and are not tuned.

/// The shape of a convolution: `weight` is `(outputs, inputs / groups, kh, kw)`.
package struct ConvolutionShape: Sendable {
  let inputs: Int
  let outputs: Int
  let groups: Int
  let window: Window

  package init(inputs: Int, outputs: Int, groups: Int, window: Window) {
    self.inputs = inputs
    self.outputs = outputs
    self.groups = groups
    self.window = window
  }

  /// Maps of so many places and fewer are computed for several images together.
  package static let smallMap = PanelProduct.smallMap

  var inputSize: Int { inputs * window.inputPlane }
  var outputSize: Int { outputs * window.outputPlane }
  var groupInputs: Int { inputs / groups }
  var groupOutputs: Int { outputs / groups }
  /// The inner extent of the matrix product of one group.
  var depth: Int { groupInputs * window.kernelPlane }
  var isDepthwise: Bool { groups == inputs && outputs == inputs && groups > 1 }

  /// The strips of group `group`.
  func strips(_ weight: UnsafePointer<Float>, ofGroup group: Int) -> UnsafePointer<Float> {
    weight + group * StripReading.count(rows: groupOutputs, depth: depth)
  }

  /// Calls `body` with every plane of a depthwise convolution, and scratch for its kernels.
  func forEachPlane(
    _ images: Int, _ body: (_ image: Int, _ channel: Int, _ scratch: UnsafeMutablePointer<Float>) -> Void
  ) {
    let scratch = withUnsafePointer(to: window.c) { pb_depthwise_scratch($0) }
    // Planes are small: eight a piece keep the cost of handing out work down.
    let planes = images * inputs
    Parallel.forEachBlock(of: planes, size: 8) { block in
      withScratch(scratch) { scratch in
        for plane in block { body(plane / inputs, plane % inputs, scratch) }
      }
    }
  }
}

/// A window that slides over a plane: the geometry that convolution and pooling share. `C` prefix aside, it is
/// ``pb_window`` with an initialiser that infers the output extent.
package struct Window: Sendable {
  package var c: pb_window

  /// - Parameters: extents as (height, width); `padding` is the one above and to the left; `output` is given because
  ///   rounding and asymmetric padding decide it.
  package init(
    input: (Int, Int), output: (Int, Int), kernel: (Int, Int), stride: (Int, Int), dilation: (Int, Int),
    paddingTopLeft: (Int, Int)
  ) {
    c = pb_window(
      height: input.0, width: input.1, out_height: output.0, out_width: output.1,
      kernel_h: kernel.0, kernel_w: kernel.1, stride_h: stride.0, stride_w: stride.1,
      dilation_h: dilation.0, dilation_w: dilation.1,
      pad_top: paddingTopLeft.0, pad_left: paddingTopLeft.1)
  }

  var inputPlane: Int { c.height * c.width }
  var outputPlane: Int { c.out_height * c.out_width }
  var kernelPlane: Int { c.kernel_h * c.kernel_w }

  /// A 1 x 1 kernel that visits every place: convolution is then a plain matrix product.
  var isPointwise: Bool {
    kernelPlane == 1 && c.stride_h == 1 && c.stride_w == 1 && inputPlane == outputPlane && c.pad_top == 0
      && c.pad_left == 0
  }
}

/// The forms of a weight. A network prepares each once, and both directions run by the same form.
package enum WeightForm: Sendable {
  /// `(outputs, inputs / groups, kh, kw)`, which depthwise kernels run on; others bring it into strips at every call.
  case natural
  /// Eight outputs side by side, in the order in which products read them.
  case strips
  /// Winograd's transform, each of its components in strips.
  case transformed
}

extension ConvolutionShape {
  /// The form that the convolution runs fastest on.
  ///
  /// - Parameter transforming: whether it may be Winograd's transform, which rounds differently.
  package func bestForm(transforming: Bool) -> WeightForm {
    isDepthwise ? .natural : transforming && takesTransformedWeight ? .transformed : .strips
  }

  /// The number of floats of the weight in a form.
  package func weightCount(_ form: WeightForm) -> Int {
    switch form {
    case .natural: outputs * depth
    case .strips: groups * StripReading.count(rows: groupOutputs, depth: depth)
    case .transformed: 16 * StripReading.count(rows: outputs, depth: inputs)
    }
  }

  /// Writes the natural weight in another form.
  ///
  /// - Precondition: the form is not the natural one.
  package func prepare(
    _ weight: UnsafePointer<Float>, as form: WeightForm, into prepared: UnsafeMutablePointer<Float>
  ) {
    switch form {
    case .natural: preconditionFailure("a natural weight is taken as it is")
    case .strips:
      for group in 0..<groups {
        pb_pack_strips(
          weight + group * groupOutputs * depth, groupOutputs, depth,
          prepared + group * StripReading.count(rows: groupOutputs, depth: depth))
      }
    case .transformed: pb_winograd_weights(weight, outputs, inputs, prepared)
    }
  }

  /// Calls `body` with a natural weight in strips.
  func withStrips(_ weight: UnsafePointer<Float>, _ body: (UnsafePointer<Float>) -> Void) {
    withScratch(weightCount(.strips)) { strips in
      prepare(weight, as: .strips, into: strips)
      body(strips)
    }
  }

  /// `y[n] = weight * x[n]` for each image n, then `finish`.
  ///
  /// - Parameters:
  ///   - form: the form of the weight.
  ///   - rectifying: whether relu(x) takes the place of x.
  /// - Precondition: a depthwise convolution does not rectify; a transformed weight is of a shape that takes one.
  package func forward(
    _ x: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ form: WeightForm = .natural,
    into y: UnsafeMutablePointer<Float>, images: Int, rectifying: Bool = false, finish: Finish = Finish()
  ) {
    switch form {
    case .natural where isDepthwise:
      precondition(!rectifying)
      forEachPlane(images) { image, channel, scratch in
        let offset = image * outputSize + channel * window.outputPlane
        withUnsafePointer(to: window.c) { w in
          pb_depthwise(
            x + image * inputSize + channel * window.inputPlane, weight + channel * window.kernelPlane, 0, w,
            y + offset, scratch)
        }
        finish.apply(y, channel: channel, offset: offset, count: window.outputPlane, next: window.outputPlane)
      }
    case .natural:
      withStrips(weight) {
        forward(x, $0, .strips, into: y, images: images, rectifying: rectifying, finish: finish)
      }
    case .strips: forwardByStrips(x, weight, into: y, images: images, rectifying: rectifying, finish: finish)
    case .transformed: forwardTransformed(x, weight, into: y, images: images, rectifying: rectifying, finish: finish)
    }
  }

  private func forwardByStrips(
    _ x: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, images: Int,
    rectifying: Bool, finish: Finish
  ) {
    let product = PanelProduct(
      rows: groupOutputs, channels: groupInputs, places: window.outputPlane,
      source: window.isPointwise ? .planes(size: window.inputPlane) : .windows(window.c),
      reading: StripReading(direction: .along, depth: depth, kernel: window.kernelPlane), rectifies: rectifying)
    for group in 0..<groups {
      let rows = group * groupOutputs
      product.run(
        strips(weight, ofGroup: group),
        .init(start: x + group * groupInputs * window.inputPlane, size: inputSize),
        into: .init(start: y + rows * window.outputPlane, size: outputSize), images: images
      ) { row, offset, count in
        finish.apply(
          y, channel: rows + row, offset: rows * window.outputPlane + offset, count: count,
          next: window.outputPlane)
      }
    }
  }
}
