import Foundation

// What the reference implementation takes characters for. Its parts were built with different versions of Unicode; a
// character that a version does not know yet is unassigned there. Each table below is Swift's own, cut at that version,
// with the characters that were of another category then.

extension Unicode.Scalar {
  /// Whether version `major` of Unicode has the character.
  private func isKnown(in major: Int) -> Bool {
    isASCII || properties.age.map { $0.major <= major } ?? false
  }

  /// White space: the property White_Space, which no version has changed since 6.3.
  var isSpace: Bool { properties.isWhitespace }

  /// Punctuation as BERT's tokenizer has it: ASCII's signs, and Unicode 8's punctuation.
  var isPunctuation: Bool {
    if isASCII { return (0x21...0x7E).contains(value) && !properties.isAlphabetic && properties.numericType == nil }
    switch value {
    case 0x166D, 0x111C9: return true
    default: return isKnown(in: 8) && properties.generalCategory.isPunctuation
    }
  }

  /// The characters that BERT's tokenizer removes: controls, format characters and private ones of Unicode 7, but for
  /// tabs and line breaks, which count as spaces there.
  var isControl: Bool {
    switch value {
    case 0x09, 0x0A, 0x0D: return false
    case 0, 0xFFFD: return true
    default: break
    }
    switch properties.generalCategory {
    case .control, .format, .privateUse: return isKnown(in: 7)
    default: return false
    }
  }

  /// A mark without a width of its own, by Unicode 8.
  var isNonspacingMark: Bool {
    switch value {
    case 0x1734, 0x1171E: return true
    case 0x1885, 0x1886, 0xA9BD, 0x111C9: return false
    default: return isKnown(in: 8) && properties.generalCategory == .nonspacingMark
    }
  }

  /// A mark of any kind, by Unicode 9.
  var isCombiningMark: Bool {
    switch value {
    case 0x1CF2, 0x1CF3: return true
    case 0x111C9: return false
    default: return isKnown(in: 9) && properties.generalCategory.isMark
    }
  }

  /// A digit or another number.
  var isNumeric: Bool { isKnown(in: 17) && properties.generalCategory.isNumber }

  /// The ideographs of the blocks that BERT's tokenizer takes for Chinese.
  var isChinese: Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }

  /// The general category by Unicode 16, which regular expressions use.
  var patternCategory: Unicode.GeneralCategory { isKnown(in: 16) ? properties.generalCategory : .unassigned }

  /// A letter, mark, digit, connector or joiner: `\w` of Rust's regular expressions.
  var isWordCharacter: Bool {
    guard isKnown(in: 16) else { return false }
    let category = properties.generalCategory
    return properties.isAlphabetic || category.isMark || category == .decimalNumber
      || category == .connectorPunctuation || properties.isJoinControl
  }

  /// `\w` of Oniguruma's: without joiners, and with superscripts and fractions of Latin 1.
  var isPatternWordCharacter: Bool {
    switch value {
    case 0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE: true
    default: isWordCharacter && !properties.isJoinControl
    }
  }

  /// The character with the case taken away, where that is a single character.
  var folded: Unicode.Scalar {
    let upper = properties.uppercaseMapping.unicodeScalars
    let lower = (upper.count == 1 ? upper.first! : self).properties.lowercaseMapping.unicodeScalars
    return lower.count == 1 ? lower.first! : self
  }
}

extension Unicode.GeneralCategory {
  var isLetter: Bool {
    switch self {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }
  var isMark: Bool { self == .nonspacingMark || self == .spacingMark || self == .enclosingMark }
  var isNumber: Bool { self == .decimalNumber || self == .letterNumber || self == .otherNumber }
  var isPunctuation: Bool {
    switch self {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      true
    default: false
    }
  }
  var isSymbol: Bool {
    self == .mathSymbol || self == .currencySymbol || self == .modifierSymbol || self == .otherSymbol
  }
  var isSeparator: Bool { self == .spaceSeparator || self == .lineSeparator || self == .paragraphSeparator }
}

/// The normalisation forms of Unicode 9, character by character, so that it is known which characters of the text each
/// character of the result stands for.
enum NormalizationForm: String {
  case nfd = "NFD"
  case nfc = "NFC"
  case nfkd = "NFKD"
  case nfkc = "NFKC"

  /// Before this one, characters are their own decompositions.
  private static let firstComposed: UInt32 = 0xA0

  private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.age.map { $0.major <= 9 } ?? false
  }

  private static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 {
    scalar.value >= 0x300 && isKnown(scalar) ? scalar.properties.canonicalCombiningClass.rawValue : 0
  }

  private func decomposition(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    guard scalar.value >= Self.firstComposed, Self.isKnown(scalar) else { return [scalar] }
    let text = String(scalar)
    let isCanonical = self == .nfd || self == .nfc
    return Array(
      (isCanonical ? text.decomposedStringWithCanonicalMapping : text.decomposedStringWithCompatibilityMapping)
        .unicodeScalars)
  }

  private static func composition(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
    guard second.value >= 0x300 else { return nil }
    // A Korean syllable without an end and an end, which Foundation leaves apart.
    let (syllables, ends): (Range<UInt32>, Range<UInt32>) = (0xAC00..<0xD7A4, 0x11A8..<0x11C3)
    if syllables.contains(first.value), (first.value - syllables.lowerBound) % 28 == 0, ends.contains(second.value) {
      return Unicode.Scalar(first.value + second.value - ends.lowerBound + 1)
    }
    var text = String(first)
    text.unicodeScalars.append(second)
    let composed = text.precomposedStringWithCanonicalMapping
    guard composed.unicodeScalars.count == 1, isKnown(composed.unicodeScalars.first!) else { return nil }
    // Foundation takes some characters beyond 16 bits for others.
    let (whole, parts) = (composed.decomposedStringWithCanonicalMapping, text.decomposedStringWithCanonicalMapping)
    return whole.unicodeScalars.elementsEqual(parts.unicodeScalars) ? composed.unicodeScalars.first! : nil
  }

  /// The change behind each character of the form: 1 is new; others take the place of one character of the text, and of
  /// as many more as the number is below 0.
  func changes(_ text: [Unicode.Scalar]) -> [TextChange] {
    var result: [TextChange] = []
    var pending: [(combiningClass: UInt8, change: TextChange)] = []
    func sortPending() {
      // A stable order: characters of one class stay as they are.
      result += pending.enumerated().sorted {
        ($0.element.combiningClass, $0.offset) < ($1.element.combiningClass, $1.offset)
      }.map(\.element.change)
      pending = []
    }
    for scalar in text {
      for (place, part) in decomposition(scalar).enumerated() {
        let combiningClass = Self.combiningClass(part)
        if combiningClass == 0 { sortPending() }
        pending.append((combiningClass, TextChange(part, place == 0 ? 0 : 1)))
      }
    }
    sortPending()
    return self == .nfc || self == .nfkc ? Self.composed(result) : result
  }

  private static func composed(_ parts: [TextChange]) -> [TextChange] {
    var result: [TextChange] = []
    /// The place in the result of the character that others may be composed with.
    var starter: Int?
    /// The class of the last character behind it that was not.
    var last: UInt8?
    for part in parts {
      let combiningClass = combiningClass(part.scalar)
      if let starter, last.map({ $0 < combiningClass }) ?? true,
        let composed = composition(result[starter].scalar, part.scalar)
      {
        result[starter] = TextChange(composed, result[starter].change + part.change - 1)
        continue
      }
      if combiningClass == 0 { (starter, last) = (result.count, nil) } else if starter != nil { last = combiningClass }
      result.append(part)
    }
    return result
  }
}
