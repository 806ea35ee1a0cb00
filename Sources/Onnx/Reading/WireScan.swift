/// A look at the messages of a model before they are decoded: lengths that leave a message, messages too deep in one
/// another, and so many of them in so few bytes that they would take many times the file's memory, are refused.
struct WireScan {
  struct Failure: Error { let problem: String }

  /// A kind of message, and which of its fields are messages.
  private enum Message {
    case model, graph, node, attribute, tensor, value, type, function, other

    func part(_ field: UInt64) -> Message? {
      switch (self, field) {
      case (.model, 7): .graph
      case (.model, 25): .function
      case (.model, 8), (.model, 14), (.model, 20), (.model, 26): .other
      case (.graph, 1), (.function, 7): .node
      case (.graph, 5): .tensor
      case (.graph, 11), (.graph, 12), (.graph, 13), (.function, 12): .value
      case (.graph, 14), (.graph, 15), (.graph, 16), (.function, 9), (.function, 14): .other
      case (.function, 11), (.node, 5): .attribute
      case (.node, 9), (.node, 10): .other
      case (.attribute, 5), (.attribute, 10): .tensor
      case (.attribute, 6), (.attribute, 11): .graph
      case (.attribute, 14), (.attribute, 15): .type
      case (.attribute, 22), (.attribute, 23): .other
      case (.tensor, 13), (.tensor, 16), (.value, 4): .other
      case (.value, 2): .type
      default: nil
      }
    }
  }

  /// The largest number of messages of a model in all: a node takes about ten.
  private static let limit = 1 << 21
  /// The largest depth of nested messages.
  private static let depth = 50

  private var count = 0

  /// Throws where a message leaves the one around it, lies too deep, or is one too many.
  static func check(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var scan = WireScan()
    try scan.walk(bytes, .model, depth: 0)
  }

  private mutating func walk(_ bytes: UnsafeRawBufferPointer, _ message: Message, depth: Int) throws(Failure) {
    guard depth <= Self.depth else { throw Failure(problem: "messages lie more than \(Self.depth) deep") }
    count += 1
    guard count <= Self.limit else { throw Failure(problem: "it has more than \(Self.limit) parts") }
    var place = 0
    while place < bytes.count {
      let key = try number(bytes, &place)
      switch key & 7 {
      case 0: _ = try number(bytes, &place)
      case 1: place += 8
      case 5: place += 4
      case 2:
        let length = try number(bytes, &place)
        guard length <= UInt64(bytes.count - place) else {
          throw Failure(problem: "a part of \(length) bytes is announced, and \(bytes.count - place) follow")
        }
        let end = place + Int(length)
        if let part = message.part(key >> 3) {
          try walk(UnsafeRawBufferPointer(rebasing: bytes[place..<end]), part, depth: depth + 1)
        }
        place = end
      default: throw Failure(problem: "a field has the unknown type \(key & 7)")
      }
      guard place <= bytes.count else { throw Failure(problem: "it ends amid a number") }
    }
  }

  /// A number of seven bits a byte, the least first.
  private func number(_ bytes: UnsafeRawBufferPointer, _ place: inout Int) throws(Failure) -> UInt64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while place < bytes.count, shift < 64 {
      let byte = bytes[place]
      place += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Failure(problem: "it ends amid a number")
  }
}
