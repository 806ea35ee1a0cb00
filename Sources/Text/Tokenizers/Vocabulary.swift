import Failures

/// Tokens and their numbers; tokens are told apart by their bytes, not by what they look like.
struct Vocabulary: Sendable {
  private var ids: [[UInt8]: Int] = [:]
  private var tokens: [Int: String] = [:]

  init() {}

  /// - Parameter node: `{"token": 17, ...}`.
  init(_ node: JSONNode) throws(PullbackError) {
    let members = try node.members()
    ids.reserveCapacity(members.count)
    tokens.reserveCapacity(members.count)
    for (token, id) in members { self[token] = try id.number() }
  }

  var count: Int { ids.count }

  subscript(token: String) -> Int? {
    get { ids[Array(token.utf8)] }
    set {
      ids[Array(token.utf8)] = newValue
      if let newValue { tokens[newValue] = token }
    }
  }

  func id(ofBytes bytes: [UInt8]) -> Int? { ids[bytes] }
  func token(_ id: Int) -> String? { tokens[id] }
}

/// A piece of a word that the model knows.
struct ModelToken {
  var id: Int
  /// In characters of the word.
  var range: Range<Int>
}

/// A model that takes words to pieces.
enum TokenModel: Sendable {
  case wordPiece(WordPiece)
  case bytePairs(BytePairEncoding)

  init(_ node: JSONNode) throws(PullbackError) {
    // Old files have no type: merges tell the one from the other.
    let type = try node.optional("type")
    let guess = try node.optional("merges") == nil ? "WordPiece" : "BPE"
    switch try type?.text() ?? guess {
    case "WordPiece": self = .wordPiece(try WordPiece(node))
    case "BPE": self = .bytePairs(try BytePairEncoding(node))
    case let name:
      throw (type ?? node).wrong("the model \(quoted(name)) is not supported", advice: "WordPiece and BPE are")
    }
  }

  var vocabulary: Vocabulary {
    switch self {
    case .wordPiece(let model): model.vocabulary
    case .bytePairs(let model): model.vocabulary
    }
  }

  func tokens(of word: [Unicode.Scalar]) throws(PullbackError) -> [ModelToken] {
    switch self {
    case .wordPiece(let model): try model.tokens(of: word)
    case .bytePairs(let model): try model.tokens(of: word)
    }
  }
}

/// The longest pieces from left to right. Source: Schuster & Nakajima 2012; Devlin et al. 2018 (arXiv 1810.04805).
struct WordPiece: Sendable {
  let vocabulary: Vocabulary
  private let unknown: String
  private let prefix: [UInt8]
  private let longest: Int

  init(_ node: JSONNode) throws(PullbackError) {
    vocabulary = try Vocabulary(node.member("vocab"))
    unknown = try node.member("unk_token").text()
    prefix = Array(try node.optional("continuing_subword_prefix")?.text().utf8 ?? "##".utf8)
    longest = try node.optional("max_input_chars_per_word")?.number() ?? 100
    guard vocabulary[unknown] != nil else { throw node.wrong("the token \(quoted(unknown)) is not in the vocabulary") }
  }

  func tokens(of word: [Unicode.Scalar]) throws(PullbackError) -> [ModelToken] {
    let whole = [ModelToken(id: vocabulary[unknown]!, range: 0..<word.count)]
    guard word.count <= longest else { return whole }
    var tokens: [ModelToken] = []
    var start = 0
    while start < word.count {
      var piece = start > 0 ? prefix : []
      var ends: [Int] = []
      for scalar in word[start...] {
        piece += UTF8.encode(scalar)!
        ends.append(piece.count)
      }
      let match = ends.indices.reversed().lazy.compactMap { index in
        vocabulary.id(ofBytes: Array(piece[..<ends[index]])).map { (id: $0, end: start + index + 1) }
      }.first
      guard let match else { return whole }
      tokens.append(ModelToken(id: match.id, range: start..<match.end))
      start = match.end
    }
    return tokens
  }
}

/// Pairs of pieces that were frequent in training become one piece, the most frequent first. Source: Sennrich et al.
/// 2016 (arXiv 1508.07909).
struct BytePairEncoding: Sendable {
  private struct Pair: Hashable {
    var first, second: Int
  }

  let vocabulary: Vocabulary
  private var merges: [Pair: (rank: Int, id: Int)] = [:]
  private let unknown: Int?
  private let prefix, suffix: [UInt8]
  private let fusesUnknown, fallsBackToBytes, takesWholeWords: Bool

