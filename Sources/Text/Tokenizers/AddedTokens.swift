import Failures

/// Tokens that are found in the text before it is split, such as `[SEP]`.
struct AddedTokens: Sendable {
  private struct Token: Sendable {
    var id: Int
    var text: [Unicode.Scalar]
    var isWord, takesSpaceBefore, takesSpaceBehind: Bool
  }

  /// Looked for in the text as it is, and in the text as it was normalised.
  private var plain: [Unicode.Scalar: [Token]] = [:]
  private var normalized: [Unicode.Scalar: [Token]] = [:]
  /// The numbers of tokens that stand for no text.
  private(set) var special: Set<Int> = []

  /// - Parameters:
  ///   - node: `[{"id": 101, "content": "[CLS]", "special": true, ...}, ...]`.
  ///   - vocabulary: gets the tokens that it has not.
  init(
    _ node: JSONNode?, _ normalizer: Normalizer?, addingTo vocabulary: inout Vocabulary
  ) throws(PullbackError) {
    let listed = try node?.elements()
    for token in listed ?? [] {
      let content = try token.member("content").text()
      guard !content.isEmpty else { continue }
      let stated = try token.member("id").number()
      let id = vocabulary[content] ?? stated
      vocabulary[content] = id
      if try token.flag("special", or: false) { special.insert(id) }
      let isNormalized = try token.flag("normalized", or: true)
      var text = AlignedText(content)
      if isNormalized { try normalizer?.normalize(&text) }
      guard let first = text.scalars.first else { continue }
      let added = Token(
        id: id, text: text.scalars, isWord: try token.flag("single_word", or: false),
        takesSpaceBefore: try token.flag("lstrip", or: false), takesSpaceBehind: try token.flag("rstrip", or: false))
      if isNormalized { normalized[first, default: []].append(added) } else { plain[first, default: []].append(added) }
    }
    // The longest of several matching tokens is found.
    for key in plain.keys { plain[key]!.sort { $0.text.count > $1.text.count } }
    for key in normalized.keys { normalized[key]!.sort { $0.text.count > $1.text.count } }
  }

  /// A part of the text, and its token where it is one.
  typealias Part = (text: AlignedText, token: Int?)

  /// The parts of a text, normalised, and those that are tokens.
  func parts(of text: String, _ normalizer: Normalizer?) throws(PullbackError) -> [Part] {
    var result: [Part] = []
    for part in Self.parts(of: AlignedText(text), plain) {
      guard part.token == nil else {
        result.append(part)
        continue
      }
      var text = part.text
      try normalizer?.normalize(&text)
      result += Self.parts(of: text, normalized)
    }
    return result.filter { !$0.text.isEmpty }
  }

  private static func parts(of text: AlignedText, _ tokens: [Unicode.Scalar: [Token]]) -> [Part] {
    guard !tokens.isEmpty else { return [(text, nil)] }
    let scalars = text.scalars
    var parts: [Part] = []
    var (place, end) = (0, 0)
    while place < scalars.count {
      guard
        let token = tokens[scalars[place]]?.first(where: { scalars[place...].starts(with: $0.text) })
      else {
        place += 1
        continue
      }
      var range = place..<place + token.text.count
      place = range.upperBound
      if token.isWord {
        let before = range.lowerBound > 0 && scalars[range.lowerBound - 1].isWordCharacter
        let behind = range.upperBound < scalars.count && scalars[range.upperBound].isWordCharacter
        if before || behind { continue }
      }
      if token.takesSpaceBefore {
        let first = scalars[..<range.lowerBound].lastIndex { !$0.isSpace }.map { $0 + 1 } ?? 0
        range = max(first, end)..<range.upperBound
      }
      if token.takesSpaceBehind {
        range = range.lowerBound..<(scalars[range.upperBound...].firstIndex { !$0.isSpace } ?? scalars.count)
      }
      // Spaces behind the token before may have been taken already.
      range = max(range.lowerBound, end)..<max(range.upperBound, end)
      if end < range.lowerBound { parts.append((text.part(end..<range.lowerBound), nil)) }
      parts.append((text.part(range), token.id))
      end = range.upperBound
    }
    if end < scalars.count { parts.append((text.part(end..<scalars.count), nil)) }
    return parts
  }
}
