import Failures
import Foundation

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

  /// The quotation as Pandoc's Markdown.
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

/// The format of a value in the text.
enum ValueFormat: Equatable {
  /// This many decimals: `fixed 2` makes 0.4707 into 0.47.
  case fixed(Int)
  /// Times a hundred, with so many decimals: `percent` makes it 47 %, `percent 1` 47.1 %.
  case percent(Int)
  /// This many digits: `significant 2` makes 0.00123 into 0.0012.
  case significant(Int)
  /// This many digits and a power of ten: `scientific 2` makes 366000 into 3.7 × 10^5^.
  case scientific(Int)
  /// A whole number, thousands apart: `integer` makes 30000 into 30,000.
  case integer
  /// A text's first so many characters.
  case first(Int)

  /// The words of a format: `percent 1`.
  ///
  /// - Throws: `PullbackError` for others.
  init(_ text: String) throws {
    let words = text.split(separator: " ")
    let digits = words.count == 2 ? Int(words[1]) : nil
    switch (words.first, digits, words.count) {
    case ("fixed", let digits?, 2) where (0...15).contains(digits): self = .fixed(digits)
    case ("percent", let digits?, 2) where (0...15).contains(digits): self = .percent(digits)
    case ("percent", _, 1): self = .percent(0)
    case ("significant", let digits?, 2) where (1...15).contains(digits): self = .significant(digits)
    case ("scientific", let digits?, 2) where (1...15).contains(digits): self = .scientific(digits)
    case ("integer", _, 1): self = .integer
    case ("first", let count?, 2) where count > 0: self = .first(count)
    default:
      throw PullbackError(
        .usage, text, "is not a format",
        advice: "there are fixed N, percent [N], significant N, scientific N, integer and first N, and to make one "
          + "number of many " + listing(Aggregate.allCases.map(\.rawValue)))
    }
  }

  /// `value` as Pandoc's Markdown.
  ///
  /// - Throws: `PullbackError` if it cannot be written so: a text as a number, or one that is not whole as an integer.
  func callAsFunction(_ value: Value, of path: String) throws -> String {
    switch (self, value) {
    case (.first(let count), .text(let text)): return escaped(String(text.prefix(count)))
    case (.first, _): throw PullbackError(.data, path, "expected a text, found \(value.kind)")
    case (_, .number(let number)): return try text(of: number, path)
    default: throw PullbackError(.data, path, "expected a number, found \(value.kind)")
    }
  }

  /// Whether it is right in a column that is aligned at the right.
  var isNumeric: Bool {
    if case .first = self { false } else { true }
  }

  private func text(of number: Double, _ path: String) throws -> String {
    guard number.isFinite else { throw PullbackError(.data, path, "\(number) is not a finite number") }
    switch self {
    case .first: return "\(number)"
    case .fixed(let digits): return Self.signed(String(format: "%.\(digits)f", number))
    case .percent(let digits): return Self.signed(String(format: "%.\(digits)f", number * 100)) + "\u{A0}%"
    case .significant(let digits):
      let rounded = Double(String(format: "%.\(digits - 1)e", number)) ?? number
      let exponent = rounded == 0 ? 0 : Int(log10(abs(rounded)).rounded(.down))
      guard (-5...15).contains(exponent) else { return Self.power(number, digits) }
      return Self.signed(String(format: "%.\(max(0, digits - 1 - exponent))f", rounded))
    case .scientific(let digits): return Self.power(number, digits)
    case .integer:
      guard let whole = Int(exactly: number) else {
        throw PullbackError(.data, path, "\(number) is not a whole number", advice: "take fixed or significant")
      }
      return Self.grouped(whole)
    }
  }

  private static func power(_ number: Double, _ digits: Int) -> String {
    let parts = String(format: "%.\(digits - 1)e", number).split(separator: "e")
    let exponent = Int(parts[1]) ?? 0
    return "\(signed(String(parts[0])))\u{A0}×\u{A0}10^\(signed(String(exponent)))^"
  }

  /// With a minus sign for a hyphen, and none before a zero.
  private static func signed(_ text: String) -> String {
    guard text.hasPrefix("-") else { return text }
    return text.contains { "123456789".contains($0) } ? "\u{2212}" + text.dropFirst() : String(text.dropFirst())
  }

  private static func grouped(_ whole: Int) -> String {
    let digits = Array(String(whole.magnitude))
    let grouped = digits.enumerated().map { index, digit in
      (index > 0 && (digits.count - index) % 3 == 0 ? "," : "") + String(digit)
    }
    return (whole < 0 ? "\u{2212}" : "") + grouped.joined()
  }
}
