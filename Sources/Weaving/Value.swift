import Failures

/// The value in a result file: JSON's kinds of values.
public enum Value: Equatable, Sendable {
  case null
  case boolean(Bool)
  case number(Double)
  case text(String)
  case list([Value])
  case record([String: Value])

  /// The kind of the value, for a message: `a list of 8`.
  var kind: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value): "the number \(value)"
    case .text(let value): "the text \"\(value.prefix(60))\""
    case .list(let values): "a list of \(values.count)"
    case .record(let fields): "a record of \(listing(fields.keys.sorted()))"
    }
  }

  /// The value as a filter compares it and as a table without a format shows it; nil for lists and records.
  var plain: String? {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value): Int(exactly: value).map(String.init) ?? "\(value)"
    case .text(let value): value
    case .list, .record: nil
    }
  }
}

extension Value: Decodable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let values = try? container.decode([Value].self) {
      self = .list(values)
    } else {
      self = .record(try container.decode([String: Value].self))
    }
  }
}

/// The names, not too many of them.
func listing(_ names: [String]) -> String {
  let shown = names.prefix(16).joined(separator: ", ")
  return names.count > 16 ? shown + ", …" : names.isEmpty ? "nothing" : shown
}

/// The way from a result file's root to values in it.
///
///     numbers[method=gradient].energyInTile
///
/// | step | from every value reached so far |
/// |---|---|
/// | `name`, steps separated by dots | a record's field |
/// | `[3]`, `[-1]` | a list's element, from the front or the back |
/// | `[*]` | all of a list's elements |
/// | `[key=value]` | of a list's elements, or of the records reached, those whose field compares so |
///
/// A filter may also compare with `!=`, `<`, `>`, `<=` and `>=`.
struct ValuePath {
  private enum Step {
    case field(String)
    case element(Int)
    case all
    case filter(Filter)
  }

  private struct Filter {
    let key: String
    let comparison: Comparison
    let value: String

    func accepts(_ candidate: Value) -> Bool {
      guard case .record(let fields) = candidate, let field = fields[key] else { return false }
      return comparison.holds(field, value)
    }
  }

  let text: String
  private let steps: [Step]

  /// The names that it goes through, without choices among elements.
  var names: [String] {
    steps.compactMap { if case .field(let name) = $0 { name } else { nil } }
  }

  /// - Throws: `PullbackError` if `text` is not a path.
  init(_ text: String) throws {
    self.text = text
    var steps: [Step] = []
    var rest = Substring(text)
    while let first = rest.first {
      if first == "[" {
        guard let end = rest.firstIndex(of: "]") else { throw PullbackError(.usage, text, "expected a ] after [") }
        steps.append(try Self.bracket(String(rest[rest.index(after: rest.startIndex)..<end]), in: text))
        rest = rest[rest.index(after: end)...]
      } else {
        if first == ".", !steps.isEmpty { rest = rest.dropFirst() }
        let name = rest.prefix { $0 != "." && $0 != "[" }
        guard !name.isEmpty else { throw PullbackError(.usage, text, "expected a name between the dots") }
        steps.append(.field(String(name)))
        rest = rest.dropFirst(name.count)
      }
    }
    self.steps = steps
  }

  private static func bracket(_ content: String, in text: String) throws -> Step {
    if content == "*" { return .all }
    if let index = Int(content) { return .element(index) }
    guard let (key, comparison, value) = Comparison.split(content), !key.isEmpty else {
      throw PullbackError(.usage, text, "expected an index, * or key=value in [\(content)]")
    }
    return .filter(Filter(key: key, comparison: comparison, value: value))
  }

  /// The values that the path leads to from `root`, at least one.
  ///
  /// - Throws: `PullbackError` where it leads nowhere, saying what is there.
  func values(in root: Value) throws -> [Value] {
    var values = [root]
    for step in steps {
      switch step {
      case .field(let name): values = try values.map { try field(name, of: $0) }
      case .element(let index): values = try values.map { try element(index, of: $0) }
      case .all: values = try values.flatMap { try elements(of: $0) }
      case .filter(let filter): values = try matches(filter, among: values)
      }
    }
    guard !values.isEmpty else { throw PullbackError(.data, text, "leads to an empty list") }
    return values
  }

  private func field(_ name: String, of value: Value) throws -> Value {
    guard case .record(let fields) = value, let field = fields[name] else {
      throw PullbackError(.data, text, "there is no \(name) in \(value.kind)")
    }
    return field
  }

  private func elements(of value: Value) throws -> [Value] {
    guard case .list(let values) = value else {
      throw PullbackError(.data, text, "expected a list, found \(value.kind)")
    }
    return values
  }

  private func element(_ index: Int, of value: Value) throws -> Value {
    let values = try elements(of: value)
    let position = index < 0 ? values.count + index : index
    guard values.indices.contains(position) else {
      throw PullbackError(.data, text, "there is no element \(index) in a list of \(values.count)")
    }
    return values[position]
  }

  private func matches(_ filter: Filter, among values: [Value]) throws -> [Value] {
    let candidates = values.flatMap { value in
      if case .list(let elements) = value { elements } else { [value] }
    }
    let matches = candidates.filter(filter.accepts)
    if matches.isEmpty {
      var found: [String] = []
      for case .record(let fields) in candidates {
        if let value = fields[filter.key]?.plain, !found.contains(value) { found.append(value) }
      }
      throw PullbackError(
        .data, text, "no \(filter.key) \(filter.comparison.rawValue) \(filter.value); there is \(listing(found))")
    }
    return matches
  }
}

/// One number of many.
enum Aggregate: String, CaseIterable {
  case mean, median, min, max, sum, count
  /// The standard deviation of the population: the root of the mean squared distance from the mean.
  case deviation

  /// - Parameter values: numbers, or one list of numbers; for `count`, anything.
  func callAsFunction(_ values: [Value], of path: String) throws -> Double {
    var values = values
    if values.count == 1, case .list(let elements) = values[0] { values = elements }
    if self == .count { return Double(values.count) }
    let numbers = try values.map { value in
      guard case .number(let number) = value else {
        throw PullbackError(.data, path, "expected numbers for \(rawValue), found \(value.kind)")
      }
      return number
    }
    guard !numbers.isEmpty else { throw PullbackError(.data, path, "the \(rawValue) of no numbers is not defined") }
    let sorted = numbers.sorted()
    let sum = numbers.reduce(0, +)
    let mean = sum / Double(numbers.count)
    switch self {
    case .mean: return mean
    case .median: return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    case .min: return sorted[0]
    case .max: return sorted[sorted.count - 1]
    case .sum: return sum
    case .count: return Double(numbers.count)
    case .deviation:
      return (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count)).squareRoot()
    }
  }
}
