import Failures

/// What the text says of two numbers: `fig2:… > fig2:…`, or with a number in place of one. It writes nothing; where it
/// does not hold, the sentence beside it is wrong.
struct Claim {
  private enum Side {
    case number(Double)
    case quotation(Quotation)
  }

  private let text: String
  private let comparison: Comparison
  private let left: Side
  private let right: Side

  init(_ text: String) throws {
    let words = text.split(separator: " ")
    guard let middle = words.firstIndex(where: { Comparison(rawValue: String($0)) != nil }),
      let comparison = Comparison(rawValue: String(words[middle]))
    else {
      throw PullbackError(.usage, text, "expected a comparison between spaces: =, !=, <, >, <= or >=")
    }
    self.text = text
    self.comparison = comparison
    left = try Self.side(words[..<middle].joined(separator: " "))
    right = try Self.side(words[(middle + 1)...].joined(separator: " "))
  }

  private static func side(_ text: String) throws -> Side {
    if let number = Double(text) { return .number(number) }
    return .quotation(try Quotation(text))
  }

  /// - Throws: `PullbackError` if it does not hold, or its numbers are not there.
  func check(_ number: (Quotation) throws -> Double) throws {
    let sides = try [left, right].map { side in
      switch side {
      case .number(let number): number
      case .quotation(let quotation): try number(quotation)
      }
    }
    guard comparison.holds(sides[0], sides[1]) else {
      throw PullbackError(
        .data, text, "does not hold: found \(sides[0]) and \(sides[1])", advice: "write what the results say")
    }
  }
}

/// How two values compare, in a filter and in a claim.
enum Comparison: String, CaseIterable {
  // Those of two characters first: one is searched for in this order.
  case notEqual = "!="
  case atMost = "<="
  case atLeast = ">="
  case equal = "="
  case less = "<"
  case greater = ">"

  /// The text before the first comparison, the comparison and the text after it.
  static func split(_ text: String) -> (String, Comparison, String)? {
    for index in text.indices {
      if let comparison = allCases.first(where: { text[index...].hasPrefix($0.rawValue) }) {
        return (String(text[..<index]), comparison, String(text[index...].dropFirst(comparison.rawValue.count)))
      }
    }
    return nil
  }

  func holds(_ left: Double, _ right: Double) -> Bool {
    switch self {
    case .notEqual: left != right
    case .atMost: left <= right
    case .atLeast: left >= right
    case .equal: left == right
    case .less: left < right
    case .greater: left > right
    }
  }

  /// Numbers compare as numbers, everything else as text and for equality only.
  func holds(_ left: Value, _ right: String) -> Bool {
    if case .number(let left) = left, let right = Double(right) { return holds(left, right) }
    switch self {
    case .equal: return left.plain == right
    case .notEqual: return left.plain != nil && left.plain != right
    case .atMost, .atLeast, .less, .greater: return false
    }
  }
}

/// Finds decimals and percentages that were typed into a template rather than quoted from a result file.
///
/// Exempt are settings and definitions, which stand in formulas, and what is not prose: code, the addresses of links,
/// citations and comments.
enum HandwrittenNumbers {
  /// - Throws: `PullbackError` with file and line for the first.
  static func refuse(in template: String, file: String) throws {
    let exempt =
      #/(?s)\{\{.*?\}\}|```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$]+\$|\]\([^)]*\)|<!--.*?-->|\[-?@[^\]]*\]/#
    let prose = template.replacing(exempt) { match in String(match.output.map { $0 == "\n" ? "\n" : " " }) }
    for (index, line) in prose.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if let match = line.firstMatch(of: #/\d+\.\d+|\d\s?%/#) {
        throw PullbackError(
          .usage, "\(file):\(index + 1)", "the number \(match.output) is not quoted from a result file",
          advice: "write {{file:path|format}}; settings belong in a formula, versions in code")
      }
    }
  }
}
