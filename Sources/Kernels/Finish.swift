import CKernels

/// The steps of the following layers, applied to every row of a convolution's result while it is in cache.
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
    /// Adds relu of the operand.
    case addRectified(UnsafePointer<Float>)
    /// The value at this point is wanted too.
    case copy(UnsafeMutablePointer<Float>)
    case map(ElementwiseMap)
    /// `gate(y, z)` for a pre-activation z.
    case gate(UnsafePointer<Float>, GateMap)
    /// The same with a gate for each plane.
    case gates(UnsafePointer<Float>, PlaneGates)
  }

  /// Gates of planes of `size` values: the first `count` planes have one each, and then they begin anew.
  package struct PlaneGates {
    private let first: UnsafePointer<GateMap>
    private let count, size: Int

    /// - Precondition: there is a gate, and it stays where it is as long as this value is used.
    package init(_ gates: UnsafeBufferPointer<GateMap>, size: Int) {
      (first, count, self.size) = (gates.baseAddress!, gates.count, size)
    }

    /// The gate of the plane that `offset` lies in.
    func gate(at offset: Int) -> GateMap { first[offset / size % count] }
  }

  package var steps: [Step]
  package init(_ steps: [Step] = []) { self.steps = steps }

  /// Finishes `count` values of channel `channel`, which start at `offset` of the result `y`.
  ///
  /// - Parameter next: the offset of the row that is finished next. Rows are too short for the processor to foresee it.
  package func apply(_ y: UnsafeMutablePointer<Float>, channel: Int, offset: Int, count: Int, next: Int) {
    let row = y + offset
    for step in steps {
      switch step {
      case .add(let other), .addRectified(let other): pb_prefetch(other + offset + next, count)
      case .gate(let z, _), .gates(let z, _): pb_prefetch(z + offset + next, count)
      case .bias, .affine, .scale, .copy, .map: break
      }
    }
    for step in steps {
      switch step {
      case .bias(let bias): pb_affine(row, 1, bias[channel], row, count)
      case .affine(let scale, let shift): pb_affine(row, scale[channel], shift[channel], row, count)
      case .scale(let scale): pb_scale(row, scale[channel], row, count)
      case .add(let other): pb_add(other + offset, row, row, count)
      case .addRectified(let other): pb_add_rectified(other + offset, row, row, count)
      case .copy(let other): (other + offset).update(from: row, count: count)
      case .map(let map): map(row, row, count)
      case .gate(let z, let gate): gate(row, z + offset, row, count)
      case .gates(let z, let gates): gates.gate(at: offset)(row, z + offset, row, count)
      }
    }
  }
}
