import CImaging
import Failures

/// A picture read from a file, upright, with its opacity if it has one.
///
/// PNG is read in every colour type, depth and interlacing, JPEG in grey, YCbCr, RGB and (Adobe's inverted) CMYK and
/// YCCK, baseline and progressive, WebP lossy and lossless, but not animated; which it is, the first bytes say. Grey
/// becomes RGB; depths below 8 bits are stretched to 0...255, and 16 bits become `round(v * 255 / 65535)`. The EXIF
/// orientation is applied. Embedded colour profiles and gamma are ignored, as the networks' training ignored them.
public struct Photograph: Equatable, Sendable {
  /// The colours, whatever the opacity.
  public let picture: Picture
  /// The opacity of each pixel, row by row, 255 where opaque; nil if the file has none.
  public let alpha: [UInt8]?

  /// No larger picture is read or made: 100 million pixels.
  public static let maximumPixelCount = 100_000_000
  /// No wider or higher picture is read, the limit of libjpeg.
  static let maximumExtent = 65_500
  private static let maximumFileSize = 1 << 30
  /// The reader's message for an animation.
  private static let animation = "it is animated"

  /// - Precondition: the picture has three channels, and there is one opacity for each pixel, if any.
  public init(picture: Picture, alpha: [UInt8]? = nil) {
    precondition(picture.channels == .rgb && (alpha == nil || alpha!.count == picture.width * picture.height))
    self.picture = picture
    self.alpha = alpha
  }

  /// A picture of any channels.
  public init(_ picture: Picture) {
    guard picture.channels == .rgba else {
      self.init(picture: picture.inColor)
      return
    }
    let (color, alpha) = Self.split(picture.pixels)
    self.init(picture: Picture(width: picture.width, height: picture.height, pixels: color), alpha: alpha)
  }

  /// The photograph with its opacity as a fourth channel, opaque where the file has none.
  public var withOpacity: Picture {
    var pixels = [UInt8](repeating: 255, count: 4 * picture.width * picture.height)
    for pixel in 0..<picture.width * picture.height {
      for channel in 0..<3 { pixels[4 * pixel + channel] = picture.pixels[3 * pixel + channel] }
      if let alpha { pixels[4 * pixel + 3] = alpha[pixel] }
    }
    return Picture(width: picture.width, height: picture.height, channels: .rgba, pixels: pixels)
  }

  /// Reads the PNG, JPEG or WebP file at `path`.
  ///
  /// - Throws: `PullbackError` of kind `noInput` if there is no such file, `data` if it is of another format, is
  ///   damaged or truncated, or has more than 100 million pixels or 65,500 pixels a side.
  public init(contentsOf path: String) throws {
    try self.init(reading: InputFile(path))
  }

  /// Reads a file of which nothing was read yet.
  ///
  /// - Throws: as ``init(contentsOf:)``.
  public init(reading file: borrowing InputFile) throws {
    guard file.size <= Self.maximumFileSize else {
      throw PullbackError(.data, file.path, "expected at most \(Self.maximumFileSize) bytes, found \(file.size)")
    }
    try self.init(decoding: try file.read(file.size), name: file.path)
  }

  /// The endings of picture files, of formats that are read and of others.
  public static let fileNameEndings: Set<String> = [
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "webp", "gif", "tif", "tiff", "avif", "heic", "heif", "bmp", "jp2",
    "jxl",
    "ppm", "pgm", "qoi", "ico", "psd",
  ]

  /// Whether the first bytes of a file are those of a format that is read.
  public static func isReadable(fileAt path: String) -> Bool {
    guard let file = try? InputFile(path), let start = try? file.read(min(12, file.size)) else { return false }
    return ImageFormat(start).title != nil
  }

  /// Decodes the bytes of a PNG, JPEG or WebP file.
  ///
  /// - Parameters:
  ///   - bytes: the bytes of the file.
  ///   - name: the name in errors.
  ///   - pixels: the most that are read, at most 100 million.
  public init(decoding bytes: [UInt8], name: String, pixels: Int = Photograph.maximumPixelCount) throws {
    let format = ImageFormat(bytes)
    let read: Reader
    switch format {
    case .png: read = imaging_read_png
    case .jpeg: read = imaging_read_jpeg
    case .webp: read = imaging_read_webp
    case .foreign, .unknown: throw ImageFormat.refusal(of: bytes, named: name)
    }
    func decode(_ header: inout ImagingHeader, into pixels: UnsafeMutableBufferPointer<UInt8>?) throws {
      var message = ImagingMessage()
      guard read(bytes, bytes.count, &header, pixels?.baseAddress, pixels?.count ?? 0, &message) else {
        let kind = format.title ?? "picture"
        if Self.text(of: &message) == Self.animation {
          throw PullbackError(
            .data, name, "expected a still picture, found an animated \(kind) file", advice: "save one of its frames")
        }
        throw PullbackError(
          .data, name, "expected a whole \(kind) file, found a damaged or truncated one (\(Self.text(of: &message)))")
      }
    }
    var header = ImagingHeader()
    try decode(&header, into: nil)
    try Self.check(header, fileSize: bytes.count, name: name, pixels: min(pixels, Self.maximumPixelCount))
    let (width, height, channels) = (Int(header.width), Int(header.height), Int(header.channels))
    let stored = try [UInt8](unsafeUninitializedCapacity: width * height * channels) { buffer, count in
      try decode(&header, into: buffer)
      count = width * height * channels
    }
    let orientation = EXIF.orientation(of: bytes, format: format)
    let shown = orientation.apply(to: stored, width: width, height: height, channels: channels)
    let (columns, rows) = orientation.swapsAxes ? (height, width) : (width, height)
    if channels == 3 {
      self.init(picture: Picture(width: columns, height: rows, pixels: shown))
    } else {
      let (color, alpha) = Self.split(shown)
      self.init(picture: Picture(width: columns, height: rows, pixels: color), alpha: alpha)
    }
  }

