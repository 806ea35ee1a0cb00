import CImaging
import Failures
import Foundation
import Pullbacks

/// An 8-bit picture, rows from the top, one, three or four bytes per pixel.
public struct Picture: Equatable, Sendable {
  /// The bytes of a pixel; the raw value is their number.
  public enum Channels: Int, Sendable {
    /// Lightness.
    case gray = 1
    /// Red, green and blue.
    case rgb = 3
    /// Red, green, blue, whatever the opacity, and opacity.
    case rgba = 4
  }

  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// The bytes of a pixel.
  public let channels: Channels
  /// The bytes of each pixel, row by row: `height * width` times the number of channels.
  public var pixels: [UInt8]

  /// - Precondition: `pixels` holds `height * width` times the number of channels.
  public init(width: Int, height: Int, channels: Channels = .rgb, pixels: [UInt8]) {
    precondition(pixels.count == width * height * channels.rawValue)
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// The picture in three channels, as it is shown: grey is repeated, and what is transparent shows mid grey (128).
  public var inColor: Picture {
    switch channels {
    case .rgb: return self
    case .gray:
      return Picture(width: width, height: height, pixels: pixels.flatMap { [$0, $0, $0] })
    case .rgba: return Photograph(self).onMidGray
    }
  }

  /// The picture in one channel: the lightness `(19595 R + 38470 G + 7471 B) / 65536` of ITU-R BT.601, rounded, as
  /// Pillow's `convert("L")` has it; what is transparent shows mid grey.
  public var inGray: Picture {
    if channels == .gray { return self }
    let color = inColor.pixels
    let gray = (0..<width * height).map { pixel in
      let (red, green, blue) = (UInt32(color[3 * pixel]), UInt32(color[3 * pixel + 1]), UInt32(color[3 * pixel + 2]))
      return UInt8((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16)
    }
    return Picture(width: width, height: height, channels: .gray, pixels: gray)
  }
}

extension Picture {
  /// The picture at another size, byte for byte as Pillow's `resize((width, height), BILINEAR)` makes it (up to
  /// Pillow 12; within one level of Pillow 13): a triangle filter whose support grows with the scale, hence
  /// antialiased. Colours are weighed by their opacity, as there: a transparent pixel's colour does not bleed.
  ///
  /// - Precondition: both sizes are positive, and the picture has pixels.
  public func resized(width: Int, height: Int) -> Picture {
    resized(width: width, height: height, croppingTo: 0..<width, 0..<height)
  }

  /// The columns and rows given of the picture at another size: a resize followed by a crop, at the cost of the crop.
  ///
  /// - Precondition: the ranges are not empty and lie within the new size, and the picture has pixels.
  public func resized(
    width newWidth: Int, height newHeight: Int, croppingTo columns: Range<Int>, _ rows: Range<Int>
  ) -> Picture {
    precondition(width > 0 && height > 0, "an empty picture has no other size")
    precondition(!columns.isEmpty && columns.lowerBound >= 0 && columns.upperBound <= newWidth, "columns \(columns)")
    precondition(!rows.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= newHeight, "rows \(rows)")
    let resized = Resampling.resize(
      channels == .rgba ? Opacity.multiplied(pixels) : pixels, width: width, height: height,
      channels: channels.rawValue, to: (newWidth, newHeight), window: (columns, rows))
    return Picture(
      width: columns.count, height: rows.count, channels: channels,
      pixels: channels == .rgba ? Opacity.divided(resized) : resized)
  }

  /// The picture at another size for display: axes that grow repeat pixels, so that each stays visible; axes that
  /// shrink average the pixels under each new one, weighted by overlap.
  ///
  /// - Precondition: both sides are positive, and the picture has pixels.
  public func displayed(width newWidth: Int, height newHeight: Int) -> Picture {
    if (newWidth, newHeight) == (width, height) { return self }
    precondition(width > 0 && height > 0 && newWidth > 0 && newHeight > 0, "a picture without pixels")
    return Picture(
      width: newWidth, height: newHeight, channels: channels,
      pixels: Resampling.resize(
        pixels, width: width, height: height, channels: channels.rawValue, to: (newWidth, newHeight),
        window: (0..<newWidth, 0..<newHeight), by: .area))
  }

  /// The middle of the picture: it starts at `round((extent - size) / 2)`, half to even, as torchvision's centre crop.
  ///
  /// - Precondition: `width` and `height` are no larger than the picture's.
  public func centerCropped(width newWidth: Int, height newHeight: Int) -> Picture {
    let columns = centeredRange(newWidth, in: width)
    let rows = centeredRange(newHeight, in: height)
    let bytes = channels.rawValue
    let cropped = rows.flatMap { row in
      pixels[(row * width + columns.lowerBound) * bytes..<(row * width + columns.upperBound) * bytes]
    }
    return Picture(width: newWidth, height: newHeight, channels: channels, pixels: cropped)
  }
}

/// Colours times their opacity and back, in bytes, rounded as Pillow does before and after it resizes.
private enum Opacity {
  static func multiplied(_ pixels: [UInt8]) -> [UInt8] {
    var result = pixels
    for start in stride(from: 0, to: pixels.count, by: 4) {
      for channel in start..<start + 3 {
        let product = UInt32(pixels[channel]) * UInt32(pixels[start + 3]) + 128
        result[channel] = UInt8((product >> 8 + product) >> 8)
      }
    }
    return result
  }

  static func divided(_ pixels: [UInt8]) -> [UInt8] {
    var result = pixels
    for start in stride(from: 0, to: pixels.count, by: 4) where !(pixels[start + 3] == 0 || pixels[start + 3] == 255) {
      for channel in start..<start + 3 {
        result[channel] = UInt8(min(255, 255 * UInt32(pixels[channel]) / UInt32(pixels[start + 3])))
      }
    }
    return result
  }
}

/// The `size` middle positions of `extent`.
func centeredRange(_ size: Int, in extent: Int) -> Range<Int> {
  precondition(size > 0 && size <= extent, "a crop of \(size) from \(extent)")
  let start = Int((Double(extent - size) / 2).rounded(.toNearestOrEven))
  return start..<start + size
}

extension Picture {
  /// The picture as an 8-bit PNG file of its channels. The bytes depend on the pixels and on the zlib in use alone: the
  /// compression is fixed, and neither time nor program is recorded.
  ///
  /// - Throws: `PullbackError` if the picture has no pixels or more than 1,000,000 on a side.
  public func pngBytes() throws -> [UInt8] {
    var output = ImagingBytes()
    defer { free(output.bytes) }
    var message = ImagingMessage()
    guard
      let width = UInt32(exactly: width), let height = UInt32(exactly: height),
      imaging_write_png(pixels, width, height, UInt32(channels.rawValue), &output, &message)
    else {
      throw PullbackError(
        .cannotCreate, "PNG",
        "a picture of \(width) x \(height) pixels cannot be encoded"
          + " (\(Photograph.text(of: &message)))")
    }
    return Array(UnsafeBufferPointer(start: output.bytes, count: output.count))
  }

  /// Writes the picture to `path` as a PNG file, whole or not at all.
  ///
  /// - Throws: `PullbackError` as ``pngBytes()`` and `AtomicFile` do.
  public func writePNG(to path: String) throws {
    try AtomicFile.write(try pngBytes(), to: path)
  }
}

extension Tensor {
  /// The picture as network input of shape `(1, C, H, W)` in `[-1, 1]`, C its channels: `2 * p / 255 - 1`.
  public init(_ picture: Picture) {
    let (count, channels) = (picture.width * picture.height, picture.channels.rawValue)
    self.init(shape: [1, channels, picture.height, picture.width]) { target in
      picture.pixels.withUnsafeBufferPointer { pixels in
        for channel in 0..<channels {
          for pixel in 0..<count {
            target[channel * count + pixel] = 2 * (Float(pixels[channels * pixel + channel]) / 255) - 1
          }
        }
      }
    }
  }
}

extension Picture {
  /// The picture that `image`, of shape `(1, C, H, W)` or `(C, H, W)` with one, three or four channels, shows:
  /// `(x + 1) / 2 * 255`, clamped to 0...255 and rounded to nearest. The inverse of `Tensor(picture)`.
  ///
  /// - Throws: `PullbackError` if the shape is another or a value is NaN.
  public init(_ image: Tensor) throws {
    let (channels, height, width) = try Self.extents(of: image, named: "image")
    let pixels = try image.withUnsafeBuffer { values in
      try Self.interleaving(values, channels: channels.rawValue, count: width * height) { value in
        guard !value.isNaN else { throw PullbackError(.data, "image", "expected numbers, found NaN") }
        return UInt8(((min(1, max(-1, value)) + 1) * 127.5).rounded())
      }
    }
    self.init(width: width, height: height, channels: channels, pixels: pixels)
  }

  /// Whether tensors of this shape, without a batch axis, are pictures: `(C, H, W)` with one, three or four channels.
  public static func canShow(_ shape: [Int]) -> Bool {
    shape.count == 3 && Channels(rawValue: shape[0]) != nil && shape[1] > 0 && shape[2] > 0
  }

  /// Channels, height and width of a tensor of shape `(1, C, H, W)` or `(C, H, W)` with one, three or four channels.
  static func extents(
    of tensor: Tensor, named name: String
  ) throws -> (channels: Channels, height: Int, width: Int) {
    let shape = tensor.rank == 4 && tensor.shape[0] == 1 ? Array(tensor.shape.dropFirst()) : tensor.shape
    guard canShow(shape), let channels = Channels(rawValue: shape[0]) else {
      throw PullbackError(
        .data, name,
        "expected the shape (1, C, H, W) or (C, H, W) with 1, 3 or 4 channels C, found \(tensor.shape)")
    }
    return (channels, shape[1], shape[2])
  }

  /// Bytes pixel by pixel from planes of `count` values.
  static func interleaving(
    _ planes: UnsafeBufferPointer<Float>, channels: Int, count: Int, _ convert: (Float) throws -> UInt8
  ) rethrows -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: channels * count) { target, initialized in
      for pixel in 0..<count {
        for channel in 0..<channels {
          target[channels * pixel + channel] = try convert(planes[channel * count + pixel])
        }
      }
      initialized = channels * count
    }
  }
}
