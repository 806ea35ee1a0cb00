import CBridge
import Failures

/// The options of a call in the order in which they were given.
struct Options {
  private var given: [(name: String, value: String)] = []

  /// - Throws: `PullbackError` of kind `usage` if a name or value is missing or no UTF-8.
  init(_ options: UnsafePointer<sp_option>?, count: Int) throws(PullbackError) {
    guard count > 0 else { return }
    guard let options, count < 1 << 16 else {
      throw PullbackError(.usage, "options", "expected \(count) of them, found none")
    }
    for place in 0..<count {
      let name = try text(options[place].name, "name of option \(place)")
      given.append((name, try text(options[place].value, "option \(name)")))
    }
  }

  /// Takes out an option that may be given once.
  ///
  /// - Throws: `PullbackError` of kind `usage` if it is given twice.
  mutating func take(_ name: String) throws(PullbackError) -> String? {
    let values = takeAll(name)
    guard values.count <= 1 else {
      throw PullbackError(.usage, "\(name) \(values[1])", "is given twice", advice: "leave one out")
    }
    return values.first
  }

  /// Takes out an option, read by `parse`, which gives nil for what is no value.
  mutating func take<Value>(
    _ name: String, _ expected: String, _ parse: (String) -> Value?
  ) throws(PullbackError) -> Value? {
    guard let text = try take(name) else { return nil }
    guard let value = parse(text) else { throw PullbackError(.usage, "\(name) \(text)", "expected \(expected)") }
    return value
  }

  /// Takes out an option that is one of a list of names.
  mutating func take<Name: RawRepresentable<String> & CaseIterable>(
    _ name: String, of type: Name.Type
  ) throws(PullbackError) -> Name? {
    try take(name, "one of " + Name.allCases.map(\.rawValue).joined(separator: ", ")) { Name(rawValue: $0) }
  }

  /// Takes out all values of an option that may be given several times.
  mutating func takeAll(_ name: String) -> [String] {
    let values = given.filter { $0.name == name }.map(\.value)
    given.removeAll { $0.name == name }
    return values
  }

  /// Those that nobody took.
  var rest: [(name: String, value: String)] { given }
}

/// A text that C hands over.
///
/// - Throws: `PullbackError` of kind `usage` if there is none, or it is no UTF-8.
func text(_ characters: UnsafePointer<CChar>?, _ what: String) throws(PullbackError) -> String {
  guard let characters else { throw PullbackError(.usage, what, "expected a text, found NULL") }
  guard let text = String(validatingCString: characters) else {
    throw PullbackError(.usage, what, "expected UTF-8")
  }
  return text
}
