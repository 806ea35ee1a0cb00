import Failures

/// A text to the numbers that a model takes, and back to the text's places: WordPiece or byte-pair encoding as Hugging
/// Face's `tokenizer.json` describes it.
///
///     let tokenizer = try Tokenizer(contentsOf: "model/tokenizer.json")
///     let encoding = try tokenizer.encode("The keys to the cabinet are here.")
///
/// Numbers and places are those of the `tokenizers` package, for every text. What the file says about truncation and
/// padding is left alone. A component that is not known is refused by name.
public struct Tokenizer: Sendable {
  /// Longer files are refused: the largest vocabularies in use take 30 MB.
  private static let largestFile = 1 << 28

  private let normalizer: Normalizer?
  private let preTokenizer: PreTokenizer?
  private let model: TokenModel
  private let postProcessor: PostProcessor?
  private let added: AddedTokens
  private let vocabulary: Vocabulary

  /// - Parameter path: the path of a `tokenizer.json`.
  /// - Throws: `PullbackError`: `noInput` if there is no such file, `data` if it is not a tokenizer's or has a
  ///   component that is not known.
  public init(contentsOf path: String) throws {
    try self.init(JSONNode(InputFile.bytes(of: path, limit: Self.largestFile), of: path))
  }

  /// - Parameters:
  ///   - json: the contents of a `tokenizer.json`.
  ///   - name: the name of the file, for messages.
  /// - Throws: `PullbackError` of kind `data` as ``init(contentsOf:)``.
  public init(json: [UInt8], name: String) throws(PullbackError) {
    try self.init(JSONNode(json, of: name))
  }

  private init(_ root: JSONNode) throws(PullbackError) {
    normalizer = try root.optional("normalizer").map(Normalizer.init)
    preTokenizer = try root.optional("pre_tokenizer").map(PreTokenizer.init)
    postProcessor = try root.optional("post_processor").map(PostProcessor.init)
    model = try TokenModel(root.member("model"))
    var vocabulary = model.vocabulary
    added = try AddedTokens(root.optional("added_tokens"), normalizer, addingTo: &vocabulary)
    self.vocabulary = vocabulary
  }

  /// The number of tokens.
  public var count: Int { vocabulary.count }

  /// The number of a token as the vocabulary writes it; nil if there is none.
  public func id(of token: String) -> Int? { vocabulary[token] }

  /// The token of a number, as the vocabulary writes it; nil if there is none.
  public func token(_ id: Int) -> String? { vocabulary.token(id) }

  /// Whether the token stands for text that is not in the vocabulary.
  func isUnknown(_ id: Int) -> Bool { model.unknown == id }

  /// Whether the token stands for no text.
  public func isSpecial(_ id: Int) -> Bool { added.special.contains(id) }

  /// The tokens of a text, or of two.
  ///
  /// - Parameters:
  ///   - text: any.
  ///   - other: a second text that the model takes beside the first; nil is none.
  ///   - addsSpecialTokens: whether the tokens are put in that the model wants around texts.
  /// - Throws: `PullbackError` of kind `data` where a pattern of the file takes too many steps, or where the text is
  ///   longer than ``AlignedText/longest`` or becomes so by the file's rules.
  /// - Complexity: `O(n log n)` in the text's length.
  public func encode(
    _ text: String, with other: String? = nil, addsSpecialTokens: Bool = true
  ) throws(PullbackError) -> Encoding {
    var texts = [try tokens(of: text, sequence: 0)]
    if let other { texts.append(try tokens(of: other, sequence: 1)) }
    return Encoding(
      tokens: postProcessor?.join(texts, vocabulary, addsTokens: addsSpecialTokens) ?? PostProcessor.joined(texts))
  }

  private func tokens(of text: String, sequence: Int) throws(PullbackError) -> [Encoding.Token] {
    var tokens: [Encoding.Token] = []
    var word = 0
    for (part, token) in try added.parts(of: text, normalizer) {
      if let token {
        tokens.append(
          Encoding.Token(
            id: token, text: part.written, range: part.place(of: part.scalars.indices), word: word, sequence: sequence))
        word += 1
        continue
      }
      for piece in try preTokenizer?.split([part]) ?? [part] {
        for token in try model.tokens(of: piece.scalars) {
          tokens.append(
            Encoding.Token(
              id: token.id, text: vocabulary.token(token.id) ?? "", range: piece.place(of: token.range), word: word,
              sequence: sequence))
        }
        word += 1
      }
    }
    return tokens
  }
}
