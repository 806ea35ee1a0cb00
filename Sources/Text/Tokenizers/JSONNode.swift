import Failures

/// A value of a JSON document and its place in it, which error messages name.
///
/// Foundation's decoders keep objects in dictionaries of strings, which are equal in Swift where they are canonically
/// equivalent: of two tokens `é`, one a single scalar and one of two, they lose one. Here keys keep their bytes and
/// their order.
struct JSONNode {
  enum Value {
    case object([(key: String, value: Value)])
    case array([Value])
    case string(String)
    case number(Double)
    case bool(Bool)
    case null
  }

  let value: Value
  /// The file.
  let file: String
  /// `model.vocab`
  let place: String

  /// - Throws: `PullbackError` of kind `data` unless the bytes are one JSON document.
  init(_ bytes: [UInt8], of file: String) throws(PullbackError) {
    var reader = JSONReader(bytes: bytes, file: file)
    (value, self.file, place) = (try reader.document(), file, "")
  }

  private init(_ value: Value, _ file: String, _ place: String) {
    (self.value, self.file, self.place) = (value, file, place)
  }

  private func at(_ value: Value, _ name: String) -> JSONNode {
    JSONNode(value, file, place.isEmpty ? name : "\(place).\(name)")
  }

  /// What is wrong here.
  func wrong(_ problem: String, advice: String? = nil) -> PullbackError {
    PullbackError(.data, file, (place.isEmpty ? "" : "\(place): ") + problem, advice: advice)
  }

  private var kind: String {
    switch value {
    case .object: "an object"
    case .array: "a list"
    case .string(let text): "the text \(quoted(text))"
    case .number(let number): "the number \(number)"
    case .bool(let bool): "\(bool)"
    case .null: "null"
    }
  }

  /// The member called `name`; nil where there is none or it is null.
  func optional(_ name: String) throws(PullbackError) -> JSONNode? {
    guard let member = try members().first(where: { $0.key.utf8.elementsEqual(name.utf8) }) else { return nil }
    if case .null = member.node.value { return nil }
    return member.node
  }

  func member(_ name: String) throws(PullbackError) -> JSONNode {
    guard let node = try optional(name) else { throw wrong("has no \(quoted(name))") }
    return node
  }

  func members() throws(PullbackError) -> [(key: String, node: JSONNode)] {
    guard case .object(let members) = value else { throw wrong("expected an object, found \(kind)") }
    return members.map { ($0.key, at($0.value, $0.key)) }
  }

  func elements() throws(PullbackError) -> [JSONNode] {
    guard case .array(let values) = value else { throw wrong("expected a list, found \(kind)") }
    return values.enumerated().map { at($1, "\($0)") }
  }

  func text() throws(PullbackError) -> String {
    guard case .string(let text) = value else { throw wrong("expected a text, found \(kind)") }
    return text
  }

  /// A natural number below 2^31.
  func number() throws(PullbackError) -> Int {
    guard case .number(let number) = value, let whole = Int(exactly: number), (0..<1 << 31).contains(whole) else {
      throw wrong("expected a number from 0 on, found \(kind)")
    }
    return whole
  }

  /// The member called `name`, true or false; `standard` where there is none.
  func flag(_ name: String, or standard: Bool? = nil) throws(PullbackError) -> Bool {
    guard let node = try optional(name) else {
      guard let standard else { throw wrong("has no \(quoted(name))") }
      return standard
    }
    guard case .bool(let flag) = node.value else { throw node.wrong("expected true or false, found \(node.kind)") }
    return flag
  }

  /// Whether this is a text, and not an object or another value.
  var isText: Bool { if case .string = value { true } else { false } }
}

/// Reads JSON strictly (RFC 8259), to a fixed depth.
private struct JSONReader {
  let bytes: [UInt8]
  let file: String
  private var position = 0
  private static let deepest = 64

  init(bytes: [UInt8], file: String) { (self.bytes, self.file) = (bytes, file) }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func unexpected(_ what: String) -> PullbackError {
    PullbackError(.data, file, "is not JSON: \(what) at byte \(position)", advice: "download or save it again")
  }

  mutating func document() throws(PullbackError) -> JSONNode.Value {
    let value = try value(depth: 0)
    skipSpace()
    guard next == nil else { throw unexpected("more text after the end") }
    return value
  }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { position += 1 }
  }

  private mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: mark) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ mark: Unicode.Scalar) throws(PullbackError) {
    guard skip(mark) else { throw unexpected("no \(mark)") }
  }

  private mutating func value(depth: Int) throws(PullbackError) -> JSONNode.Value {
    guard depth < Self.deepest else { throw unexpected("nesting deeper than \(Self.deepest)") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"):
      position += 1
      var members: [(key: String, value: JSONNode.Value)] = []
      if skip("}") { return .object(members) }
      repeat {
        skipSpace()
        let key = try string()
        try expect(":")
        members.append((key, try value(depth: depth + 1)))
      } while skip(",")
      try expect("}")
      return .object(members)
    case UInt8(ascii: "["):
      position += 1
      var values: [JSONNode.Value] = []
      if skip("]") { return .array(values) }
      repeat { values.append(try value(depth: depth + 1)) } while skip(",")
      try expect("]")
      return .array(values)
    case UInt8(ascii: "\""): return .string(try string())
    default:
      let start = position
      while let byte = next, byte > 0x20, ![UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}")].contains(byte) {
        position += 1
      }
      let word = String(decoding: bytes[start..<position], as: UTF8.self)
      switch word {
      case "true": return .bool(true)
      case "false": return .bool(false)
      case "null": return .null
      default:
        let isPlain = word.utf8.allSatisfy { "+-.0123456789Ee".utf8.contains($0) }
        guard isPlain, let number = Double(word) else { throw unexpected("the unknown word \(quoted(word))") }
        return .number(number)
      }
    }
  }

  private mutating func string() throws(PullbackError) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while let byte = next, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw unexpected("a control character in a text") }
      position += 1
      if byte == UInt8(ascii: "\\") { text += UTF8.encode(try escaped())! } else { text.append(byte) }
    }
    try expect("\"")
    guard let string = String(validating: text, as: UTF8.self) else { throw unexpected("a text that is no UTF-8") }
    return string
  }

  private mutating func escaped() throws(PullbackError) -> Unicode.Scalar {
    guard let letter = next else { throw unexpected("an open text") }
    position += 1
    switch letter {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "u"):
      let first = try codeUnit()
      guard UTF16.isLeadSurrogate(first) else {
        guard let scalar = Unicode.Scalar(UInt32(first)) else { throw unexpected("half a surrogate pair") }
        return scalar
      }
      guard next == UInt8(ascii: "\\") else { throw unexpected("half a surrogate pair") }
      position += 1
      guard next == UInt8(ascii: "u") else { throw unexpected("half a surrogate pair") }
      position += 1
      let second = try codeUnit()
      guard UTF16.isTrailSurrogate(second) else { throw unexpected("half a surrogate pair") }
      return Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))!
    default: throw unexpected("an unknown escape")
    }
  }

  private mutating func codeUnit() throws(PullbackError) -> UInt16 {
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
}
