/// Paths of any bytes as text, and back.
///
/// Linux names files by bytes, which need not be UTF-8; a string holds nothing else. A byte that is not part of valid
/// UTF-8 becomes the private character U+10FF00 plus the byte, as does every byte of such a character itself: each path
/// has a text of its own, and the text leads back to the path. All functions of this room take and return such texts.
public enum PathText {
  private static let first: UInt32 = 0x10FF00

  /// The byte that a character stands for; nil for one that is itself.
  private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
    (first + 0x80...first + 0xFF).contains(scalar.value) ? UInt8(scalar.value - first) : nil
  }

  /// The text of a path.
  public static func text(of bytes: some Collection<UInt8>) -> String {
    var result = ""
    func keep(_ bytes: some Sequence<UInt8>) {
      for byte in bytes { result.unicodeScalars.append(Unicode.Scalar(first + UInt32(byte))!) }
    }
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var rest = bytes[...]
    while true {
      switch parser.parseScalar(from: &iterator) {
      case .emptyInput: return result
      case .valid(let encoded):
        let scalar = Unicode.UTF8.decode(encoded)
        if byte(of: scalar) == nil { result.unicodeScalars.append(scalar) } else { keep(rest.prefix(encoded.count)) }
        rest = rest.dropFirst(encoded.count)
      case .error(let length):
        keep(rest.prefix(length))
        rest = rest.dropFirst(length)
      }
    }
  }

  /// The path that a text stands for.
  public static func bytes(of text: String) -> [UInt8] {
    var result: [UInt8] = []
    for scalar in text.unicodeScalars {
      if let byte = byte(of: scalar) { result.append(byte) } else { result += UTF8.encode(scalar)! }
    }
    return result
  }

  /// A text from the command line that is not a path: bytes that are not UTF-8 become U+FFFD, as they do in files.
  public static func repaired(_ text: String) -> String { String(decoding: bytes(of: text), as: UTF8.self) }

  /// Calls `body` with the path that a text stands for, as system calls take it.
  static func withPath<Result>(
    _ text: String, _ body: (UnsafePointer<CChar>) throws -> Result
  ) rethrows -> Result {
    try (bytes(of: text) + [0]).withUnsafeBufferPointer { bytes in
      try bytes.baseAddress!.withMemoryRebound(to: CChar.self, capacity: bytes.count, body)
    }
  }

  /// A text as people and records get to see it, on one line: bytes that are no UTF-8 and control characters as
  /// `\xE9`, as Python writes them.
  public static func shown(_ text: String) -> String {
    func isPlain(_ scalar: Unicode.Scalar) -> Bool {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: false
      default: byte(of: scalar) == nil
      }
    }
    if text.unicodeScalars.allSatisfy(isPlain) { return text }
    return text.unicodeScalars.map { scalar in
      if isPlain(scalar) { return String(scalar) }
      let bytes = byte(of: scalar).map { [$0] } ?? Array(UTF8.encode(scalar)!)
      return bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
    }.joined()
  }
}
