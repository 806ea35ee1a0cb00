import Checkpoints
import Failures

/// A value of a JSON document and its place in it, which error messages name. Objects keep all of their keys: of two
/// tokens `é`, one a single scalar and one of two, Foundation's decoders lose one.
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
    let document = bytes.withUnsafeBytes { text in
      Result { () throws(PullbackError) in
        var scanner = JSONScanner(text) {
          PullbackError(.data, file, "is not JSON: \($0)", advice: "download or save it again")
        }
        let value = try Value(&scanner)
        try scanner.expectEnd()
        return value
      }
    }
    (value, self.file, place) = (try document.get(), file, "")
  }

  private init(_ value: Value, _ file: String, _ place: String) {
    (self.value, self.file, self.place) = (value, file, place)
  }

  private func at(_ value: Value, _ name: String) -> JSONNode {
    JSONNode(value, file, place.isEmpty ? name : "\(place).\(name)")
  }

  /// The error for a problem with this node.
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

extension JSONNode.Value {
  /// Deeper nesting is refused.
  private static let deepest = 64

  /// The next value of a document.
  fileprivate init(_ scanner: inout JSONScanner, depth: Int = 0) throws(PullbackError) {
    guard depth < Self.deepest else { throw scanner.unexpected("nesting deeper than \(Self.deepest)") }
    switch scanner.next() {
    case UInt8(ascii: "{"):
      try scanner.expect("{")
      var members: [(key: String, value: Self)] = []
      if !scanner.skip("}") {
        repeat {
          let key = try scanner.string()
          try scanner.expect(":")
          members.append((key, try Self(&scanner, depth: depth + 1)))
        } while scanner.skip(",")
        try scanner.expect("}")
      }
      self = .object(members)
    case UInt8(ascii: "["):
      try scanner.expect("[")
      var values: [Self] = []
      if !scanner.skip("]") {
        repeat { values.append(try Self(&scanner, depth: depth + 1)) } while scanner.skip(",")
        try scanner.expect("]")
      }
      self = .array(values)
    case UInt8(ascii: "\""): self = .string(try scanner.string())
    default:
      let word = scanner.word()
      switch word {
      case "true": self = .bool(true)
      case "false": self = .bool(false)
      case "null": self = .null
      default:
        let isPlain = word.utf8.allSatisfy { "+-.0123456789Ee".utf8.contains($0) }
        guard isPlain, let number = Double(word) else { throw scanner.unexpected("the unknown word \(quoted(word))") }
        self = .number(number)
      }
    }
  }
}
