/// A text as a model takes it: tokens with their numbers, and where in the text they come from.
public struct Encoding: Hashable, Sendable {
  /// A piece of a text, or a token that stands for none.
  public struct Token: Hashable, Sendable {
    /// The token's number in the vocabulary.
    public internal(set) var id: Int
    /// The token as the vocabulary writes it: `##ing`, `Ġthe`; of a token that is found in the text, with the spaces it
    /// took.
    public internal(set) var text: String
    /// Its range in its text, in characters (Unicode scalars); empty for special tokens.
    public internal(set) var range: Range<Int>
    /// The number of the part of the text that it belongs to, as the tokenizer splits texts before the model sees them;
    /// nil for special tokens. Several tokens of one number are pieces of one word.
    public internal(set) var word: Int?
    /// The type of its text, an input of the model.
    public internal(set) var type: Int
    /// The index of the text that it comes from, 0 or 1; nil for special tokens.
    public internal(set) var sequence: Int?

    init(id: Int, text: String, range: Range<Int>, word: Int, sequence: Int) {
      (self.id, self.text, self.range, self.word, self.sequence, type) = (id, text, range, word, sequence, 0)
    }

    init(special id: Int, _ text: String, type: Int) {
      (self.id, self.text, range, word, self.type, sequence) = (id, text, 0..<0, nil, type, nil)
    }

    func typed(_ type: Int) -> Token {
      var token = self
      token.type = type
      return token
    }
  }

  /// The tokens in the order in which the model takes them.
  public let tokens: [Token]

  /// The numbers of the tokens.
  public var ids: [Int] { tokens.map(\.id) }
}
