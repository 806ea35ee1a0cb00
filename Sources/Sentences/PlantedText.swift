/// A text of two sentences of which it is known which words decide.
///
/// Places are in characters (Unicode scalars) of ``text``, as tokenizers give them.
public struct PlantedText: Hashable, Sendable {
  public enum Kind: String, CaseIterable, Codable, Sendable {
    /// One sentence has words of a topic, and so has ``PlantedText/against``, in other words.
    case topic
    /// One sentence says the same as ``PlantedText/against``, in known synonyms.
    case paraphrase
    /// One sentence says the same as ``PlantedText/against``. Either a negation makes it so (`not hot` for `cold`), or
    /// the negation is in the other sentence and does not matter.
    case negation
    /// The last sentence ends before its verb, whose number is that of its subject, across nouns of another number.
    case agreement
  }

  public let kind: Kind
  /// The index among the seed's texts of the kind.
  public let index: Int
  public let text: String
  /// The text that it is compared with; nil for ``Kind/agreement``.
  public let against: String?
  /// The word that follows, and the one of the other number; nil but of ``Kind/agreement``.
  public let next, versus: String?
  /// The words that decide.
  public let deciding: [Range<Int>]
  /// The words in the place of such words that do not: those of the other sentence, or nouns of the other number
  /// between a subject and its verb.
  public let distracting: [Range<Int>]
  /// The sentence with the words that decide.
  public let sentence: Range<Int>
  /// Whether the negation is among the words that decide; nil but of ``Kind/negation``.
  public let negationDecides: Bool?

  /// The words of ``text`` in some of its places.
  public func words(at places: [Range<Int>]) -> [String] {
    let scalars = Array(text.unicodeScalars)
    return places.map { place in
      var word = String.UnicodeScalarView()
      word.append(contentsOf: scalars[place])
      return String(word)
    }
  }

  /// - Parameters:
  ///   - sentences: the two, as they follow each other, with `*` around words that decide and `~` around those that
  ///     distract.
  ///   - decisive: the index of the one that decides.
  init(
    _ kind: Kind, _ index: Int, _ sentences: [String], decisive: Int, against: String? = nil, next: String? = nil,
    versus: String? = nil, negationDecides: Bool? = nil
  ) {
    let first = MarkedText(sentences[0])
    let whole = MarkedText(sentences.joined(separator: " "))
    self.kind = kind
    self.index = index
    text = whole.text
    self.against = against
    (self.next, self.versus) = (next, versus)
    (deciding, distracting) = (whole.deciding, whole.distracting)
    let border = first.text.unicodeScalars.count
    sentence = decisive == 0 ? 0..<border : border + 1..<text.unicodeScalars.count
    self.negationDecides = negationDecides
  }
}

/// A text with marks around words, taken apart.
struct MarkedText {
  private(set) var text = ""
  private(set) var deciding: [Range<Int>] = []
  private(set) var distracting: [Range<Int>] = []

  init(_ marked: String) {
    var (place, start) = (0, 0)
    var open: Character?
    for character in marked {
      guard character == "*" || character == "~" else {
        text.append(character)
        place += character.unicodeScalars.count
        continue
      }
      guard open != nil else {
        (open, start) = (character, place)
        continue
      }
      if character == "*" { deciding.append(start..<place) } else { distracting.append(start..<place) }
      open = nil
    }
  }

  /// The same words, all of which distract.
  static func distracting(_ marked: String) -> String { marked.replacing("*", with: "~") }
}
