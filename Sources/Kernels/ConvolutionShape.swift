import CKernels

// Convolution of NCHW batches as products of the weight, read in place, with panels of unrolled input places; with
// direct loops for depthwise kernels.
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

  /// The weight of group `group`.
  func weight(_ weight: UnsafePointer<Float>, ofGroup group: Int) -> UnsafePointer<Float> {
    weight + group * groupOutputs * depth
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
