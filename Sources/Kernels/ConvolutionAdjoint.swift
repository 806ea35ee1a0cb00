import CKernels

extension ConvolutionShape {
  /// `dx[n] = weight^T * v[n]`, the adjoint of the forward map, then `finish`.
  package func adjoint(
    _ v: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, images: Int,
    finish: Finish = Finish()
  ) {
    if isDepthwise {
      return forEachPlane(images) { image, channel, scratch in
        let offset = image * inputSize + channel * window.inputPlane
        withUnsafePointer(to: window.c) { w in
          pb_depthwise_adjoint(
            v + image * outputSize + channel * window.outputPlane, weight + channel * window.kernelPlane, w,
            dx + offset, scratch)
        }
        finish.apply(dx, channel: channel, offset: offset, count: window.inputPlane)
      }
    }
    // A product of few rows does not pay for unrolling the cotangent.
    if groupInputs >= 8, let mirrored = window.mirrored {
      mirroredAdjoint(mirrored, v, weight, into: dx, images: images, finish: finish)
    } else {
      scatteredAdjoint(v, weight, into: dx, images: images, finish: finish)
    }
  }

  /// At stride 1 the adjoint is a convolution with the mirrored kernel, whose sums run over outputs: the weight is read
  /// backwards in place.
  private func mirroredAdjoint(
    _ mirrored: pb_window, _ v: UnsafePointer<Float>, _ weight: UnsafePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, images: Int, finish: Finish
  ) {
    let kernel = window.kernelPlane
    let product = PanelProduct(
      rows: groupInputs, channels: groupOutputs, places: window.inputPlane,
      source: window.isPointwise ? .planes(size: window.outputPlane) : .windows(mirrored),
      walk: kernel == 1
        ? pb_walk(row: 1, outer: 0, inner: depth, outer_count: 1, inner_count: 1)
        : pb_walk(row: kernel, outer: depth, inner: -1, outer_count: 0, inner_count: kernel),
      channelStep: depth)
    for group in 0..<groups {
      product.forEachPiece(images: images) { image, rows, places in
        let first = image * inputSize + group * groupInputs * window.inputPlane + places.lowerBound
        product.compute(
          self.weight(weight, ofGroup: group) + kernel - 1,
          v + image * outputSize + group * groupOutputs * window.outputPlane,
          rows: rows, places: places, into: dx + first + rows.lowerBound * window.inputPlane, stride: window.inputPlane)
        for row in rows {
          finish.apply(
            dx, channel: group * groupInputs + row, offset: first + row * window.inputPlane, count: places.count)
        }
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
      walk: pb_walk(row: 1, outer: 0, inner: depth, outer_count: 1, inner_count: 1), channelStep: depth)
    // A strip's columns are a few hundred KB.
    let size = depth * window.outputPlane
    let strips = split(groupInputs, into: min(groupInputs, max(size > 1 << 16 ? 2 : 1, size >> 17)))
    Parallel.forEach(images * groups * strips.count) { index in
      let strip = strips[index % strips.count]
      let group = index / strips.count % groups
      let image = index / strips.count / groups
      let rows = strip.lowerBound * kernel..<strip.upperBound * kernel
      let first = image * inputSize + (group * groupInputs + strip.lowerBound) * window.inputPlane
      withScratch(rows.count * window.outputPlane) { columns in
        product.forEachPlaceRange { places in
          product.compute(
            self.weight(weight, ofGroup: group), v + image * outputSize + group * groupOutputs * window.outputPlane,
            rows: rows, places: places, into: columns + places.lowerBound, stride: window.outputPlane)
        }
        (dx + first).update(repeating: 0, count: strip.count * window.inputPlane)
        withUnsafePointer(to: window.c) { w in pb_columns_adjoint(columns, strip.count, w, dx + first) }
      }
      for channel in 0..<strip.count {
        finish.apply(
          dx, channel: group * groupInputs + strip.lowerBound + channel, offset: first + channel * window.inputPlane,
          count: window.inputPlane)
      }
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
