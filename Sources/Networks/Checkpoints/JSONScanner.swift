import Pullbacks

/// The JSON tokens a safetensors header is made of: punctuation, strings and natural numbers.
struct JSONScanner {
  let text: UnsafeRawBufferPointer
  let file: MappedFile
  private var position = 0

  init(text: UnsafeRawBufferPointer, file: MappedFile) {
    self.text = text
    self.file = file
  }

  /// The byte at the cursor, nil at the end.
  private var next: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// Skips `mark` and reports whether it was there.
  mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    skipSpace()
    guard let byte = next, UInt32(byte) == mark.value else { return false }
    position += 1
    return true
  }

  mutating func expect(_ mark: Unicode.Scalar) throws {
    guard skip(mark) else { throw unexpected("no \"\(mark)\"") }
  }

  mutating func expectEnd() throws {
    skipSpace()
    guard position == text.count else { throw unexpected("more text after its closing brace") }
  }

  /// A natural number without leading zeros.
  mutating func number() throws -> Int {
    skipSpace()
    let start = position
    var value = 0
    while let byte = next, byte >= 0x30, byte <= 0x39 {
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

  mutating func string() throws -> String {
    try expect("\"")
    var bytes: [UInt8] = []
    while let byte = next, byte != 0x22 {
      guard byte >= 0x20 else { throw unexpected("a control character in a string") }
      position += 1
      if byte == 0x5C {
        bytes += String(try escape()).utf8
      } else {
        bytes.append(byte)
      }
    }
    try expect("\"")
    guard let string = String(validating: bytes, as: UTF8.self) else { throw unexpected("a string that is no UTF-8") }
    return string
  }

  /// The character after a backslash; two escapes make one where UTF-16 needs a surrogate pair.
  private mutating func escape() throws -> Unicode.Scalar {
    guard let letter = next else { throw unexpected("an open string") }
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
        guard next == UInt8(ascii: "\\") else { throw unexpected("half a surrogate pair") }
        position += 1
        guard next == UInt8(ascii: "u") else { throw unexpected("half a surrogate pair") }
        position += 1
        units.append(try codeUnit())
      }
      guard let text = String(validating: units, as: UTF16.self), let scalar = text.unicodeScalars.first else {
        throw unexpected("half a surrogate pair")
      }
      return scalar
    default: throw unexpected("an unknown escape")
    }
  }

  private mutating func codeUnit() throws -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw unexpected("an unknown escape")
      }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }

  func unexpected(_ problem: String) -> PullbackError {
    file.malformed("the header is not that of a safetensors file: \(problem) at its byte \(position)")
  }
}
