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
