import CKernels

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
