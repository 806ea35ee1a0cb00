import Failures

/// A statement of the text about two numbers: `fig2:… > fig2:…`, or with a number in place of one. It writes nothing;
/// if it does not hold, the sentence beside it is wrong.
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

/// The comparison of two values, in a filter and in a claim.
enum Comparison: String, CaseIterable {
  // Operators of two characters come first, since they are searched for in this order.
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

/// Sentences about results that compare, with nothing that checks them.
enum UncheckedComparisons {
  /// - Throws: `PullbackError` with file and line for the first word of comparison in a paragraph of an experiment's
  ///   section that has no claim. What a reader should see, and what would speak against the method, is expected, not
  ///   found.
  static func refuse(in template: String, file: String) throws {
    var depth = 0
    var experiment: Int?
    var line = 1
    var paragraph = (text: "", line: 1)
    func finish() throws {
      defer { paragraph = ("", line) }
      guard experiment != nil, !paragraph.text.contains("{{claim") else { return }
      let prose = paragraph.text.replacing(#/(?s)\{\{.*?\}\}|`[^`\n]*`/#) { match in
        String(match.output.filter { $0 == "\n" })
      }
      guard !prose.trimmed.hasPrefix("*What you should see*"), let match = prose.firstMatch(of: words) else { return }
      let line = paragraph.line + prose[..<match.range.lowerBound].count { $0 == "\n" }
      throw PullbackError(
        .usage, "\(file):\(line)", "the paragraph compares (\(match.output.0)) and no claim checks it",
        advice: "add {{claim A > B}}, of paired differences where there are some")
    }
    for text in template.split(separator: "\n", omittingEmptySubsequences: false) {
      for match in text.matches(of: #/\{\{\s*(experiment|when|end)\b/#) {
        switch match.output.1 {
        case "end":
          if experiment == depth {
            try finish()
            experiment = nil
          }
          depth -= 1
        default:
          depth += 1
          if match.output.1 == "experiment" { experiment = depth }
        }
      }
      line += 1
      if text.allSatisfy(\.isWhitespace) { try finish() } else { paragraph.text += text + "\n" }
    }
  }

  private static var words: Regex<(Substring, Substring)> {
    #/
    \b(ahead|better|worse|best|worst|wins?|loses?|lost|beats?|gains?|exceeds?|outperforms?|falls?|fails?|rises?
    |higher|lower|larger|smaller|largest|smallest|fewer|more\ often|more\ than|less\ than)\b
    /#
  }
}
