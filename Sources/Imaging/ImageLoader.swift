import Failures
import Pullbacks

/// From a photograph to the input of a network: a tensor of shape `(1, C, height, width)` in `[-1, 1]`, `2 * p / 255 -
/// 1`.
///
/// A photograph is resized, by Pillow's antialiased bilinear resize (see ``Picture/resized(width:height:)``), and the
/// middle is cropped; ``Framing`` says to which size. Transparent parts show mid grey (128), unless opacity is a
/// channel of the input.
public struct ImageLoader: Sendable {
  /// Rows of the result.
  public let height: Int
  /// Columns of the result.
  public let width: Int
  /// Channels of the result.
  public let channels: Picture.Channels

  /// The part of a photograph that is shown.
  public let framing: Framing

  /// The size that a photograph is resized to before the middle is cropped.
  public enum Framing: Hashable, Sendable {
    /// A photograph of the target's proportions becomes the target as a whole; others as ``covering``. So it is in the
    /// paper's release.
    case release
    /// It just covers `round(height * 256 / 224)` by `round(width * 256 / 224)`; the axis that it exceeds is in
    /// proportion and truncated. For a square target this is torchvision's evaluation transform, `Resize(256)` and
    /// `CenterCrop(224)`, in proportion to the target's size.
    case covering
    /// The shorter side takes this many pixels, the longer one is in proportion and truncated: torchvision's
    /// `Resize(n)`.
    case shorterSide(Int)
    /// Exactly these rows and columns, whatever the proportions.
    case exactly(height: Int, width: Int)
  }

  /// - Precondition: `size` is from 1 to 65,500, and the framing covers it.
  public init(size: Int = 224, channels: Picture.Channels = .rgb, framing: Framing = .release) {
    self.init(height: size, width: size, channels: channels, framing: framing)
  }

  /// - Precondition: `height` and `width` are from 1 to 65,500, and the framing covers them.
  public init(height: Int, width: Int, channels: Picture.Channels = .rgb, framing: Framing = .release) {
    let extents = 1...Photograph.maximumExtent
    precondition(extents.contains(height) && extents.contains(width), "an image of \(height) x \(width)")
    precondition(framing.covers(height: height, width: width), "\(framing) does not cover \(height) x \(width)")
    (self.height, self.width, self.channels, self.framing) = (height, width, channels, framing)
  }

  /// The loader for inputs of a network.
  ///
  /// - Parameters:
  ///   - shape: `(C, H, W)` with one, three or four channels.
  ///   - framing: the part of a photograph that is shown.
  /// - Throws: `PullbackError` if the network takes no pictures, or the framing is smaller than its input.
  public init(inputShape shape: [Int], framing: Framing = .release) throws {
    let extents = 1...Photograph.maximumExtent
    guard shape.count == 3, let channels = Picture.Channels(rawValue: shape[0]), extents.contains(shape[1]),
      extents.contains(shape[2])
    else {
      throw PullbackError(
        .usage, "pictures", "expected a network of inputs (C, H, W) with 1, 3 or 4 channels C, found inputs \(shape)",
        advice: "give it arrays")
    }
    guard framing.covers(height: shape[1], width: shape[2]) else {
      throw PullbackError(
        .usage, "pictures", "\(framing.inWords) is less than the network's input of \(shape[1]) x \(shape[2])",
        advice: "resize to more, or crop less")
    }
    self.init(height: shape[1], width: shape[2], channels: channels, framing: framing)
  }

  /// `224` for a square, `120 x 160` rows by columns for others.
  public var extents: String { height == width ? "\(height)" : "\(height) x \(width)" }

  /// The photograph in the PNG, JPEG or WebP file at `path`.
  ///
  /// - Throws: `PullbackError` as ``Photograph/init(contentsOf:)`` does.
  public func image(at path: String) throws -> Tensor {
    Tensor(picture(of: try Photograph(contentsOf: path)))
  }

  /// The photograph in a file of which nothing was read yet.
  ///
  /// - Throws: `PullbackError` as ``Photograph/init(contentsOf:)`` does.
  public func image(from file: borrowing InputFile) throws -> Tensor {
    Tensor(picture(of: try Photograph(reading: file)))
  }

  /// The picture that ``image(at:)`` turns into a tensor.
  public func picture(of photograph: Photograph) -> Picture {
    let picture =
      switch channels {
      case .gray: photograph.onMidGray.inGray
      case .rgb: photograph.onMidGray
      case .rgba: photograph.withOpacity
      }
    let (columns, rows) = resizedExtents(picture.width, picture.height)
    return picture.resized(
      width: columns, height: rows, croppingTo: centeredRange(width, in: columns), centeredRange(height, in: rows))
  }

  /// A mask that was read as a photograph, `(1, 1, height, width)` in `[0, 1]`: white is 1. It is resized and cropped
  /// as ``picture(of:)`` does, so that it stays over its image.
  public func mask(of photograph: Photograph) -> Tensor {
    let gray = photograph.onMidGray.inGray
    let (columns, rows) = resizedExtents(gray.width, gray.height)
    let mask = gray.resized(
      width: columns, height: rows, croppingTo: centeredRange(width, in: columns), centeredRange(height, in: rows))
    return Tensor(shape: [1, 1, height, width], mask.pixels.map { Float($0) / 255 })
  }

  /// The extents that a picture of these extents is resized to.
  private func resizedExtents(_ wide: Int, _ high: Int) -> (columns: Int, rows: Int) {
    switch framing {
    case .release where wide * height == high * width: return (width, height)
    case .release, .covering:
      func enlarged(_ extent: Int) -> Int { Int((Double(extent) * 256 / 224).rounded(.toNearestOrEven)) }
      return wide * height < high * width
        ? (enlarged(width), max(enlarged(height), enlarged(width) * high / wide))
        : (max(enlarged(width), enlarged(height) * wide / high), enlarged(height))
    case .shorterSide(let side): return wide < high ? (side, side * high / wide) : (side * wide / high, side)
    case .exactly(let rows, let columns): return (columns, rows)
    }
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

  /// Like ``objectOnGray(at:margin:)``, for a photograph in memory. The ground is as wide and high, in proportion, as
  /// the loader's images.
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

extension ImageLoader.Framing {
  /// Whether every photograph is at least as high and wide as this once it is resized.
  func covers(height: Int, width: Int) -> Bool {
    switch self {
    case .release, .covering: true
    case .shorterSide(let side): side >= max(height, width)
    case .exactly(let rows, let columns): rows >= height && columns >= width
    }
  }

  /// The framing in words, for people.
  public var inWords: String {
    switch self {
    case .release: "the whole picture if it has the input's proportions, else the middle 7/8 of its shorter side"
    case .covering: "the middle 7/8 of the picture's shorter side"
    case .shorterSide(let side): "resized to \(side) pixels along the shorter side"
    case .exactly(let rows, let columns): "resized to \(rows) x \(columns)"
    }
  }
}
