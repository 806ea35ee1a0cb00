import Failures

/// A value of a result file as the text asks for it: `fig2:numbers[method=gradient].energyInTile|mean|percent`.
///
/// The name of the result file, a ``ValuePath``, an ``Aggregate`` where the path leads to many values, and a
/// ``ValueFormat``. Texts and whole numbers need no format.
struct Quotation {
  let file: String
  let selection: Selection

  init(_ text: String) throws {
    guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
      throw PullbackError(
        .usage, text, "is neither a directive nor of the form file:path|format",
        advice: "the directives are \(listing(Directive.names))")
    }
    file = String(text[..<colon])
    selection = try Selection(String(text[text.index(after: colon)...]))
  }
}

/// The part of a ``Quotation`` after the file's name, also a table's column.
struct Selection {
  let path: ValuePath
  private let aggregate: Aggregate?
  private let format: ValueFormat?

  init(_ text: String) throws {
    var parts = text.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmed }
    path = try ValuePath(parts.removeFirst())
    aggregate = parts.first.flatMap(Aggregate.init(rawValue:))
    if aggregate != nil { parts.removeFirst() }
    format = try parts.isEmpty ? nil : ValueFormat(parts.removeFirst())
    if let rest = parts.first { throw PullbackError(.usage, text, "there is something after the format: \(rest)") }
  }

  /// Whether what it selects is written as a number.
  var isNumeric: Bool { format?.isNumeric ?? (aggregate != nil) }

  /// The one value meant.
  func value(in root: Value) throws -> Value {
    let values = try path.values(in: root)
    if let aggregate { return .number(try aggregate(values, of: path.text)) }
    guard values.count == 1 else {
      throw PullbackError(
        .usage, path.text, "leads to \(values.count) values, expected one",
        advice: "choose one, or take \(listing(Aggregate.allCases.map(\.rawValue)))")
    }
    return values[0]
  }

  func number(in root: Value) throws -> Double {
    let value = try value(in: root)
    guard case .number(let number) = value else {
      throw PullbackError(.data, path.text, "expected a number, found \(value.kind)")
    }
    return number
  }

  /// As Pandoc's Markdown.
  func markdown(in root: Value) throws -> String {
    let value = try value(in: root)
    if let format { return try format(value, of: path.text) }
    switch value {
    case .text(let text): return escaped(text)
    case .number(let number) where Int(exactly: number) != nil:
      return try ValueFormat.integer(value, of: path.text)
    case .number, .boolean, .null, .list, .record:
      throw PullbackError(
        .usage, path.text, "\(value.kind) needs a format", advice: "as in \(path.text)|fixed 2")
    }
  }
}

/// `text` with a backslash before what Markdown would take for markup.
func escaped(_ text: String) -> String {
  String(text.flatMap { "\\`*_{}[]<>$#|@^~\"'".contains($0) ? ["\\", $0] : [$0] })
}

extension StringProtocol {
  /// Without white space at its ends.
  var trimmed: String {
    let start = drop { $0.isWhitespace }
    return String(start.reversed().drop { $0.isWhitespace }.reversed())
  }
}
