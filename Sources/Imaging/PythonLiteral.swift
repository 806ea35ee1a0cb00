/// A reader of the few Python literals that NumPy writes into a header: a dictionary from strings to strings, booleans
/// and tuples of non-negative integers. A list of anything (a structured type) is skipped over.
struct PythonLiteral {
  indirect enum Value {
    case string(String)
    case boolean(Bool)
    case tuple([Int])
    case list
    case dictionary([String: Value])
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The one literal that the bytes hold, surrounded by nothing but white space; nil if they hold anything else.
  mutating func parse() -> Value? {
    guard let value = dictionary() else { return nil }
    skipSpace()
    return position == bytes.count ? value : nil
  }

  private mutating func dictionary() -> Value? {
    guard take("{") else { return nil }
    var entries: [String: Value] = [:]
    while !take("}") {
      guard let key = string(), take(":"), let value = value(), entries.updateValue(value, forKey: key) == nil else {
        return nil
      }
      if take(",") { continue }
      guard take("}") else { return nil }
      break
    }
    return .dictionary(entries)
  }

  private mutating func value() -> Value? {
    if let text = string() { return .string(text) }
    if take("True") { return .boolean(true) }
    if take("False") { return .boolean(false) }
    if take("(") { return tuple() }
    return take("[") ? list() : nil
  }

  /// After the opening parenthesis. `(3)` is a number and no tuple, `(3,)` is one; `()` has no axes.
  private mutating func tuple() -> Value? {
    var numbers: [Int] = []
    var endsInComma = true
    while !take(")") {
      guard endsInComma, let number = integer() else { return nil }
      numbers.append(number)
      endsInComma = take(",")
    }
    return numbers.count == 1 && !endsInComma ? nil : .tuple(numbers)
  }

  /// After the opening bracket: everything up to its partner, for the sake of a clear message.
  private mutating func list() -> Value? {
    var depth = 1
    while depth > 0, position < bytes.count {
      if bytes[position] == UInt8(ascii: "[") { depth += 1 }
      if bytes[position] == UInt8(ascii: "]") { depth -= 1 }
      position += 1
    }
    return depth == 0 ? .list : nil
  }

  private mutating func integer() -> Int? {
    skipSpace()
    let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    position = digits.endIndex
    let number = Int(String(decoding: digits, as: UTF8.self))
    // Python 2 wrote long integers with an L.
    if number != nil && position < bytes.count && bytes[position] == UInt8(ascii: "L") { position += 1 }
    return number
  }

  private mutating func string() -> String? {
    skipSpace()
    guard position < bytes.count else { return nil }
    let quote = bytes[position]
    guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
    let text = bytes[(position + 1)...].prefix { $0 != quote }
    guard text.endIndex < bytes.count else { return nil }
    position = text.endIndex + 1
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func take(_ token: StaticString) -> Bool {
    skipSpace()
    let token = UnsafeBufferPointer(start: token.utf8Start, count: token.utf8CodeUnitCount)
    guard bytes[position...].starts(with: token) else { return false }
    position += token.count
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }
}
