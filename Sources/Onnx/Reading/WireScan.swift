import Foundation

/// A look at the messages of a model before they are decoded: lengths that leave a message, messages too deep in one
/// another, and so many of them in so few bytes that they would take many times the file's memory, are refused.
///
/// It also finds the graph's tensors, which are most of the bytes and can then be decoded one by one.
struct WireScan {
  /// A message within the model: its bytes with its field's key and length, and without.
  struct Part { let whole, content: Range<Int> }

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

  private let bytes: UnsafeRawBufferPointer
  private var count = 0
  /// The graph, as often as the model has one.
  private(set) var graphs: [Part] = []
  /// The tensors of the graph.
  private(set) var tensors: [Part] = []

  /// - Throws: `Failure` where a message leaves the one around it, lies too deep, or is one too many.
  init(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    self.bytes = bytes
    try walk(0..<bytes.count, .model, depth: 0)
  }

  /// The model's bytes without the tensors of its only graph.
  func withoutTensors() -> Data {
    guard let graph = graphs.first else { return Data(bytes) }
    var (content, place) = (Data(), graph.content.lowerBound)
    for tensor in tensors {
      content.append(contentsOf: bytes[place..<tensor.whole.lowerBound])
      place = tensor.whole.upperBound
    }
    content.append(contentsOf: bytes[place..<graph.content.upperBound])

    var result = Data(bytes[..<graph.whole.lowerBound])
    result.append(7 << 3 | 2)
    var length = content.count
    while length >= 0x80 {
      result.append(UInt8(length & 0x7F) | 0x80)
      length >>= 7
    }
    result.append(UInt8(length))
    result.append(content)
    result.append(contentsOf: bytes[graph.whole.upperBound...])
    return result
  }

  private mutating func walk(_ range: Range<Int>, _ message: Message, depth: Int) throws(Failure) {
    guard depth <= Self.depth else { throw Failure(problem: "messages lie more than \(Self.depth) deep") }
    count += 1
    guard count <= Self.limit else { throw Failure(problem: "it has more than \(Self.limit) parts") }
    var place = range.lowerBound
    while place < range.upperBound {
      let start = place
      let key = try number(&place, before: range.upperBound)
      switch key & 7 {
      case 0: _ = try number(&place, before: range.upperBound)
      case 1: place += 8
      case 5: place += 4
      case 2:
        let length = try number(&place, before: range.upperBound)
        guard length <= UInt64(range.upperBound - place) else {
          throw Failure(problem: "a part of \(length) bytes is announced, and \(range.upperBound - place) follow")
        }
        let end = place + Int(length)
        if let kind = message.part(key >> 3) {
          let part = Part(whole: start..<end, content: place..<end)
          // Deeper graphs are those of control flow.
          if kind == .graph, depth == 0 { graphs.append(part) }
          if kind == .tensor, depth == 1 { tensors.append(part) }
          try walk(part.content, kind, depth: depth + 1)
        }
        place = end
      default: throw Failure(problem: "a field has the unknown type \(key & 7)")
      }
      guard place <= range.upperBound else { throw Failure(problem: "it ends amid a number") }
    }
  }

  /// A number of seven bits a byte, the least first.
  private func number(_ place: inout Int, before end: Int) throws(Failure) -> UInt64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while place < end, shift < 64 {
      let byte = bytes[place]
      place += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Failure(problem: "it ends amid a number")
  }
}
