import CKernels

// Convolution of NCHW batches as matrix products over unrolled columns, with direct loops for depthwise kernels.
//
// Goals: bytes that depend on neither threads nor batch. Work is cut by the shape of one image: strips of output rows in
// the forward pass, strips of input channels in the adjoint, so that no two pieces write the same memory.
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

  var inputSize: Int { inputs * window.inputPlane }
  var outputSize: Int { outputs * window.outputPlane }
  var groupInputs: Int { inputs / groups }
  var groupOutputs: Int { outputs / groups }
  /// The inner extent of the matrix product of one group.
  var depth: Int { groupInputs * window.kernelPlane }
  var isDepthwise: Bool { groups == inputs && outputs == inputs && groups > 1 }

  /// Output rows of one piece of the forward pass: a piece has a few thousand pixels, and a map of some size has at
  /// least two pieces.
  private var rowStrips: [Range<Int>] {
    let pixels = window.outputPlane
    let pieces = pixels < 256 ? 1 : min(window.c.out_height, max(2, pixels / 3136))
    return split(window.c.out_height, into: pieces)
  }

  /// Small maps are cut by output channels instead.
  private var channelStrips: [Range<Int>] { split(groupOutputs, into: window.outputPlane < 256 && groupOutputs >= 64 ? 2 : 1) }

  private struct Piece { let group: Int, rows: Range<Int>, channels: Range<Int> }

  private var forwardPieces: [Piece] {
    (0..<groups).flatMap { group in
      rowStrips.flatMap { rows in channelStrips.map { Piece(group: group, rows: rows, channels: $0) } }
    }
  }

  /// `y[n] = weight * x[n] + bias` for each image n.
  package func forward(
    _ x: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
    into y: UnsafeMutablePointer<Float>, images: Int
  ) {
    if isDepthwise {
      return forEachPlane(images) { image, channel in
        withUnsafePointer(to: window.c) { w in
          pb_depthwise(
            x + image * inputSize + channel * window.inputPlane, weight + channel * window.kernelPlane,
            bias?[channel] ?? 0, w, y + image * outputSize + channel * window.outputPlane)
        }
      }
    }
    let pieces = forwardPieces
    Parallel.forEach(images * pieces.count) { index in
      let piece = pieces[index % pieces.count]
      let image = index / pieces.count
      let input = x + image * inputSize + piece.group * groupInputs * window.inputPlane
      let firstOutput = piece.group * groupOutputs + piece.channels.lowerBound
      let firstPixel = piece.rows.lowerBound * window.c.out_width
      let pixels = piece.rows.count * window.c.out_width
      let output = y + image * outputSize + firstOutput * window.outputPlane + firstPixel
      let matrix = MatrixOperand(weight + firstOutput * depth, stride: depth)
      // The bias goes first, so that one accumulating product finishes the piece.
      if let bias {
        for channel in 0..<piece.channels.count {
          (output + channel * window.outputPlane).update(repeating: bias[firstOutput + channel], count: pixels)
        }
      }
      func multiply(_ columns: UnsafePointer<Float>, stride: Int) {
        matrixProduct(
          matrix, MatrixOperand(columns, stride: stride), into: output, stride: window.outputPlane,
          m: piece.channels.count, n: pixels, k: depth, accumulating: bias != nil)
      }
      if window.isPointwise {
        multiply(input + firstPixel, stride: window.inputPlane)
      } else {
        withScratch(depth * pixels) { columns in
          withUnsafePointer(to: window.c) { w in
            pb_columns(input, groupInputs, w, piece.rows.lowerBound, piece.rows.upperBound, columns)
          }
          multiply(columns, stride: pixels)
        }
      }
    }
  }

  /// `dx[n] = weight^T * v[n]`, the adjoint of the forward map without its bias.
  package func adjoint(
    _ v: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, images: Int
  ) {
    if isDepthwise {
      return forEachPlane(images) { image, channel in
        withUnsafePointer(to: window.c) { w in
          pb_depthwise_adjoint(
            v + image * outputSize + channel * window.outputPlane, weight + channel * window.kernelPlane, w,
            dx + image * inputSize + channel * window.inputPlane)
        }
      }
    }
    let strips = split(groupInputs, into: min(groupInputs, depth * window.outputPlane > 1 << 16 ? 4 : 1))
    Parallel.forEach(images * groups * strips.count) { index in
      let strip = strips[index % strips.count]
      let group = index / strips.count % groups
      let image = index / strips.count / groups
      let cotangent = v + image * outputSize + group * groupOutputs * window.outputPlane
      let rows = strip.count * window.kernelPlane
      let matrix = MatrixOperand(
        weight + group * groupOutputs * depth + strip.lowerBound * window.kernelPlane, stride: depth, transposed: true)
      let output = dx + image * inputSize + (group * groupInputs + strip.lowerBound) * window.inputPlane
      func multiply(into columns: UnsafeMutablePointer<Float>) {
        matrixProduct(
          matrix, MatrixOperand(cotangent, stride: window.outputPlane), into: columns, stride: window.outputPlane,
          m: rows, n: window.outputPlane, k: groupOutputs)
      }
      if window.isPointwise {
        multiply(into: output)
      } else {
        withScratch(rows * window.outputPlane) { columns in
          multiply(into: columns)
          output.update(repeating: 0, count: strip.count * window.inputPlane)
          withUnsafePointer(to: window.c) { w in pb_columns_adjoint(columns, strip.count, w, output) }
        }
      }
    }
  }

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
            v + channel * window.outputPlane, x + channel * window.inputPlane, w, dWeight + channel * window.kernelPlane)
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

  private func forEachPlane(_ images: Int, _ body: (_ image: Int, _ channel: Int) -> Void) {
    // Planes are small: eight a piece keep the cost of handing out work down.
    let planes = images * inputs
    Parallel.forEachBlock(of: planes, size: 8) { block in
      for plane in block { body(plane / inputs, plane % inputs) }
    }
  }
}
