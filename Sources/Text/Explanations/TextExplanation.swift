/// The shares of a text's tokens in a model's output, for or against it.
public struct TextExplanation: Sendable, Encodable {
  /// A part of the text that the tokenizer takes for one word, with the shares of its pieces.
  public struct Word: Sendable {
    /// The word as it is in the text.
    public let text: String
    /// The index of its text, 0 or 1.
    public let sequence: Int
    /// Its range in characters (Unicode scalars) of its text.
    public let range: Range<Int>
    /// The numbers of its tokens.
    public let tokens: [Int]
    /// The sum of its tokens' shares.
    public let share: Double
  }

  /// One, or two that the model took together.
  public let texts: [String]
  public let encoding: Encoding
  public let method: TextMethod
  /// The share of each token, special ones included.
  public let shares: [Double]
  /// The Euclidean norms of what arrives at the tokens' embeddings; nil where a method has no such thing.
  public let norms: [Double]?
  /// The value of what is explained: a logit, a difference of two, or a cosine.
  public let value: Double
  /// The part of the value that no token has a share of; nil if shares are not parts of it.
  public let bias: Double?
  /// Every setting of the method.
  public let settings: [String: String]
  /// The folder of the model.
  public let model: String
  /// Whether each token stands for no text.
  public let isSpecial: [Bool]

  init(
    texts: [String], encoding: Encoding, model: TextModel, method: TextMethod, shares: [Double], norms: [Double]?,
    value: Double, bias: Double?, settings: [String: String]
  ) {
    self.texts = texts
    self.encoding = encoding
    self.model = model.path
    self.method = method
    self.shares = shares
    self.norms = norms
    self.value = value
    self.bias = bias
    self.settings = settings
    isSpecial = encoding.tokens.map { token in
      // Characters that the model does not know are part of the text all the same.
      let isKnown = token.range.isEmpty || !model.tokenizer.isUnknown(token.id)
      return token.sequence == nil || (isKnown && model.tokenizer.isSpecial(token.id))
    }
  }

  /// The words of the texts, in their order.
  public var words: [Word] {
    var groups: [[Int]] = []
    let scalars = texts.map { Array($0.unicodeScalars) }
    /// Tokenizers that split nothing beforehand take a text of several words for one.
    func begins(_ token: Encoding.Token, behind last: Encoding.Token) -> Bool {
      let own = scalars[token.sequence!]
      return !token.range.isEmpty && !last.range.isEmpty && own[token.range.lowerBound].isSpace
        && !own[last.range.upperBound - 1].isSpace
    }
    for (place, token) in encoding.tokens.enumerated() {
      guard let sequence = token.sequence, let word = token.word else { continue }
      if let last = groups.last?.last, encoding.tokens[last].sequence == sequence, encoding.tokens[last].word == word,
        !begins(token, behind: encoding.tokens[last])
      {
        groups[groups.count - 1].append(place)
      } else {
        groups.append([place])
      }
    }
    return groups.map { group in
      let tokens = group.map { encoding.tokens[$0] }
      let own = scalars[tokens[0].sequence!]
      var range = tokens.map(\.range.lowerBound).min()!..<tokens.map(\.range.upperBound).max()!
      // Byte-level tokens have the space in front of a word.
      while let first = range.first, range.count > 1, own[first].isSpace { range = first + 1..<range.upperBound }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: own[range])
      return Word(
        text: String(text), sequence: tokens[0].sequence!, range: range, tokens: group,
        share: group.reduce(0) { $0 + shares[$1] })
    }
  }

  /// The tokens that have a character of some places of the first text.
  public func tokens(at places: [Range<Int>]) -> [Int] {
    encoding.tokens.indices.filter { token in
      encoding.tokens[token].sequence == 0 && places.contains { $0.overlaps(encoding.tokens[token].range) }
    }
  }

  /// The share of the positive part of the tokens' shares that some tokens have, tokens that stand for no text left
  /// out; nil where nothing is positive. Of the words that decide it is the energy, of the sentence that decides the
  /// sequence pointing game's score.
  public func positiveShare(of tokens: some Sequence<Int>) -> Double? {
    let all = shares.indices.reduce(0) { isSpecial[$1] ? $0 : $0 + max(0, shares[$1]) }
    return all > 0 ? tokens.reduce(0) { isSpecial[$1] ? $0 : $0 + max(0, shares[$1]) } / all : nil
  }

  private enum Keys: String, CodingKey {
    case text, with, tokens, ids, offsets, special, shares, norms, words, value, bias, method, settings, model
  }

  private enum WordKeys: String, CodingKey { case text, sequence, offset, tokens, share }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Keys.self)
    try values.encode(texts[0], forKey: .text)
    if texts.count > 1 { try values.encode(texts[1], forKey: .with) }
    try values.encode(encoding.tokens.map(\.text), forKey: .tokens)
    try values.encode(encoding.ids, forKey: .ids)
    try values.encode(encoding.tokens.map { [$0.range.lowerBound, $0.range.upperBound] }, forKey: .offsets)
    try values.encode(isSpecial, forKey: .special)
    try values.encode(shares, forKey: .shares)
    try values.encodeIfPresent(norms, forKey: .norms)
    var list = values.nestedUnkeyedContainer(forKey: .words)
    for word in words {
      var own = list.nestedContainer(keyedBy: WordKeys.self)
      try own.encode(word.text, forKey: .text)
      if texts.count > 1 { try own.encode(word.sequence, forKey: .sequence) }
      try own.encode([word.range.lowerBound, word.range.upperBound], forKey: .offset)
      try own.encode(word.tokens, forKey: .tokens)
      try own.encode(word.share, forKey: .share)
    }
    try values.encode(value, forKey: .value)
    try values.encodeIfPresent(bias, forKey: .bias)
    try values.encode(method.rawValue, forKey: .method)
    try values.encode(settings, forKey: .settings)
    try values.encode(model, forKey: .model)
  }
}
