/// Finds the orientation in the metadata of an image file. Metadata is written by everybody and checked by nobody: what
/// is malformed is as good as absent, and the picture counts as upright.
enum EXIF {
  /// The orientation that a PNG's `eXIf` chunk or a JPEG's APP1 segment gives.
  static func orientation(of bytes: [UInt8], format: ImageFormat) -> Orientation {
    let block = format == .png ? blockOfPNG(bytes) : blockOfJPEG(bytes)
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

  /// The data of the first APP1 segment that starts with "Exif", after that signature. Segments are a marker and a
  /// length that counts itself; they end at the first scan.
  private static func blockOfJPEG(_ file: [UInt8]) -> Range<Int>? {
    let bytes = Bytes(file, range: 0..<file.count)
    let signature: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]
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
