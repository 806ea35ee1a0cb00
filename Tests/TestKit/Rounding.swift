import Pullbacks

/// Whether kernels add to products in one rounding, as in the committed figures: processors without fused multiply-add
/// and sanitized builds round twice. 2^-24 is then left of (1 + 2^-12)^2 when the nearest float is taken from it.
public let addsToProductsInOneRounding: Bool = {
  let factor: Float = 1 + 0x1p-12
  var rest = Tensor(shape: [1, 1], [-(factor * factor)])
  rest.addToImage(0, factor, of: Tensor(shape: [1, 1], [factor]), image: 0)
  return rest.scalars != [0]
}()
