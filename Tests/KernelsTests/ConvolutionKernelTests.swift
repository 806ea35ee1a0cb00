import Kernels
import TestKit
import Testing

/// Convolutions as the kernels cut and unroll them, against plain loops in Double.
@Suite struct ConvolutionKernelTests {
  struct Case: Sendable, CustomStringConvertible {
    let inputs, outputs, height, width, kernel, stride, padding: Int
    var dilation = 1
    var groups = 1
    var isTransformable = false
    var description: String {
      "\(inputs) to \(outputs) of \(height)x\(width), kernel \(kernel), stride \(stride), padding \(padding), "
        + "dilation \(dilation), \(groups) groups"
    }
    var rows: Int { (height + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1 }
    var columns: Int { (width + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1 }
    var weightShape: [Int] { [outputs, inputs / groups, kernel, kernel] }
    var shape: ConvolutionShape {
      ConvolutionShape(
        inputs: inputs, outputs: outputs, groups: groups,
        window: Window(
          input: (height, width), output: (rows, columns), kernel: (kernel, kernel), stride: (stride, stride),
          dilation: (dilation, dilation), paddingTopLeft: (padding, padding)))
    }
  }

  /// Several pieces and blocks, rows that are no multiple of a tile, partial panels, every way to the adjoint.
  static let cases = [
    Case(inputs: 5, outputs: 7, height: 9, width: 11, kernel: 3, stride: 1, padding: 1),
    Case(inputs: 45, outputs: 17, height: 7, width: 7, kernel: 3, stride: 1, padding: 1),
    Case(inputs: 12, outputs: 19, height: 30, width: 21, kernel: 1, stride: 1, padding: 0),
    Case(inputs: 9, outputs: 8, height: 23, width: 26, kernel: 3, stride: 2, padding: 1),
    Case(inputs: 3, outputs: 10, height: 31, width: 33, kernel: 7, stride: 2, padding: 3),
    Case(inputs: 16, outputs: 12, height: 14, width: 13, kernel: 1, stride: 2, padding: 0),
    Case(inputs: 10, outputs: 9, height: 17, width: 15, kernel: 3, stride: 1, padding: 0),
    Case(inputs: 8, outputs: 11, height: 12, width: 19, kernel: 3, stride: 1, padding: 2, dilation: 2),
    Case(inputs: 8, outputs: 6, height: 8, width: 9, kernel: 3, stride: 1, padding: 4),
    Case(inputs: 8, outputs: 6, height: 13, width: 12, kernel: 4, stride: 3, padding: 2),
    Case(inputs: 32, outputs: 48, height: 10, width: 10, kernel: 3, stride: 1, padding: 1, groups: 2),
    Case(inputs: 32, outputs: 40, height: 12, width: 12, kernel: 3, stride: 1, padding: 1, isTransformable: true),
    Case(inputs: 36, outputs: 33, height: 15, width: 17, kernel: 3, stride: 1, padding: 1, isTransformable: true),
    Case(inputs: 270, outputs: 32, height: 12, width: 13, kernel: 3, stride: 1, padding: 0),
    Case(inputs: 270, outputs: 32, height: 14, width: 15, kernel: 3, stride: 1, padding: 0, isTransformable: true),
    Case(inputs: 32, outputs: 34, height: 30, width: 40, kernel: 3, stride: 1, padding: 2, isTransformable: true),
    // More weights than the maps are worth.
    Case(inputs: 264, outputs: 264, height: 12, width: 12, kernel: 3, stride: 1, padding: 1),
    // Small maps, which several images share panels for.
    Case(inputs: 300, outputs: 270, height: 3, width: 5, kernel: 1, stride: 1, padding: 0),
    Case(inputs: 40, outputs: 21, height: 14, width: 13, kernel: 3, stride: 2, padding: 1),
    Case(inputs: 280, outputs: 18, height: 12, width: 13, kernel: 1, stride: 2, padding: 0),
    Case(inputs: 16, outputs: 20, height: 8, width: 7, kernel: 3, stride: 2, padding: 1, groups: 2),
    // One channel to one.
    Case(inputs: 9, outputs: 9, height: 12, width: 17, kernel: 3, stride: 1, padding: 1, groups: 9),
    Case(inputs: 9, outputs: 9, height: 13, width: 37, kernel: 5, stride: 2, padding: 2, groups: 9),
    Case(inputs: 3, outputs: 3, height: 10, width: 8, kernel: 2, stride: 2, padding: 1, groups: 3),
    Case(inputs: 3, outputs: 3, height: 16, width: 19, kernel: 3, stride: 2, padding: 3, dilation: 3, groups: 3),
    Case(inputs: 3, outputs: 3, height: 16, width: 19, kernel: 3, stride: 3, padding: 2, dilation: 2, groups: 3),
    Case(inputs: 3, outputs: 3, height: 9, width: 8, kernel: 3, stride: 1, padding: 4, dilation: 1, groups: 3),
    Case(inputs: 2, outputs: 2, height: 18, width: 21, kernel: 9, stride: 1, padding: 4, groups: 2),
  ]

  /// To the bit, however many there are.
  @Test(arguments: cases) func imagesTogetherAreImagesAlone(_ test: Case) {
    let images = 7
    let (xSize, vSize) = (test.inputs * test.height * test.width, test.outputs * test.rows * test.columns)
    let x = Formula.image("x", [images * xSize]).scalars
    let v = Formula.image("v", [images * vSize]).scalars
    let weight = Formula.parameter("weight", test.weightShape).scalars
    var (y, dx) = ([Float](repeating: .nan, count: v.count), [Float](repeating: .nan, count: x.count))
    test.shape.forward(x, weight, into: &y, images: images)
    test.shape.adjoint(v, weight, into: &dx, images: images)
    for image in 0..<images {
      var (one, back) = ([Float](repeating: .nan, count: vSize), [Float](repeating: .nan, count: xSize))
      test.shape.forward(Array(x[image * xSize..<(image + 1) * xSize]), weight, into: &one, images: 1)
      test.shape.adjoint(Array(v[image * vSize..<(image + 1) * vSize]), weight, into: &back, images: 1)
      #expect(one.map(\.bitPattern) == y[image * vSize..<(image + 1) * vSize].map(\.bitPattern))
      #expect(back.map(\.bitPattern) == dx[image * xSize..<(image + 1) * xSize].map(\.bitPattern))
    }
  }

  @Test(arguments: cases) func agreesWithLoops(_ test: Case) {
    let images = 2
    let x = Formula.image("x", [images, test.inputs, test.height, test.width]).scalars
    let v = Formula.image("v", [images, test.outputs, test.rows, test.columns]).scalars
    let weight = Formula.parameter("weight", test.weightShape).scalars
    var y = [Float](repeating: .nan, count: v.count)
    var dx = [Float](repeating: .nan, count: x.count)
    #expect(test.shape.takesTransformedWeight == test.isTransformable)
    let (expectedY, expectedDx) = loops(test, images, x, v, weight)

    test.shape.forward(x, weight, into: &y, images: images)
    test.shape.adjoint(v, weight, into: &dx, images: images)
    expectClose(y.map(Double.init), expectedY, within: 2e-6, "forward")
    expectClose(dx.map(Double.init), expectedDx, within: 2e-6, "adjoint")

    for form in [WeightForm.strips, .transformed] {
      guard test.shape.bestForm(transforming: form == .transformed) == form else { continue }
      var prepared = [Float](repeating: .nan, count: test.shape.weightCount(form))
      test.shape.prepare(weight, as: form, into: &prepared)
      y = [Float](repeating: .nan, count: v.count)
      dx = [Float](repeating: .nan, count: x.count)
      test.shape.forward(x, prepared, form, into: &y, images: images)
      test.shape.adjoint(v, prepared, form, into: &dx, images: images)
      expectClose(y.map(Double.init), expectedY, within: 2e-6, "forward, \(form)")
      expectClose(dx.map(Double.init), expectedDx, within: 2e-6, "adjoint, \(form)")
    }
  }

  /// `y = w x` and `dx = w^T v`, place by place.
  private func loops(
    _ test: Case, _ images: Int, _ x: [Float], _ v: [Float], _ weight: [Float]
  ) -> (y: [Double], dx: [Double]) {
    var y = [Double](repeating: 0, count: v.count)
    var dx = [Double](repeating: 0, count: x.count)
    let (inputs, outputs) = (test.inputs / test.groups, test.outputs / test.groups)
    for image in 0..<images {
      for output in 0..<test.outputs {
        for input in 0..<inputs {
          let channel = output / outputs * inputs + input
          for (i, j) in (0..<test.kernel * test.kernel).map({ ($0 / test.kernel, $0 % test.kernel) }) {
            let factor = Double(weight[((output * inputs + input) * test.kernel + i) * test.kernel + j])
            for row in 0..<test.rows {
              let h = row * test.stride + i * test.dilation - test.padding
              guard h >= 0, h < test.height else { continue }
              for column in 0..<test.columns {
                let w = column * test.stride + j * test.dilation - test.padding
                guard w >= 0, w < test.width else { continue }
                let from = ((image * test.inputs + channel) * test.height + h) * test.width + w
                let to = ((image * test.outputs + output) * test.rows + row) * test.columns + column
                y[to] += factor * Double(x[from])
                dx[from] += factor * Double(v[to])
              }
            }
          }
        }
      }
    }
    return (y, dx)
  }
}
