import CKernels

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
