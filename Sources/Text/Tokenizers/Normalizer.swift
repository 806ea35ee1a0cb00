import Failures

/// A change of a text before it is split.
indirect enum Normalizer: Sendable {
  case bert(cleans: Bool, spacesChinese: Bool, stripsAccents: Bool, lowercases: Bool)
  case form(NormalizationForm)
  case lowercase
  case stripAccents
  case strip(left: Bool, right: Bool)
  case replace(Separator, by: [Unicode.Scalar])
  case prepend([Unicode.Scalar])
  case byteLevel
  case sequence([Normalizer])

  init(_ node: JSONNode) throws(PullbackError) {
    let type = try node.member("type")
    switch try type.text() {
    case "BertNormalizer":
      let lowercases = try node.flag("lowercase", or: true)
      self = .bert(
        cleans: try node.flag("clean_text", or: true), spacesChinese: try node.flag("handle_chinese_chars", or: true),
        stripsAccents: try node.flag("strip_accents", or: lowercases), lowercases: lowercases)
    case "NFC": self = .form(.nfc)
    case "NFD": self = .form(.nfd)
    case "NFKC": self = .form(.nfkc)
    case "NFKD": self = .form(.nfkd)
    case "Lowercase": self = .lowercase
    case "StripAccents": self = .stripAccents
    case "Strip": self = .strip(left: try node.flag("strip_left"), right: try node.flag("strip_right"))
    case "Replace":
      self = .replace(
        try Separator(node.member("pattern")), by: Array(try node.member("content").text().unicodeScalars))
    case "Prepend": self = .prepend(Array(try node.member("prepend").text().unicodeScalars))
    case "ByteLevel": self = .byteLevel
    case "Sequence":
      var parts: [Normalizer] = []
      for part in try node.member("normalizers").elements() { parts.append(try Normalizer(part)) }
      self = .sequence(parts)
    case let name:
      throw type.wrong(
        "the normalizer \(quoted(name)) is not supported",
        advice: "BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend, ByteLevel and "
          + "Sequence are")
    }
  }

  func normalize(_ text: inout AlignedText) throws(PullbackError) {
    switch self {
    case .bert(let cleans, let spacesChinese, let stripsAccents, let lowercases):
      if cleans {
        text.keep { !$0.isControl }
        text.map { $0.isSpace ? " " : $0 }
      }
      if spacesChinese { text.expand { $0.isChinese ? [" ", $0, " "] : [$0] } }
      if stripsAccents {
        text.become(NormalizationForm.nfd.changes(text.scalars))
        text.keep { !$0.isNonspacingMark }
      }
      if lowercases { try Normalizer.lowercase.normalize(&text) }
    case .form(let form): text.become(form.changes(text.scalars))
    case .lowercase: text.expand { Array($0.properties.lowercaseMapping.unicodeScalars) }
    case .stripAccents: text.keep { !$0.isCombiningMark }
    case .strip(let left, let right):
      let first = left ? text.scalars.firstIndex { !$0.isSpace } ?? text.scalars.count : 0
      let last = right ? text.scalars.lastIndex { !$0.isSpace } ?? first - 1 : text.scalars.count - 1
      text = text.part(first..<max(first, last + 1))
    case .replace(let pattern, let replacement):
      let matches = try pattern.matches(in: text.scalars)
      let (added, overflows) = matches.count.multipliedReportingOverflow(by: replacement.count)
      try AlignedText.check(overflows ? .max : text.scalars.count + added)
      text.replace(matches, by: replacement)
    case .prepend(let prefix):
      try AlignedText.check(text.scalars.count + prefix.count)
      text.prepend(prefix)
    case .byteLevel: text.expand(ByteAlphabet.characters)
    case .sequence(let parts): for part in parts { try part.normalize(&text) }
    }
    try AlignedText.check(text.scalars.count)
  }
}

/// A text or a pattern that is looked for.
enum Separator: Sendable {
  case text([Unicode.Scalar])
  case pattern(TextPattern)

  /// - Parameter node: `{"String": " "}` or `{"Regex": "\\s+"}`.
  init(_ node: JSONNode) throws(PullbackError) {
    if let text = try node.optional("String") {
      self = .text(Array(try text.text().unicodeScalars))
    } else {
      self = .pattern(try TextPattern(node.member("Regex").text(), of: node.file))
    }
  }

  func matches(in scalars: [Unicode.Scalar]) throws(PullbackError) -> [Range<Int>] {
    switch self {
    case .text(let text): occurrences(of: text, in: scalars)
    case .pattern(let pattern): try pattern.matches(in: scalars)
    }
  }
}

/// The characters that stand for bytes where a vocabulary is one of bytes: printable ones for themselves, others for
/// those from U+0100 on. Source: Radford et al. 2019 (GPT-2).
enum ByteAlphabet {
  static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next)!
      }
    }
  }()

  /// The characters that stand for a character's bytes in UTF-8.
  static func characters(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    UTF8.encode(scalar)!.map { scalars[Int($0)] }
  }

  static let space = scalars[0x20]
}
