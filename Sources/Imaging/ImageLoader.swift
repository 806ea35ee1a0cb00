import Pullbacks

/// From a photograph to the input of a network: a tensor of shape `(1, 3, size, size)` in `[-1, 1]`, `2 * p / 255 - 1`.
///
/// A square photograph is resized; of another the shorter side is resized to `round(size * 256 / 224)`, the longer in
/// proportion and truncated, and the middle is cropped. This is torchvision's evaluation transform over Pillow's
/// antialiased bilinear resize, to the byte (see ``Picture/resized(width:height:)``). Transparent parts show mid
/// grey (128).
public struct ImageLoader: Sendable {
  /// Height and width of the result.
  public var size: Int

  /// - Precondition: `size` is from 1 to 65,500.
  public init(size: Int = 224) {
    precondition((1...Photograph.maximumExtent).contains(size), "an image size of \(size)")
    self.size = size
  }

  /// The photograph in the PNG or JPEG file at `path`.
  ///
  /// - Throws: ``PullbackError`` as ``Photograph/init(contentsOf:)`` does.
  public func image(at path: String) throws -> Tensor {
    Tensor(picture(of: try Photograph(contentsOf: path)))
  }

  /// The square of `size` pixels a side that ``image(at:)`` turns into a tensor.
  public func picture(of photograph: Photograph) -> Picture {
    let picture = photograph.onMidGray
    if picture.width == picture.height { return picture.resized(width: size, height: size) }
    let shorter = Int((Double(size) * 256 / 224).rounded(.toNearestOrEven))
    let longer = shorter * max(picture.width, picture.height) / min(picture.width, picture.height)
    let (width, height) = picture.width < picture.height ? (shorter, longer) : (longer, shorter)
    return picture.resized(
      width: width, height: height, croppingTo: centeredRange(size, in: width), centeredRange(size, in: height))
  }

  /// The photograph in the file at `path`, in the middle of a mid-grey square `margin` times its longer side, and the
  /// mask of the object, shape `(1, 1, size, size)` in `[0, 1]`: its opacity, pasted and resized alike.
  ///
  /// - Throws: ``PullbackError`` as ``Photograph/init(contentsOf:)`` does, and if the square would have more than 150
  ///   million pixels.
  public func objectOnGray(at path: String, margin: Double = 1.15) throws -> (image: Tensor, mask: Tensor) {
    do {
      return try objectOnGray(try Photograph(contentsOf: path), margin: margin)
    } catch var error as PullbackError {
      error.subject = path
      throw error
    }
  }

  /// As ``objectOnGray(at:margin:)``, for a photograph at hand.
  ///
  /// - Precondition: `margin` is at least 1.
  public func objectOnGray(_ photograph: Photograph, margin: Double = 1.15) throws -> (image: Tensor, mask: Tensor) {
    precondition(margin >= 1 && margin.isFinite, "a margin of \(margin)")
    let (picture, coverage) = try photograph.pastedOnSquare(margin: margin)
    let mask = Resampling.resize(
      coverage, width: picture.width, height: picture.height, channels: 1, to: (size, size),
      window: (0..<size, 0..<size))
    return (
      Tensor(picture.resized(width: size, height: size)),
      Tensor(shape: [1, 1, size, size], mask.map { Float($0) / 255 })
    )
  }
}
