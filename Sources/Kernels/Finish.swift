import CKernels

/// What is done to every row of a convolution's result while it is in cache: the steps of the layers that follow.
///
/// Pointers are to whole batches laid out as the result, or to one value per channel.
package struct Finish {
  package enum Step {
    case bias(UnsafePointer<Float>)
    /// `scale[c] y + shift[c]`
    case affine(scale: UnsafePointer<Float>, shift: UnsafePointer<Float>)
    /// `scale[c] y`
    case scale(UnsafePointer<Float>)
    case add(UnsafePointer<Float>)
    /// The value at this point is wanted too.
    case copy(UnsafeMutablePointer<Float>)
    case map(@Sendable (_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) -> Void)
    /// `gate(y, z)` for a pre-activation z.
    case gate(
      UnsafePointer<Float>,
      @Sendable (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, _ count: Int) -> Void)
  }

  package var steps: [Step]
  package init(_ steps: [Step] = []) { self.steps = steps }

  /// Finishes `count` values of channel `channel`, which start at `offset` of the result `y`.
  package func apply(_ y: UnsafeMutablePointer<Float>, channel: Int, offset: Int, count: Int) {
    let row = y + offset
    for step in steps {
      switch step {
      case .bias(let bias): pb_affine(row, 1, bias[channel], row, count)
      case .affine(let scale, let shift): pb_affine(row, scale[channel], shift[channel], row, count)
      case .scale(let scale): pb_scale(row, scale[channel], row, count)
      case .add(let other): pb_add(other + offset, row, row, count)
      case .copy(let other): (other + offset).update(from: row, count: count)
      case .map(let map): map(row, row, count)
      case .gate(let z, let gate): gate(row, z + offset, row, count)
      }
    }
  }
}
