import Failures
import Pullbacks

/// From a photograph to the input of a network: a tensor of shape `(1, C, height, width)` in `[-1, 1]`, `2 * p / 255 -
/// 1`.
///
/// A photograph of the target's proportions is resized. Another is resized so that it just covers `round(height * 256 /
/// 224)` by `round(width * 256 / 224)`, the axis that it exceeds in proportion and truncated, and the middle is
/// cropped. For a square this is torchvision's evaluation transform over Pillow's antialiased bilinear resize, to the
/// byte (see ``Picture/resized(width:height:)``). Transparent parts show mid grey (128), unless opacity is a channel of
/// the input.
public struct ImageLoader: Sendable {
  /// Rows of the result.
  public let height: Int
  /// Columns of the result.
  public let width: Int
  /// Channels of the result.
  public let channels: Picture.Channels

  /// - Precondition: `size` is from 1 to 65,500.
  public init(size: Int = 224, channels: Picture.Channels = .rgb) {
    self.init(height: size, width: size, channels: channels)
  }

  /// - Precondition: `height` and `width` are from 1 to 65,500.
  public init(height: Int, width: Int, channels: Picture.Channels = .rgb) {
    let extents = 1...Photograph.maximumExtent
    precondition(extents.contains(height) && extents.contains(width), "an image of \(height) x \(width)")
    (self.height, self.width, self.channels) = (height, width, channels)
  }

  /// The loader for inputs of a network.
  ///
  /// - Parameter shape: `(C, H, W)` with one, three or four channels.
  /// - Throws: `PullbackError` if the network takes no pictures.
  public init(inputShape shape: [Int]) throws {
    let extents = 1...Photograph.maximumExtent
    guard shape.count == 3, let channels = Picture.Channels(rawValue: shape[0]), extents.contains(shape[1]),
      extents.contains(shape[2])
    else {
      throw PullbackError(
        .usage, "pictures", "expected a network of inputs (C, H, W) with 1, 3 or 4 channels C, found inputs \(shape)",
        advice: "give it arrays")
    }
    self.init(height: shape[1], width: shape[2], channels: channels)
  }

  /// `224` for a square, `120 x 160` rows by columns for others.
  public var extents: String { height == width ? "\(height)" : "\(height) x \(width)" }

  /// The photograph in the PNG or JPEG file at `path`.
  ///
  /// - Throws: `PullbackError` as ``Photograph/init(contentsOf:)`` does.
  public func image(at path: String) throws -> Tensor {
    Tensor(picture(of: try Photograph(contentsOf: path)))
  }

  /// The picture that ``image(at:)`` turns into a tensor.
  public func picture(of photograph: Photograph) -> Picture {
    let picture =
      switch channels {
      case .gray: photograph.onMidGray.inGray
      case .rgb: photograph.onMidGray
      case .rgba: photograph.withOpacity
      }
    if picture.width * height == picture.height * width { return picture.resized(width: width, height: height) }
    func enlarged(_ extent: Int) -> Int { Int((Double(extent) * 256 / 224).rounded(.toNearestOrEven)) }
    let isNarrower = picture.width * height < picture.height * width
    let (columns, rows) =
      isNarrower
      ? (enlarged(width), max(enlarged(height), enlarged(width) * picture.height / picture.width))
      : (max(enlarged(width), enlarged(height) * picture.width / picture.height), enlarged(height))
    return picture.resized(
      width: columns, height: rows, croppingTo: centeredRange(width, in: columns), centeredRange(height, in: rows))
  }

  /// The photograph in the file at `path`, in the middle of a mid-grey square `margin` times its longer side, and the
  /// mask of the object, shape `(1, 1, height, width)` in `[0, 1]`: its opacity, pasted and resized alike.
  ///
  /// - Throws: `PullbackError` as ``Photograph/init(contentsOf:)`` does, and if the square would have more than 150
  ///   million pixels.
  public func objectOnGray(at path: String, margin: Double = 1.15) throws -> (image: Tensor, mask: Tensor) {
    do {
      return try objectOnGray(try Photograph(contentsOf: path), margin: margin)
    } catch var error as PullbackError {
      error.subject = path
      throw error
    }
  }

  /// As ``objectOnGray(at:margin:)``, for a photograph in memory. The ground is as wide and high, in proportion, as the
  /// loader's images.
  ///
  /// - Precondition: `margin` is at least 1.
  public func objectOnGray(_ photograph: Photograph, margin: Double = 1.15) throws -> (image: Tensor, mask: Tensor) {
    precondition(margin >= 1 && margin.isFinite, "a margin of \(margin)")
    let (ground, coverage) = try photograph.pastedOnGray(margin: margin, proportions: (height, width))
    let mask = Resampling.resize(
      coverage, width: ground.width, height: ground.height, channels: 1, to: (width, height),
      window: (0..<width, 0..<height))
    let picture =
      switch channels {
      case .gray: ground.inGray
      case .rgb: ground
      case .rgba: Photograph(picture: ground).withOpacity
      }
    return (
      Tensor(picture.resized(width: width, height: height)),
      Tensor(shape: [1, 1, height, width], mask.map { Float($0) / 255 })
    )
  }
}
