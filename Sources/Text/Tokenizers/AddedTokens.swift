import Failures

/// Tokens that are found in the text before it is split, such as `[SEP]`.
struct AddedTokens: Sendable {
  private struct Token: Sendable {
    var id: Int
    var text: [Unicode.Scalar]
    var isWord, takesSpaceBefore, takesSpaceBehind: Bool
  }

  /// Tokens by their first character, then by their length, the longest first: the longest of several matching tokens
  /// is found.
  private typealias Table = [Unicode.Scalar: [(length: Int, tokens: [[Unicode.Scalar]: Token])]]

  /// Looked for in the text as it is, and in the text as it was normalised.
  private var plain: Table = [:]
  private var normalized: Table = [:]
  /// The numbers of tokens that stand for no text.
  private(set) var special: Set<Int> = []

  /// - Parameters:
  ///   - node: `[{"id": 101, "content": "[CLS]", "special": true, ...}, ...]`.
  ///   - vocabulary: gets the tokens that it has not.
  init(
    _ node: JSONNode?, _ normalizer: Normalizer?, addingTo vocabulary: inout Vocabulary
  ) throws(PullbackError) {
    var (plain, normalized) = ([Token](), [Token]())
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
      guard !text.isEmpty else { continue }
      let added = Token(
        id: id, text: text.scalars, isWord: try token.flag("single_word", or: false),
        takesSpaceBefore: try token.flag("lstrip", or: false), takesSpaceBehind: try token.flag("rstrip", or: false))
      if isNormalized { normalized.append(added) } else { plain.append(added) }
    }
    (self.plain, self.normalized) = (Self.table(plain), Self.table(normalized))
  }

  private static func table(_ tokens: [Token]) -> Table {
    Dictionary(grouping: tokens) { $0.text[0] }.mapValues { tokens in
      Dictionary(grouping: tokens) { $0.text.count }
        .map { length, tokens in (length, Dictionary(tokens.map { ($0.text, $0) }) { first, _ in first }) }
        .sorted { $0.length > $1.length }
    }
  }

  private static func token(_ tokens: Table, in scalars: [Unicode.Scalar], at place: Int) -> Token? {
    for (length, tokens) in tokens[scalars[place]] ?? [] where length <= scalars.count - place {
      if let token = tokens[Array(scalars[place..<place + length])] { return token }
    }
    return nil
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

  private static func parts(of text: AlignedText, _ tokens: Table) -> [Part] {
    guard !tokens.isEmpty else { return [(text, nil)] }
    let scalars = text.scalars
    var parts: [Part] = []
    var (place, end) = (0, 0)
    while place < scalars.count {
      guard let token = Self.token(tokens, in: scalars, at: place) else {
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
