import Failures

/// The table of contents of a zip archive whose entries are stored uncompressed, as `torch.save` writes it.
///
/// Only the central directory is believed; each entry is checked to lie inside the file. Check sums are not: that
/// would read every page of the file, and ``Checkpoint/sha256`` says more.
///
/// Source: PKWARE's APPNOTE.TXT 6.3.9, sections 4.3 and 4.5.3 (zip64).
struct ZipArchive {
  struct StoredFile {
    var isStored: Bool
    var localHeader: Int
    var size: Int
  }

  let file: FileCopy
  /// Names in the order of the central directory.
  private(set) var names: [String] = []
  private var entries: [String: StoredFile] = [:]

  static func recognizes(_ file: FileCopy) -> Bool {
    file.holds([0x50, 0x4B, 0x03, 0x04]) || file.holds([0x50, 0x4B, 0x05, 0x06])
  }

  init(_ file: FileCopy) throws {
    self.file = file
    let directory = try Self.findDirectory(file)
    var cursor = ByteCursor(file, directory)
    var total = 0
    while cursor.position < cursor.end {
      let (name, entry) = try Self.readDirectoryEntry(&cursor)
      guard entries.updateValue(entry, forKey: name) == nil else {
        throw file.malformed("its archive names \(quoted(name)) twice")
      }
      names.append(name)
      // Entries that share bytes are how a small archive pretends to be a large one.
      let (sum, overflow) = total.addingReportingOverflow(entry.size)
      guard !overflow, sum <= directory.lowerBound else {
        throw file.malformed("its archive announces more bytes than the file has")
      }
      total = sum
    }
  }

  func contains(_ name: String) -> Bool { entries[name] != nil }

  /// The bytes of the entry `name`.
  func bytes(of name: String) throws -> Range<Int> {
    guard let entry = entries[name] else { throw file.malformed("its archive lacks \(quoted(name))") }
    guard entry.isStored else {
      throw file.malformed(
        "\(quoted(name)) in its archive is compressed or encrypted, which torch.save never does",
        advice: "unpack it and pack it again with zip -0, or save it again with torch.save")
    }
    var cursor = ByteCursor(file, entry.localHeader..<file.count)
    guard try cursor.number(UInt32.self) == 0x0403_4B50 else {
      throw file.malformed("\(quoted(name)) is not where its archive says")
    }
    _ = try cursor.skip(22)
    let nameLength = Int(try cursor.number(UInt16.self))
    let extraLength = Int(try cursor.number(UInt16.self))
    guard try file.text(in: cursor.skip(nameLength)) == name else {
      throw file.malformed("\(quoted(name)) is not where its archive says")
    }
    _ = try cursor.skip(extraLength)
    return try cursor.skip(entry.size)
  }

  /// The central directory, found from the record at the end of the file, behind which a comment may stand.
  private static func findDirectory(_ file: FileCopy) throws -> Range<Int> {
    let recordSize = 22
    var record = file.count - recordSize
    let earliest = max(0, record - 0xFFFF)
    while record >= earliest {
      if try file.load(UInt32.self, at: record) == 0x0605_4B50,
        Int(try file.load(UInt16.self, at: record + 20)) == file.count - record - recordSize
      {
        break
      }
      record -= 1
    }
    guard record >= earliest else {
      throw file.malformed("is a zip archive without an end: the download was cut short")
    }
    var size = Int(try file.load(UInt32.self, at: record + 12))
    var offset = Int(try file.load(UInt32.self, at: record + 16))
    if record >= 20, try file.load(UInt32.self, at: record - 20) == 0x0706_4B50 {
      let wide = Int(clamping: try file.load(UInt64.self, at: record - 12))
      guard wide <= file.count - 56, try file.load(UInt32.self, at: wide) == 0x0606_4B50 else {
        throw file.malformed("its archive has no zip64 record where one is announced")
      }
      size = Int(clamping: try file.load(UInt64.self, at: wide + 40))
      offset = Int(clamping: try file.load(UInt64.self, at: wide + 48))
    }
    guard offset <= record, size <= record - offset else {
      throw file.malformed("its archive places the table of contents outside the file")
    }
    return offset..<offset + size
  }

  private static func readDirectoryEntry(_ cursor: inout ByteCursor) throws -> (String, StoredFile) {
    let file = cursor.file
    let start = cursor.position
    let fixed = try cursor.skip(46)
    guard try file.load(UInt32.self, at: start) == 0x0201_4B50 else {
      throw file.malformed("its archive has a damaged table of contents")
    }
    let flags = try file.load(UInt16.self, at: start + 8)
    let method = try file.load(UInt16.self, at: start + 10)
    var compressed = Int(try file.load(UInt32.self, at: start + 20))
    var size = Int(try file.load(UInt32.self, at: start + 24))
    let nameLength = Int(try file.load(UInt16.self, at: start + 28))
    let extraLength = Int(try file.load(UInt16.self, at: start + 30))
    let commentLength = Int(try file.load(UInt16.self, at: start + 32))
    var header = Int(try file.load(UInt32.self, at: fixed.upperBound - 4))
    guard let name = try file.text(in: cursor.skip(nameLength)) else {
      throw file.malformed("its archive has a name that is no UTF-8")
    }
    var extra = ByteCursor(file, try cursor.skip(extraLength))
    while extra.end - extra.position >= 4 {
      let tag = try extra.number(UInt16.self)
      var field = ByteCursor(file, try extra.skip(Int(try extra.number(UInt16.self))))
      guard tag == 1 else { continue }
      // The zip64 field has, in this order, the numbers that did not fit into 32 bits.
      if size == 0xFFFF_FFFF { size = Int(clamping: try field.number(UInt64.self)) }
      if compressed == 0xFFFF_FFFF { compressed = Int(clamping: try field.number(UInt64.self)) }
      if header == 0xFFFF_FFFF { header = Int(clamping: try field.number(UInt64.self)) }
    }
    _ = try cursor.skip(commentLength)
    let isStored = method == 0 && flags & 1 == 0
    guard header <= file.count, !isStored || compressed == size else {
      throw file.malformed("\(quoted(name)) in its archive has contradictory sizes")
    }
    return (name, StoredFile(isStored: isStored, localHeader: header, size: compressed))
  }
}
