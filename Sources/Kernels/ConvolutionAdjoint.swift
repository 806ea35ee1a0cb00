import CKernels

extension ConvolutionShape {
  /// `dx[n] = weight^T * v[n]`, the adjoint of the forward map, then `finish`.
  ///
  /// - Parameter form: the form of the weight.
  /// - Precondition: a transformed weight is of a shape that takes one.
  package func adjoint(
    _ v: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ form: WeightForm = .natural,
    into dx: UnsafeMutablePointer<Float>, images: Int, finish: Finish = Finish()
  ) {
    switch form {
    case .natural where isDepthwise:
      forEachPlane(images) { image, channel, scratch in
        let offset = image * inputSize + channel * window.inputPlane
        withUnsafePointer(to: window.c) { w in
          pb_depthwise_adjoint(
            v + image * outputSize + channel * window.outputPlane, weight + channel * window.kernelPlane, w,
            dx + offset, scratch)
        }
        finish.apply(dx, channel: channel, offset: offset, count: window.inputPlane, next: window.inputPlane)
      }
    case .natural:
      withStrips(weight) { adjoint(v, $0, .strips, into: dx, images: images, finish: finish) }
    case .strips:
      // A product of few rows does not pay for unrolling the cotangent.
      if groupInputs >= 8, let mirrored = window.mirrored {
        mirroredAdjoint(mirrored, v, weight, into: dx, images: images, finish: finish)
      } else {
        scatteredAdjoint(v, weight, into: dx, images: images, finish: finish)
      }
    case .transformed: adjointTransformed(v, weight, into: dx, images: images, finish: finish)
    }
  }

  /// At stride 1 the adjoint is a convolution with the mirrored kernel, whose sums run over outputs.
  private func mirroredAdjoint(
    _ mirrored: pb_window, _ v: UnsafePointer<Float>, _ weight: UnsafePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, images: Int, finish: Finish
  ) {
    let kernel = window.kernelPlane
    let product = PanelProduct(
      rows: groupInputs, channels: groupOutputs, places: window.inputPlane,
      source: window.isPointwise ? .planes(size: window.outputPlane) : .windows(mirrored),
      reading: StripReading(direction: kernel == 1 ? .across : .acrossMirrored, depth: depth, kernel: kernel))
    for group in 0..<groups {
      let rows = group * groupInputs
      product.run(
        strips(weight, ofGroup: group),
        .init(start: v + group * groupOutputs * window.outputPlane, size: outputSize),
        into: .init(start: dx + rows * window.inputPlane, size: inputSize), images: images
      ) { row, offset, count in
        finish.apply(
          dx, channel: rows + row, offset: rows * window.inputPlane + offset, count: count,
          next: window.inputPlane)
      }
    }
  }

  /// At other strides: the columns' cotangents, added up where their places lie. Work is cut by input channels, so
  /// that no two pieces write the same memory.
  private func scatteredAdjoint(
    _ v: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, images: Int,
    finish: Finish
  ) {
    let kernel = window.kernelPlane
    let product = PanelProduct(
      rows: depth, channels: groupOutputs, places: window.outputPlane, source: .planes(size: window.outputPlane),
      reading: StripReading(direction: .across, depth: depth, kernel: kernel))
    func finishPlanes(_ channels: Range<Int>, from first: Int) {
      for (place, channel) in channels.enumerated() {
        finish.apply(
          dx, channel: channel, offset: first + place * window.inputPlane, count: window.inputPlane,
          next: window.inputPlane)
      }
    }
    if images > 1, window.outputPlane <= PanelProduct.smallMap {
      for group in 0..<groups {
        let cotangents = v + group * groupOutputs * window.outputPlane
        product.together(
          strips(weight, ofGroup: group), .init(start: cotangents, size: outputSize), images: images, unit: kernel
        ) { rows, images, sums in
          let channels = group * groupInputs + rows.lowerBound / kernel..<group * groupInputs + rows.upperBound / kernel
          for (place, image) in images.enumerated() {
            let first = image * inputSize + channels.lowerBound * window.inputPlane
            (dx + first).update(repeating: 0, count: channels.count * window.inputPlane)
            withUnsafePointer(to: window.c) { w in
              pb_columns_adjoint(
                sums + place * window.outputPlane, images.count * window.outputPlane, channels.count, w, 0,
                w.pointee.out_height, dx + first)
            }
            finishPlanes(channels, from: first)
          }
        }
      }
      return
    }
    let strips = split(
      groupInputs, into: min(groupInputs, max(images == 1 && Parallel.spreads ? 2 : 1, depth / 576)))
    Parallel.forEach(images * groups * strips.count) { index in
      let strip = strips[index % strips.count]
      let group = index / strips.count % groups
      let image = index / strips.count / groups
      let rows = strip.lowerBound * kernel..<strip.upperBound * kernel
      let channels = group * groupInputs + strip.lowerBound..<group * groupInputs + strip.upperBound
      let first = image * inputSize + channels.lowerBound * window.inputPlane
      let (height, width) = (window.c.out_height, window.c.out_width)
      // A band's columns stay in the second-level cache.
      let bandHeight = min(height, max(1, (1 << 17) / (rows.count * width)))
      (dx + first).update(repeating: 0, count: channels.count * window.inputPlane)
      withScratch(rows.count * bandHeight * width) { columns in
        // From below upwards, so that every sum takes the kernel's rows in their order, however high the bands are.
        for end in stride(from: height, to: 0, by: -bandHeight) {
          let band = max(0, end - bandHeight)..<end
          let places = band.lowerBound * width..<band.upperBound * width
          for piece in product.pieces(of: places) {
            product.compute(
              self.strips(weight, ofGroup: group), v + image * outputSize + group * groupOutputs * window.outputPlane,
              rows: rows, places: piece, into: columns + piece.lowerBound - places.lowerBound, stride: places.count)
          }
          withUnsafePointer(to: window.c) { w in
            pb_columns_adjoint(
              columns, places.count, channels.count, w, band.lowerBound, band.upperBound, dx + first)
          }
        }
      }
      finishPlanes(channels, from: first)
    }
  }
}

