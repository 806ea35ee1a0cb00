/// A piece of a web page, written as a string literal. Text that is put in is escaped, so that no name of a file can
/// become markup; pieces that are put in stay what they are.
struct HTML: ExpressibleByStringInterpolation {
  let text: String

  init(stringLiteral value: String) { text = value }
  init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

  /// - Parameter markup: trusted, as it is.
  init(markup: String) { text = markup }

  /// The pieces one after the other.
  init(_ pieces: some Sequence<HTML>) { text = pieces.map(\.text).joined() }

  struct Interpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ piece: HTML) { text += piece.text }
    mutating func appendInterpolation(_ number: Int) { text += "\(number)" }

    /// Escapes what has a meaning in text and in quoted attributes; control characters, which no page may hold, become
    /// the character that stands for them.
    mutating func appendInterpolation(_ string: String) {
      for scalar in string.unicodeScalars {
        switch scalar {
        case "&": text += "&amp;"
        case "<": text += "&lt;"
        case ">": text += "&gt;"
        case "\"": text += "&quot;"
        case "'": text += "&#39;"
        case "\n", "\t": text.unicodeScalars.append(scalar)
        case _ where scalar.properties.generalCategory == .control: text += "\u{FFFD}"
        default: text.unicodeScalars.append(scalar)
        }
      }
    }
  }
}
