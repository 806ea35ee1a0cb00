import Failures

/// The tokens of a JSON text, read strictly (RFC 8259): punctuation, strings and words.
///
/// Foundation's decoders keep objects in dictionaries of strings, which are equal in Swift where they are canonically
/// equivalent, and take a name that stands twice. Here keys keep their bytes and their order.
package struct JSONScanner {
  private let text: UnsafeRawBufferPointer
  private let error: (_ problem: String) -> PullbackError
  private var position = 0

  /// - Parameters:
  ///   - text: valid as long as this is used.
  ///   - error: the error for a text that breaks the rules, given the problem and the byte.
  package init(_ text: UnsafeRawBufferPointer, error: @escaping (_ problem: String) -> PullbackError) {
    (self.text, self.error) = (text, error)
  }

  /// The byte at the cursor, nil at the end.
  private var byte: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpace() {
    while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// The first byte of the next token, nil at the end.
  package mutating func next() -> UInt8? {
    skipSpace()
    return byte
  }

  /// Skips `mark` and reports whether it was there.
  package mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    guard let byte = next(), UInt32(byte) == mark.value else { return false }
    position += 1
    return true
  }

  package mutating func expect(_ mark: Unicode.Scalar) throws(PullbackError) {
    guard skip(mark) else { throw unexpected("no \"\(mark)\"") }
  }

  package mutating func expectEnd() throws(PullbackError) {
    guard next() == nil else { throw unexpected("more text after the end") }
  }

  /// A natural number without leading zeros.
  package mutating func number() throws(PullbackError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while let byte, byte >= 0x30, byte <= 0x39 {
      let (tens, overflow1) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow2) = tens.addingReportingOverflow(Int(byte - 0x30))
      guard !overflow1, !overflow2 else { throw unexpected("a number beyond 64 bits") }
      value = sum
      position += 1
    }
    let digits = position - start
    guard digits > 0, digits == 1 || text[start] != 0x30 else { throw unexpected("no natural number") }
    return value
  }

  /// All up to the next punctuation or space: a number, true, false or null.
  package mutating func word() -> String {
    skipSpace()
    let start = position
    while let byte, byte > 0x20, byte != UInt8(ascii: ","), byte != UInt8(ascii: "]"), byte != UInt8(ascii: "}") {
      position += 1
    }
    return String(decoding: text[start..<position], as: UTF8.self)
  }

  package mutating func string() throws(PullbackError) -> String {
    try expect("\"")
    var bytes: [UInt8] = []
    while let byte, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw unexpected("a control character in a string") }
      position += 1
      if byte == UInt8(ascii: "\\") { bytes += UTF8.encode(try escaped())! } else { bytes.append(byte) }
    }
    try expect("\"")
    guard let string = String(validating: bytes, as: UTF8.self) else { throw unexpected("a string that is no UTF-8") }
    return string
  }

  /// The character after a backslash; two escapes make one where UTF-16 needs a surrogate pair.
  private mutating func escaped() throws(PullbackError) -> Unicode.Scalar {
    guard let letter = byte else { throw unexpected("an open string") }
    position += 1
    switch letter {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "u"):
      var units = [try codeUnit()]
      if UTF16.isLeadSurrogate(units[0]) {
        for mark in "\\u".utf8 {
          guard byte == mark else { throw unexpected("half a surrogate pair") }
          position += 1
        }
        units.append(try codeUnit())
      }
      guard let text = String(validating: units, as: UTF16.self), let scalar = text.unicodeScalars.first else {
        throw unexpected("half a surrogate pair")
      }
      return scalar
    default: throw unexpected("an unknown escape")
    }
  }

  private mutating func codeUnit() throws(PullbackError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw unexpected("an unknown escape")
      }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }

  /// The error for what stands at the cursor.
  package func unexpected(_ problem: String) -> PullbackError { error("\(problem) at byte \(position)") }
}