extension Window {
  /// The window of the adjoint, which slides over the output with the kernel mirrored; nil where the stride is not 1
  /// or the padding is wider than the kernel.
  var mirrored: pb_window? {
    let reach = ((c.kernel_h - 1) * c.dilation_h, (c.kernel_w - 1) * c.dilation_w)
    guard c.stride_h == 1, c.stride_w == 1, c.pad_top <= reach.0, c.pad_left <= reach.1 else { return nil }
    var mirrored = c
    (mirrored.height, mirrored.width) = (c.out_height, c.out_width)
    (mirrored.out_height, mirrored.out_width) = (c.height, c.width)
    (mirrored.pad_top, mirrored.pad_left) = (reach.0 - c.pad_top, reach.1 - c.pad_left)
    return mirrored
  }
}

extension ConvolutionShape {
  /// The gradient of `<v, forward(x)>` with respect to the weight, summed over the batch in a fixed order.
  package func weightGradient(
    _ v: UnsafePointer<Float>, _ x: UnsafePointer<Float>, into dWeight: UnsafeMutablePointer<Float>, images: Int
  ) {
    let count = outputs * depth
    // Up to four runs of images are summed side by side, then the runs in order.
    let runs = split(images, into: min(images, 4))
    withScratch(runs.count * count) { sums in
      Parallel.forEach(runs.count) { run in
        let sum = sums + run * count
        sum.update(repeating: 0, count: count)
        for image in runs[run] { addWeightGradient(v + image * outputSize, x + image * inputSize, to: sum) }
      }
      dWeight.update(from: sums, count: count)
      for run in 1..<max(1, runs.count) { pb_accumulate(sums + run * count, dWeight, count) }
    }
  }

  private func addWeightGradient(
    _ v: UnsafePointer<Float>, _ x: UnsafePointer<Float>, to dWeight: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: window.c) { w in
      if isDepthwise {
        for channel in 0..<inputs {
          pb_depthwise_weight(
            v + channel * window.outputPlane, x + channel * window.inputPlane, w,
            dWeight + channel * window.kernelPlane)
        }
        return
      }
      for group in 0..<groups {
        let input = x + group * groupInputs * window.inputPlane
        func multiply(_ columns: UnsafePointer<Float>) {
          matrixProduct(
            MatrixOperand(v + group * groupOutputs * window.outputPlane, stride: window.outputPlane),
            MatrixOperand(columns, stride: window.outputPlane, transposed: true),
            into: dWeight + group * groupOutputs * depth, stride: depth,
            m: groupOutputs, n: depth, k: window.outputPlane, accumulating: true)
        }
        if window.isPointwise {
          multiply(input)
        } else {
          withScratch(depth * window.outputPlane) { columns in
            pb_columns(input, groupInputs, w, 0, window.c.out_height, columns)
            multiply(columns)
          }
        }
      }
    }
  }
}
