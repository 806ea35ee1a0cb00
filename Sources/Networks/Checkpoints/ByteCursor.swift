import Pullbacks

/// A position in a mapped file that moves forward through a range of it and never leaves it.
struct ByteCursor {
  let file: MappedFile
  private(set) var position: Int
  let end: Int

  /// - Parameter range: a range inside the file.
  init(_ file: MappedFile, _ range: Range<Int>) {
    self.file = file
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next `count` bytes, passed over without being touched.
  mutating func skip(_ count: Int) throws -> Range<Int> {
    guard count >= 0, count <= end - position else {
      throw file.malformed("ends too early: \(count) bytes are announced at byte \(position), \(end - position) follow")
    }
    defer { position += count }
    return position..<position + count
  }

  /// The next little-endian number.
  mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) throws -> Number {
    try file.load(type, at: skip(MemoryLayout<Number>.size).lowerBound)
  }

  /// The bytes up to the next line feed, which is passed over.
  mutating func line(atMost limit: Int) throws -> Range<Int> {
    let start = position
    while try number(UInt8.self) != UInt8(ascii: "\n") {
      guard position - start <= limit else { throw file.malformed("has a line of more than \(limit) bytes") }
    }
    return start..<position - 1
  }
}

extension MappedFile {
  /// The text in `range`, nil if it is no UTF-8.
  func text(in range: Range<Int>) throws -> String? {
    String(validating: try bytes(in: range), as: UTF8.self)
  }
}
