import CKernels

extension ConvolutionShape {
  /// `y[n] = weight * x[n]` for each image n, then `finish`.
  ///
  /// - Parameter rectifying: whether relu(x) takes the place of x.
  /// - Precondition: a depthwise convolution does not rectify.
  package func forward(
    _ x: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, images: Int,
    rectifying: Bool = false, finish: Finish = Finish()
  ) {
    if isDepthwise {
      precondition(!rectifying)
      return forEachPlane(images) { image, channel, scratch in
        let offset = image * outputSize + channel * window.outputPlane
        withUnsafePointer(to: window.c) { w in
          pb_depthwise(
            x + image * inputSize + channel * window.inputPlane, weight + channel * window.kernelPlane, 0, w,
            y + offset, scratch)
        }
        finish.apply(y, channel: channel, offset: offset, count: window.outputPlane, next: window.outputPlane)
      }
    }
    let product = PanelProduct(
      rows: groupOutputs, channels: groupInputs, places: window.outputPlane,
      source: window.isPointwise ? .planes(size: window.inputPlane) : .windows(window.c),
      walk: pb_walk(row: depth, outer: 0, inner: 1, outer_count: 1, inner_count: window.kernelPlane),
      channelStep: window.kernelPlane, rectifies: rectifying)
    for group in 0..<groups {
      let rows = group * groupOutputs
      product.run(
        self.weight(weight, ofGroup: group),
        .init(start: x + group * groupInputs * window.inputPlane, size: inputSize),
        into: .init(start: y + rows * window.outputPlane, size: outputSize), images: images
      ) { row, offset, count in
        finish.apply(y, channel: rows + row, offset: rows * window.outputPlane + offset, count: count,
          next: window.outputPlane)
      }
    }
  }
}