  init(_ node: JSONNode) throws(PullbackError) {
    vocabulary = try Vocabulary(node.member("vocab"))
    prefix = Array(try node.optional("continuing_subword_prefix")?.text().utf8 ?? "".utf8)
    suffix = Array(try node.optional("end_of_word_suffix")?.text().utf8 ?? "".utf8)
    fusesUnknown = try node.flag("fuse_unk", or: false)
    fallsBackToBytes = try node.flag("byte_fallback", or: false)
    takesWholeWords = try node.flag("ignore_merges", or: false)
    if let dropout = try node.optional("dropout"), case .number(let rate) = dropout.value, rate != 0 {
      throw dropout.wrong("merges are dropped at random, which is not supported", advice: "set it to null")
    }
    if let token = try node.optional("unk_token") {
      guard let id = vocabulary[try token.text()] else { throw token.wrong("is not in the vocabulary") }
      unknown = id
    } else {
      unknown = nil
    }
    let list = try node.member("merges").elements()
    merges.reserveCapacity(list.count)
    for (rank, merge) in list.enumerated() {
      var parts: [String] = []
      if merge.isText {
        parts = try merge.text().unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      } else {
        for part in try merge.elements() { parts.append(try part.text()) }
      }
      guard parts.count == 2 else { throw merge.wrong("expected a pair of tokens") }
      let second = Array(parts[1].utf8)
      guard second.starts(with: prefix) || prefix.isEmpty || second.count >= prefix.count,
        let first = vocabulary[parts[0]], let other = vocabulary[parts[1]],
        let merged = vocabulary.id(ofBytes: Array(parts[0].utf8) + second.dropFirst(prefix.count))
      else { throw merge.wrong("the pair or what it becomes is not in the vocabulary") }
      merges[Pair(first: first, second: other)] = (rank, merged)
    }
  }

  /// A piece and how many bytes of the word it stands for.
  private typealias Symbol = (id: Int, bytes: Int)

  func tokens(of word: [Unicode.Scalar]) throws(PullbackError) -> [ModelToken] {
    guard !word.isEmpty else { return [] }
    if takesWholeWords, let id = vocabulary.id(ofBytes: word.flatMap { UTF8.encode($0)! }) {
      return [ModelToken(id: id, range: 0..<word.count)]
    }
    // A piece may stand for a part of a character.
    let characterOfByte = word.enumerated().flatMap { index, scalar in
      repeatElement(index, count: UTF8.width(scalar))
    }
    var start = 0
    return merged(symbols(of: word)).map { symbol in
      defer { start += symbol.bytes }
      return ModelToken(
        id: symbol.id, range: characterOfByte[start]..<characterOfByte[start + symbol.bytes - 1] + 1)
    }
  }

  private func symbols(of word: [Unicode.Scalar]) -> [Symbol] {
    var symbols: [Symbol] = []
    var unknownBytes: Int?
    func endUnknown() {
      if let count = unknownBytes { symbols.append((unknown!, count)) }
      unknownBytes = nil
    }
    for (place, scalar) in word.enumerated() {
      let own = Array(UTF8.encode(scalar)!)
      let bytes = (place > 0 ? prefix : []) + own + (place == word.count - 1 ? suffix : [])
      if let id = vocabulary.id(ofBytes: bytes) {
        endUnknown()
        symbols.append((id, own.count))
        continue
      }
      if fallsBackToBytes {
        let ids = bytes.compactMap { vocabulary[Self.name(ofByte: $0)] }
        if ids.count == bytes.count {
          symbols += ids.map { ($0, 1) }
          continue
        }
      }
      guard unknown != nil else { continue }
      if !fusesUnknown { endUnknown() }
      unknownBytes = (unknownBytes ?? 0) + own.count
    }
    endUnknown()
    return symbols
  }

  /// `<0x0A>`
  private static func name(ofByte byte: UInt8) -> String {
    "<0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) + ">"
  }

  private func merged(_ symbols: [Symbol]) -> [Symbol] {
    var symbols = symbols
    func merge(at place: Int) -> (rank: Int, id: Int)? {
      place + 1 < symbols.count ? merges[Pair(first: symbols[place].id, second: symbols[place + 1].id)] : nil
    }
    /// For each place, the merge of its symbol with the next one.
    var candidates = symbols.indices.map { merge(at: $0) }
    while true {
      var best: (place: Int, rank: Int, id: Int)?
      for (place, candidate) in candidates.enumerated() {
        if let candidate, candidate.rank < best?.rank ?? .max { best = (place, candidate.rank, candidate.id) }
      }
      guard let best else { return symbols }
      symbols[best.place] = (best.id, symbols[best.place].bytes + symbols[best.place + 1].bytes)
      symbols.remove(at: best.place + 1)
      candidates.remove(at: best.place + 1)
      candidates[best.place] = merge(at: best.place)
      if best.place > 0 { candidates[best.place - 1] = merge(at: best.place - 1) }
    }
  }
}