  private typealias Reader = (
    UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<ImagingHeader>?, UnsafeMutablePointer<UInt8>?, Int,
    UnsafeMutablePointer<ImagingMessage>?
  ) -> Bool

  private static func check(_ header: ImagingHeader, fileSize: Int, name: String, pixels: Int) throws {
    let (width, height) = (Int(header.width), Int(header.height))
    guard max(width, height) <= maximumExtent, width * height <= pixels else {
      throw PullbackError(
        .data, name,
        "expected at most \(pixels / 1_000_000) million pixels and \(maximumExtent) a side, found "
          + "\(width) x \(height)",
        advice: "scale it down first")
    }
    guard Double(fileSize) >= header.leastBytes else {
      throw PullbackError(
        .data, name,
        "expected a whole file, found a damaged or truncated one: \(fileSize) bytes cannot hold the \(width) x "
          + "\(height) pixels that its header declares")
    }
  }

  private static func split(_ pixels: [UInt8]) -> (color: [UInt8], alpha: [UInt8]) {
    let count = pixels.count / 4
    var alpha = [UInt8](repeating: 0, count: count)
    let color = [UInt8](unsafeUninitializedCapacity: count * 3) { color, initialized in
      for pixel in 0..<count {
        for channel in 0..<3 { color[3 * pixel + channel] = pixels[4 * pixel + channel] }
        alpha[pixel] = pixels[4 * pixel + 3]
      }
      initialized = count * 3
    }
    return (color, alpha)
  }

  static func text(of message: inout ImagingMessage) -> String {
    withUnsafeBytes(of: &message.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

extension Photograph {
  /// Mid grey as a byte. Zero, the baseline, lies between 127 and 128 and equally far (1/255) from both; 128 is the
  /// customary one.
  static let midGray: UInt8 = 128

  /// The photograph in front of mid grey (128): `round((p * a + 128 * (255 - a)) / 255)`, as Pillow's `paste` has it.
  /// Without opacity, the picture itself.
  public var onMidGray: Picture {
    guard let alpha else { return picture }
    var result = picture
    result.pixels.withUnsafeMutableBufferPointer { pixels in
      alpha.withUnsafeBufferPointer { alpha in
        for position in pixels.indices {
          let opacity = UInt32(alpha[position / 3])
          let sum = UInt32(pixels[position]) * opacity + UInt32(Self.midGray) * (255 - opacity)
          pixels[position] = UInt8((2 * sum + 255) / 510)
        }
      }
    }
    return result
  }

  /// The photograph in the middle of an opaque mid-grey ground, and where it covers the ground (255 where opaque).
  ///
  /// The ground is the smallest of the proportions that holds `margin` times the photograph, rounded half to even; a
  /// surplus pixel of grey goes to the right and below. A photograph without opacity covers its rectangle.
  ///
  /// - Parameter proportions: height to width of the ground; a square by default.
  /// - Throws: `PullbackError` if the ground would have more than 150 million pixels.
  func pastedOnGray(
    margin: Double, proportions: (height: Int, width: Int) = (1, 1)
  ) throws -> (picture: Picture, coverage: [UInt8]) {
    let ratio = (height: Double(proportions.height), width: Double(proportions.width))
    let extents = (height: Double(picture.height), width: Double(picture.width))
    let columns = margin * max(extents.width, extents.height * ratio.width / ratio.height)
    let rows = margin * max(extents.height, extents.width * ratio.height / ratio.width)
    let (width, height) = (Int(columns.rounded(.toNearestOrEven)), Int(rows.rounded(.toNearestOrEven)))
    guard width * height <= Self.maximumPixelCount * 3 / 2 else {
      throw PullbackError(
        .data, "photograph",
        "expected at most \(Self.maximumPixelCount * 3 / 2_000_000) million pixels on its grey ground, found \(width) "
          + "x \(height)",
        advice: "scale the photograph down first")
    }
    var pixels = [UInt8](repeating: Self.midGray, count: 3 * width * height)
    var coverage = [UInt8](repeating: 0, count: width * height)
    let front = onMidGray.pixels
    let (left, top) = ((width - picture.width) / 2, (height - picture.height) / 2)
    for row in 0..<picture.height {
      let start = (top + row) * width + left
      let source = row * picture.width..<(row + 1) * picture.width
      pixels.replaceSubrange(
        3 * start..<3 * (start + picture.width), with: front[3 * source.lowerBound..<3 * source.upperBound])
      if let alpha {
        coverage.replaceSubrange(start..<start + picture.width, with: alpha[source])
      } else {
        coverage.replaceSubrange(start..<start + picture.width, with: repeatElement(255, count: picture.width))
      }
    }
    return (Picture(width: width, height: height, pixels: pixels), coverage)
  }
}
