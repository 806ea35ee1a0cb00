import Failures

/// Tokens and their numbers; tokens are told apart by their bytes, not by what they look like.
struct Vocabulary: Sendable {
  private var ids: [[UInt8]: Int] = [:]
  private var tokens: [Int: String] = [:]
  /// The bytes of the longest token.
  private(set) var longest = 0

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
      longest = max(longest, token.utf8.count)
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

  /// The token of what is not in the vocabulary.
  var unknown: Int? {
    switch self {
    case .wordPiece(let model): model.vocabulary[model.unknown]
    case .bytePairs(let model): model.unknown
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
  fileprivate let unknown: String
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
        guard piece.count <= vocabulary.longest else { break }
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
  fileprivate let unknown: Int?
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
      // A byte of a prefix or suffix stands for nothing of the word: it lies at the character that has it.
      let first = min(start, characterOfByte.count - 1)
      let last = max(first, start + symbol.bytes - 1)
      return ModelToken(id: symbol.id, range: characterOfByte[first]..<characterOfByte[last] + 1)
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
          let first = place > 0 ? prefix.count : 0
          symbols += ids.enumerated().map { ($1, (first..<first + own.count).contains($0) ? 1 : 0) }
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

  /// Joins pairs until none is in the table: of all pairs the one of the lowest rank first, of equal ones the leftmost.
  ///
  /// - Complexity: `O(n log n)` for n symbols.
  private func merged(_ symbols: [Symbol]) -> [Symbol] {
    var symbols = symbols
    /// The neighbours of those that are left; the end and the beginning are `symbols.count` and -1.
    var next = symbols.indices.map { $0 + 1 }
    var previous = symbols.indices.map { $0 - 1 }
    var isLeft = symbols.map { _ in true }
    var candidates = Heap<Candidate>()
    func propose(_ place: Int) {
      guard place >= 0, next[place] < symbols.count else { return }
      let pair = Pair(first: symbols[place].id, second: symbols[next[place]].id)
      guard let merge = merges[pair] else { return }
      candidates.insert(Candidate(rank: merge.rank, place: place, pair: pair, id: merge.id))
    }
    for place in symbols.indices { propose(place) }
    while let best = candidates.popFirst() {
      let (place, other) = (best.place, next[best.place])
      // One of the two may have become a part of another pair since.
      guard isLeft[place], other < symbols.count, symbols[place].id == best.pair.first,
        symbols[other].id == best.pair.second
      else { continue }
      symbols[place] = (best.id, symbols[place].bytes + symbols[other].bytes)
      isLeft[other] = false
      next[place] = next[other]
      if next[place] < symbols.count { previous[next[place]] = place }
      propose(previous[place])
      propose(place)
    }
    return symbols.indices.filter { isLeft[$0] }.map { symbols[$0] }
  }

  /// Two neighbours that may be joined.
  private struct Candidate: Comparable {
    let rank: Int
    let place: Int
    let pair: Pair
    let id: Int

    static func < (a: Self, b: Self) -> Bool { (a.rank, a.place) < (b.rank, b.place) }
  }
}

/// A binary heap: the least element comes out first.
private struct Heap<Element: Comparable> {
  private var elements: [Element] = []

  mutating func insert(_ element: Element) {
    elements.append(element)
    var child = elements.count - 1
    while child > 0, elements[child] < elements[(child - 1) / 2] {
      elements.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func popFirst() -> Element? {
    guard let first = elements.first else { return nil }
    let last = elements.removeLast()
    guard !elements.isEmpty else { return first }
    elements[0] = last
    var parent = 0
    while true {
      let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < elements.count }
      guard let least = children.min(by: { elements[$0] < elements[$1] }), elements[least] < elements[parent]
      else { return first }
      elements.swapAt(parent, least)
      parent = least
    }
  }
}
