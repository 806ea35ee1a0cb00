import Failures

/// The format of a file by its first bytes: names are wrong too often.
enum ImageFormat: Equatable {
  case png
  case jpeg
  case webp
  /// A kind that is not read here, by name.
  case foreign(String)
  case unknown

  init(_ bytes: [UInt8]) {
    if Self.has(bytes, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if Self.has(bytes, [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if Self.has(bytes, "RIFF") && Self.has(bytes, "WEBP", at: 8) {
      self = .webp
    } else if let name = Self.foreignName(bytes) {
      self = .foreign(name)
    } else {
      self = .unknown
    }
  }

  private static func foreignName(_ bytes: [UInt8]) -> String? {
    if has(bytes, "ftyp", at: 4) { return isoMediaName(bytes) }
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

  /// The name of a format that is read; nil for others.
  var title: String? {
    switch self {
    case .png: "PNG"
    case .jpeg: "JPEG"
    case .webp: "WebP"
    case .foreign, .unknown: nil
    }
  }

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
  /// The error for a file of a format that is not read.
  static func refusal(of bytes: [UInt8], named name: String) -> PullbackError {
    let advice = "convert it to PNG or JPEG"
    if bytes.isEmpty { return PullbackError(.data, name, "expected a PNG, JPEG or WebP file, found an empty one") }
    if case .foreign(let kind) = ImageFormat(bytes) {
      return PullbackError(.data, name, "expected a PNG, JPEG or WebP file, found \(kind)", advice: advice)
    }
    let start = bytes.prefix(8).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return digits.count == 1 ? "0" + digits : digits
    }
    return PullbackError(
      .data, name, "expected a PNG, JPEG or WebP file, found one that starts with \(start.joined(separator: " "))")
  }
}

/// Finds the orientation in the metadata of an image file. Metadata is written by everybody and checked by nobody: what
/// is malformed is as good as absent, and the picture counts as upright.
enum EXIF {
  /// The orientation that a PNG's `eXIf` chunk, a JPEG's APP1 segment or a WebP's `EXIF` chunk gives.
  static func orientation(of bytes: [UInt8], format: ImageFormat) -> Orientation {
    let block =
      switch format {
      case .png: blockOfPNG(bytes)
      case .webp: blockOfWebP(bytes)
      default: blockOfJPEG(bytes)
      }
    return block.flatMap { orientation(inTIFF: Bytes(bytes, range: $0)) } ?? .upright
  }

  /// The data of the first `eXIf` chunk: chunks are a length, a type, the data and a checksum.
  private static func blockOfPNG(_ file: [UInt8]) -> Range<Int>? {
    let bytes = Bytes(file, range: 0..<file.count)
    var offset = 8
    while let length = bytes.bigEndian32(offset), let type = bytes.bigEndian32(offset + 4) {
      let data = offset + 8..<offset + 8 + length
      guard data.upperBound + 4 <= file.count else { return nil }
      if type == 0x6558_4966 { return data }  // "eXIf"
      offset = data.upperBound + 4
    }
    return nil
  }

  /// The data of the first `EXIF` chunk, after the signature that some encoders put before it: chunks are a type, a
  /// length, the data and a byte that makes their number even.
  private static func blockOfWebP(_ file: [UInt8]) -> Range<Int>? {
    let bytes = Bytes(file, range: 0..<file.count)
    var offset = 12
    while let type = bytes.bigEndian32(offset), let reversed = bytes.bigEndian32(offset + 4) {
      let data = offset + 8..<offset + 8 + Int(UInt32(reversed).byteSwapped)
      guard data.upperBound <= file.count else { return nil }
      if type == 0x4558_4946 {  // "EXIF"
        return file[data].starts(with: signature) ? data.dropFirst(signature.count) : data
      }
      offset = data.upperBound + data.count % 2
    }
    return nil
  }

  private static let signature: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]

  /// The data of the first APP1 segment that starts with "Exif", after that signature. Segments are a marker and a
  /// length that counts itself; they end at the first scan.
  private static func blockOfJPEG(_ file: [UInt8]) -> Range<Int>? {
    let bytes = Bytes(file, range: 0..<file.count)
    var offset = 2
    while let marker = bytes.bigEndian16(offset), marker >= 0xFF00 {
      if marker == 0xFFFF {  // Any number of FF bytes may stand before a marker.
        offset += 1
        continue
      }
      guard marker != 0xFFDA, let length = bytes.bigEndian16(offset + 2), length >= 2 else { return nil }
      let end = offset + 2 + length
      guard end <= file.count else { return nil }
      if marker == 0xFFE1 && file[offset + 4..<end].starts(with: signature) { return offset + 10..<end }
      offset = end
    }
    return nil
  }

  /// The tag 0x0112 of the first directory of a TIFF structure.
  private static func orientation(inTIFF bytes: Bytes) -> Orientation? {
    guard let order = bytes.bigEndian16(0), order == 0x4949 || order == 0x4D4D else { return nil }
    let isLittle = order == 0x4949
    func short(_ offset: Int) -> Int? {
      bytes.bigEndian16(offset).map { isLittle ? $0 >> 8 | ($0 & 0xFF) << 8 : $0 }
    }
    func long(_ offset: Int) -> Int? {
      guard let first = short(offset), let second = short(offset + 2) else { return nil }
      return isLittle ? second << 16 | first : first << 16 | second
    }
    guard short(2) == 42, let directory = long(4), let entries = short(directory) else { return nil }
    for entry in 0..<entries {
      let offset = directory + 2 + 12 * entry
      guard let tag = short(offset) else { return nil }
      guard tag == 0x0112 else { continue }
      // One value of type SHORT, which stands where the offset of a longer value would.
      guard short(offset + 2) == 3, long(offset + 4) == 1, let value = short(offset + 8) else { return nil }
      return Orientation(rawValue: value)
    }
    return nil
  }
}

/// A part of a file that answers `nil` outside its bounds.
private struct Bytes {
  private let file: [UInt8]
  private let range: Range<Int>

  init(_ file: [UInt8], range: Range<Int>) {
    self.file = file
    self.range = range
  }

  func bigEndian16(_ offset: Int) -> Int? {
    guard offset >= 0, offset + 2 <= range.count else { return nil }
    let start = range.lowerBound + offset
    return Int(file[start]) << 8 | Int(file[start + 1])
  }

  func bigEndian32(_ offset: Int) -> Int? {
    guard let high = bigEndian16(offset), let low = bigEndian16(offset + 2) else { return nil }
    return high << 16 | low
  }
}

/// The orientation of the camera: the eight values of the EXIF orientation, tag 0x0112 (CIPA DC-008, 4.6.5).
///
/// The raw value says which corner of the scene the first stored pixel is, and along which edge the first row runs.
enum Orientation: Int {
  case upright = 1
  case mirrored, upsideDown, mirroredUpsideDown, transposed, clockwise, transverse, anticlockwise

  /// Whether stored rows become columns.
  var swapsAxes: Bool { rawValue >= 5 }

  /// The picture as it should be seen, its pixels of `channels` bytes brought into order.
  func apply(to pixels: [UInt8], width: Int, height: Int, channels: Int) -> [UInt8] {
    if self == .upright { return pixels }
    let (right, bottom) = (width - 1, height - 1)
    // The stored column and row of the first shown pixel, and the change of both per shown column and per shown row.
    let (x, y, perColumn, perRow) =
      switch self {
      case .upright: (0, 0, (1, 0), (0, 1))
      case .mirrored: (right, 0, (-1, 0), (0, 1))
      case .upsideDown: (right, bottom, (-1, 0), (0, -1))
      case .mirroredUpsideDown: (0, bottom, (1, 0), (0, -1))
      case .transposed: (0, 0, (0, 1), (1, 0))
      case .clockwise: (0, bottom, (0, -1), (1, 0))
      case .transverse: (right, bottom, (0, -1), (-1, 0))
      case .anticlockwise: (right, 0, (0, 1), (-1, 0))
      }
    let columns = swapsAxes ? height : width
    let rows = swapsAxes ? width : height
    let columnStep = (perColumn.1 * width + perColumn.0) * channels
    let rowStep = (perRow.1 * width + perRow.0) * channels
    return [UInt8](unsafeUninitializedCapacity: pixels.count) { shown, count in
      pixels.withUnsafeBufferPointer { stored in
        var target = 0
        for row in 0..<rows {
          var source = (y * width + x) * channels + row * rowStep
          for _ in 0..<columns {
            for channel in 0..<channels { shown[target + channel] = stored[source + channel] }
            target += channels
            source += columnStep
          }
        }
      }
      count = pixels.count
    }
  }
}
