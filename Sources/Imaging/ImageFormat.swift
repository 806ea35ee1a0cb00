import Failures

/// What kind of file some bytes are, by their first bytes: names lie too often.
enum ImageFormat: Equatable {
  case png
  case jpeg
  /// A kind that is not read here, by name.
  case foreign(String)
  case unknown

  init(_ bytes: [UInt8]) {
    if Self.has(bytes, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if Self.has(bytes, [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if let name = Self.foreignName(bytes) {
      self = .foreign(name)
    } else {
      self = .unknown
    }
  }

  private static func foreignName(_ bytes: [UInt8]) -> String? {
    if has(bytes, "ftyp", at: 4) { return isoMediaName(bytes) }
    if has(bytes, "RIFF") && has(bytes, "WEBP", at: 8) { return "WebP" }
    return signatures.first { has(bytes, $0.magic) }?.name
  }

  private static let signatures: [(magic: [UInt8], name: String)] = [
    (Array("GIF8".utf8), "GIF"),
    (Array("BM".utf8), "BMP"),
    ([0x49, 0x49, 0x2A, 0x00], "TIFF"),
    ([0x4D, 0x4D, 0x00, 0x2A], "TIFF"),
    ([0x00, 0x00, 0x00, 0x0C, 0x6A, 0x50, 0x20, 0x20], "JPEG 2000"),
    ([0x00, 0x00, 0x00, 0x0C, 0x4A, 0x58, 0x4C, 0x20], "JPEG XL"),
    ([0xFF, 0x0A], "JPEG XL"),
    (Array("8BPS".utf8), "Photoshop"),
    (Array("%PDF".utf8), "PDF"),
    ([0x00, 0x00, 0x01, 0x00], "an icon"),
    (Array("qoif".utf8), "QOI"),
    (Array("P5".utf8), "PGM"),
    (Array("P6".utf8), "PPM"),
    ([0x93] + Array("NUMPY".utf8), "a NumPy array"),
    ([0x1F, 0x8B], "gzip"),
    (Array("PK".utf8), "a zip archive"),
    (Array("version https://git-lfs".utf8), "a Git LFS pointer, not the file it stands for"),
    (Array("<".utf8), "markup (SVG, XML or a web page)"),
  ]

  /// HEIC and AVIF share a container; the four letters of the brand tell them apart.
  private static func isoMediaName(_ bytes: [UInt8]) -> String {
    for brand in ["avif", "avis"] where has(bytes, brand, at: 8) { return "AVIF" }
    for brand in ["heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"] where has(bytes, brand, at: 8) {
      return "HEIC"
    }
    return "a film (ISO media)"
  }

  private static func has(_ bytes: [UInt8], _ text: String, at offset: Int = 0) -> Bool {
    has(bytes, Array(text.utf8), at: offset)
  }

  private static func has(_ bytes: [UInt8], _ magic: [UInt8], at offset: Int = 0) -> Bool {
    bytes.dropFirst(offset).starts(with: magic)
  }
}

extension ImageFormat {
  /// What to say of a file that is neither PNG nor JPEG.
  static func refusal(of bytes: [UInt8], named name: String) -> PullbackError {
    let advice = "convert it to PNG or JPEG"
    if bytes.isEmpty { return PullbackError(.data, name, "expected a PNG or JPEG file, found an empty one") }
    if case .foreign(let kind) = ImageFormat(bytes) {
      return PullbackError(.data, name, "expected a PNG or JPEG file, found \(kind)", advice: advice)
    }
    let start = bytes.prefix(8).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return digits.count == 1 ? "0" + digits : digits
    }
    return PullbackError(
      .data, name, "expected a PNG or JPEG file, found one that starts with \(start.joined(separator: " "))")
  }
}
