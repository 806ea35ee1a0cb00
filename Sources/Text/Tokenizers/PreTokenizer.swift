import Failures

/// A split of a text into the parts that the model sees one by one.
indirect enum PreTokenizer: Sendable {
  case bert
  case byteLevel(addsSpace: Bool, pattern: TextPattern?)
  case whitespace
  case whitespaceSplit
  case split(Separator, AlignedText.Separators, isInverted: Bool)
  case punctuation(AlignedText.Separators)
  case digits(individually: Bool)
  case metaspace(Unicode.Scalar, MetaspacePrefix, splits: Bool)
  case sequence([PreTokenizer])

  /// The condition for a word's mark in front of a text.
  enum MetaspacePrefix: String { case first, never, always }

  /// GPT-2's words: endings, letters, numbers and other signs with a space in front, and spaces.
  private static let words = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

  init(_ node: JSONNode) throws(PullbackError) {
    let type = try node.member("type")
    switch try type.text() {
    case "BertPreTokenizer": self = .bert
    case "ByteLevel":
      let splits = try node.flag("use_regex", or: true)
      self = .byteLevel(
        addsSpace: try node.flag("add_prefix_space"),
        pattern: splits ? try TextPattern(Self.words, of: node.file) : nil)
    case "Whitespace": self = .whitespace
    case "WhitespaceSplit": self = .whitespaceSplit
    case "Split":
      self = .split(
        try Separator(node.member("pattern")), try Self.separators(node.member("behavior")),
        isInverted: try node.flag("invert"))
    case "Punctuation":
      self = .punctuation(try node.optional("behavior").map(Self.separators) ?? .isolated)
    case "Digits": self = .digits(individually: try node.flag("individual_digits"))
    case "Metaspace":
      let mark = Array(try node.member("replacement").text().unicodeScalars)
      guard mark.count == 1 else { throw node.wrong("the replacement of Metaspace is one character") }
      self = .metaspace(mark[0], try Self.metaspacePrefix(node), splits: try node.flag("split", or: true))
    case "Sequence":
      var parts: [PreTokenizer] = []
      for part in try node.member("pretokenizers").elements() { parts.append(try PreTokenizer(part)) }
      self = .sequence(parts)
    case let name:
      throw type.wrong(
        "the pre-tokenizer \(quoted(name)) is not supported",
        advice: "BertPreTokenizer, ByteLevel, Whitespace, WhitespaceSplit, Split, Punctuation, Digits, Metaspace and "
          + "Sequence are")
    }
  }

  private static func separators(_ node: JSONNode) throws(PullbackError) -> AlignedText.Separators {
    guard let separators = AlignedText.Separators(rawValue: try node.text()) else {
      throw node.wrong("\(quoted(try node.text())) is no known way to split")
    }
    return separators
  }

  private static func metaspacePrefix(_ node: JSONNode) throws(PullbackError) -> MetaspacePrefix {
    guard let scheme = try node.optional("prepend_scheme") else {
      return try node.flag("add_prefix_space", or: true) ? .always : .never
    }
    guard let prefix = MetaspacePrefix(rawValue: try scheme.text()) else {
      throw scheme.wrong("\(quoted(try scheme.text())) is no known scheme")
    }
    return prefix
  }

  func split(_ texts: [AlignedText]) throws(PullbackError) -> [AlignedText] {
    if case .sequence(let parts) = self {
      var texts = texts
      for part in parts { texts = try part.split(texts) }
      return texts
    }
    var result: [AlignedText] = []
    var count = 0
    for text in texts {
      let parts = try split(text)
      count += parts.reduce(0) { $0 + $1.scalars.count }
      try AlignedText.check(count)
      result += parts
    }
    return result
  }

  private func split(_ text: AlignedText) throws(PullbackError) -> [AlignedText] {
    switch self {
    case .bert:
      return text.split(text.matches(\.isSpace), .removed).flatMap {
        $0.split($0.matches(\.isPunctuation), .isolated)
      }
    case .byteLevel(let addsSpace, let pattern):
      var text = text
      if addsSpace, text.scalars.first != " " { text.prepend([" "]) }
      var parts = [text]
      if let pattern { parts = text.split(try pattern.matches(in: text.scalars), .isolated) }
      for index in parts.indices { parts[index].expand(ByteAlphabet.characters) }
      return parts
    case .whitespace: return Self.words(of: text)
    case .whitespaceSplit: return text.split(text.matches(\.isSpace), .removed)
    case .split(let pattern, let separators, let isInverted):
      return text.split(try pattern.matches(in: text.scalars), separators, inverted: isInverted)
    case .punctuation(let separators): return text.split(text.matches(\.isPunctuation), separators)
    case .digits(let individually):
      return text.split(text.matches(\.isNumeric), individually ? .isolated : .contiguous)
    case .metaspace(let mark, let prefix, let splits):
      var text = text
      text.replace(text.matches { $0 == " " }, by: [mark])
      if text.scalars.first != mark, prefix == .always || (prefix == .first && text.start == 0) { text.prepend([mark]) }
      return splits ? text.split(text.matches { $0 == mark }, .mergedWithNext) : [text]
    case .sequence: return try split([text])
    }
  }

  /// Runs of word characters, and of others that are no spaces: `\w+|[^\w\s]+`.
  private static func words(of text: AlignedText) -> [AlignedText] {
    var runs: [Range<Int>] = []
    var last: Bool?
    for (index, scalar) in text.scalars.enumerated() {
      let isWord = scalar.isWordCharacter
      let kind: Bool? = isWord ? true : scalar.isSpace ? nil : false
      if let kind {
        if kind == last {
          runs[runs.count - 1] = runs[runs.count - 1].lowerBound..<index + 1
        } else {
          runs.append(index..<index + 1)
        }
      }
      last = kind
    }
    return runs.map(text.part)
  }
}
