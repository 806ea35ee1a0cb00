import Failures

/// The special tokens that are put around the tokens of a text or of two.
indirect enum PostProcessor: Sendable {
  /// A special token or one of the two texts.
  enum Piece: Sendable {
    case text(Int, type: Int)
    case token([Int], type: Int)
  }

  case template(single: [Piece], pair: [Piece])
  /// Places of tokens without the spaces that belong to them.
  case trimmed(addsSpace: Bool)
  case sequence([PostProcessor])

  init(_ node: JSONNode) throws(PullbackError) {
    let type = try node.member("type")
    switch try type.text() {
    case "TemplateProcessing":
      let tokens = try node.member("special_tokens").members()
      self = .template(
        single: try Self.pieces(node.member("single"), tokens), pair: try Self.pieces(node.member("pair"), tokens))
    case "BertProcessing":
      let (sep, cls) = (try Self.token(node.member("sep")), try Self.token(node.member("cls")))
      self = .template(
        single: [.token([cls], type: 0), .text(0, type: 0), .token([sep], type: 0)],
        pair: [
          .token([cls], type: 0), .text(0, type: 0), .token([sep], type: 0), .text(1, type: 1), .token([sep], type: 1),
        ])
    case "RobertaProcessing":
      let (sep, cls) = (try Self.token(node.member("sep")), try Self.token(node.member("cls")))
      let single: [Piece] = [.token([cls], type: 0), .text(0, type: 0), .token([sep], type: 0)]
      let template = PostProcessor.template(
        single: single, pair: single + [.token([sep], type: 0), .text(1, type: 0), .token([sep], type: 0)])
      self =
        try node.flag("trim_offsets", or: true)
        ? .sequence([.trimmed(addsSpace: try node.flag("add_prefix_space", or: true)), template]) : template
    case "ByteLevel":
      self =
        try node.flag("trim_offsets", or: true)
        ? .trimmed(addsSpace: try node.flag("add_prefix_space", or: true)) : .sequence([])
    case "Sequence":
      var parts: [PostProcessor] = []
      for part in try node.member("processors").elements() { parts.append(try PostProcessor(part)) }
      self = .sequence(parts)
    case let name:
      throw type.wrong(
        "the post-processor \(quoted(name)) is not supported",
        advice: "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel and Sequence are")
    }
  }

  /// The number in `["[SEP]", 102]`.
  private static func token(_ node: JSONNode) throws(PullbackError) -> Int {
    let parts = try node.elements()
    guard parts.count == 2 else { throw node.wrong("expected a token and its number") }
    return try parts[1].number()
  }

  private static func pieces(
    _ node: JSONNode, _ tokens: [(key: String, node: JSONNode)]
  ) throws(PullbackError) -> [Piece] {
    var pieces: [Piece] = []
    for piece in try node.elements() {
      if let text = try piece.optional("Sequence") {
        let name = try text.member("id")
        guard let index = try ["A", "B"].firstIndex(of: name.text()) else { throw name.wrong("expected A or B") }
        pieces.append(.text(index, type: try text.member("type_id").number()))
      } else {
        let special = try piece.member("SpecialToken")
        let name = try special.member("id")
        let text = try name.text()
        guard let token = tokens.first(where: { $0.key == text }) else {
          throw name.wrong("\(quoted(text)) is not among the special tokens")
        }
        var ids: [Int] = []
        for id in try token.node.member("ids").elements() { ids.append(try id.number()) }
        pieces.append(.token(ids, type: try special.member("type_id").number()))
      }
    }
    return pieces
  }

  /// The tokens of all texts in one list.
  ///
  /// - Parameters:
  ///   - texts: the tokens of one text or two.
  ///   - addsTokens: whether special tokens are put in.
  func join(_ texts: [[Encoding.Token]], _ vocabulary: Vocabulary, addsTokens: Bool) -> [Encoding.Token] {
    var texts = texts
    var templates: [PostProcessor] = []
    collect(&texts, &templates)
    guard case .template(let single, let pair)? = templates.last else { return Self.joined(texts) }
    return (texts.count == 1 ? single : pair).flatMap { piece in
      switch piece {
      case .text(let index, let type):
        guard texts.indices.contains(index) else { return [Encoding.Token]() }
        return texts[index].map { $0.typed(type) }
      case .token(let ids, let type):
        return addsTokens ? ids.map { Encoding.Token(special: $0, vocabulary.token($0) ?? "", type: type) } : []
      }
    }
  }

  /// Without a template the second text follows the first.
  static func joined(_ texts: [[Encoding.Token]]) -> [Encoding.Token] {
    texts.enumerated().flatMap { index, tokens in tokens.map { $0.typed(index) } }
  }

  private func collect(_ texts: inout [[Encoding.Token]], _ templates: inout [PostProcessor]) {
    switch self {
    case .template: templates.append(self)
    case .trimmed(let addsSpace):
      for text in texts.indices {
        for index in texts[text].indices { Self.trim(&texts[text][index], isFirst: index == 0, addsSpace) }
      }
    case .sequence(let parts): for part in parts { part.collect(&texts, &templates) }
    }
  }

  private static func trim(_ token: inout Encoding.Token, isFirst: Bool, _ addsSpace: Bool) {
    func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar == ByteAlphabet.space || scalar.isSpace }
    let scalars = Array(token.text.unicodeScalars)
    var before = scalars.prefix(while: isSpace).count
    let behind = scalars.reversed().prefix(while: isSpace).count
    var (start, end) = (token.range.lowerBound, token.range.upperBound)
    if before > 0 {
      // One space in front was put there by the pre-tokenizer.
      if isFirst || start == 0, addsSpace, before == 1 { before = 0 }
      start = min(start + before, end)
    }
    if behind > 0, end >= behind { end = max(end - behind, start) }
    token.range = start..<end
  }
}
