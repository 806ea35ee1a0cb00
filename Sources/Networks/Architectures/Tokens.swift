import Pullbacks

extension Signal {
  /// A map `(C, H, W)` as a sequence of its places `(H W, C)`, row by row.
  func tokens() -> Signal { reshaped([shape[0], shape[1] * shape[2]]).transposed([1, 0]) }

  /// A sequence of `height` times `width` places `(H W, C)` as a map `(C, H, W)`; undoes ``tokens()``.
  func map(height: Int, width: Int) -> Signal { transposed([1, 0]).reshaped([shape[1], height, width]) }
}
