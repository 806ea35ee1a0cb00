import Failures

/// A regular expression over characters (Unicode scalars), of the kinds that tokenizers split by.
///
/// Swift's own expressions have no bound on their steps, and a file's pattern may be hostile; and they know a later
/// Unicode than the tokenizers that models were trained with. Supported are literals, classes, `\s \d \w \p{L}` and
/// their negations, groups, alternatives, `(?i:)`, looking ahead, and greedy, lazy and possessive repetition; the first
/// alternative that matches is taken. Everything else is refused by name.
struct TextPattern: Sendable {
  /// One character.
  private indirect enum CharacterTest: Sendable {
    case any
    case scalar(Unicode.Scalar)
    case range(Unicode.Scalar, Unicode.Scalar)
    case space, digit, word
    case category(String)
    case not(CharacterTest)
    case oneOf([CharacterTest])
    /// Whatever the case.
    case folded(CharacterTest)

    func holds(_ scalar: Unicode.Scalar) -> Bool {
      switch self {
      case .any: scalar != "\n"
      case .scalar(let other): scalar == other
      case .range(let first, let last): first <= scalar && scalar <= last
      case .space: scalar.isSpace
      case .digit: scalar.patternCategory == .decimalNumber
      case .word: scalar.isPatternWordCharacter
      case .category(let name): TextPattern.categories[name]!(scalar.patternCategory)
      case .not(let test): !test.holds(scalar)
      case .oneOf(let tests): tests.contains { $0.holds(scalar) }
      case .folded(.scalar(let other)): scalar.folded == other.folded
      case .folded(let test):
        test.holds(scalar) || test.holds(scalar.folded) || test.holds(scalar.upper)
      }
    }
  }

  private static let categories: [String: @Sendable (Unicode.GeneralCategory) -> Bool] = [
    "L": { $0.isLetter }, "N": { $0.isNumber }, "P": { $0.isPunctuation }, "S": { $0.isSymbol }, "M": { $0.isMark },
    "Z": { $0.isSeparator }, "Lu": { $0 == .uppercaseLetter }, "Ll": { $0 == .lowercaseLetter },
    "Lt": { $0 == .titlecaseLetter }, "Lm": { $0 == .modifierLetter }, "Lo": { $0 == .otherLetter },
    "Mn": { $0 == .nonspacingMark }, "Mc": { $0 == .spacingMark }, "Nd": { $0 == .decimalNumber },
    "Nl": { $0 == .letterNumber }, "No": { $0 == .otherNumber }, "Zs": { $0 == .spaceSeparator },
  ]

  private enum Greed: Sendable { case greedy, lazy, possessive }

  private indirect enum Node: Sendable {
    case test(CharacterTest)
    case sequence([Node])
    case alternatives([Node])
    case repeated(Node, least: Int, most: Int, Greed)
    case ahead(Node, isNegated: Bool)
    case start, end
  }

  private let root: Node
  /// The pattern as it was written.
  let text: String
  /// The file in which it was written.
  private let file: String

  /// - Throws: `PullbackError` of kind `data` that names the first construct that is not supported.
  init(_ text: String, of file: String) throws(PullbackError) {
    (self.text, self.file) = (text, file)
    var parser = Parser(scalars: Array(text.unicodeScalars), file: file)
    root = try parser.pattern()
  }

  /// The matches, from left to right, each behind the one before.
  ///
  /// - Throws: `PullbackError` of kind `data` where a pattern takes more steps than any sensible one.
  func matches(in scalars: [Unicode.Scalar]) throws(PullbackError) -> [Range<Int>] {
    let matcher = Matcher(scalars: scalars)
    var found: [Range<Int>] = []
    var start = 0
    while start <= scalars.count {
      guard let end = matcher.end(of: root, from: start) else {
        guard !matcher.isExhausted else {
          throw PullbackError(
            .data, file, "the pattern \(quoted(text)) takes too many steps on this text, or nests too deeply")
        }
        start += 1
        continue
      }
      if end > start || found.last?.upperBound != start, start < scalars.count { found.append(start..<end) }
      start = max(end, start + (end == start ? 1 : 0))
    }
    return found
  }

  // MARK: Matching

  private final class Matcher {
    let scalars: [Unicode.Scalar]
    private var steps = 0
    private var depth = 0
    private let most: Int
    var isExhausted: Bool { steps > most }

    init(scalars: [Unicode.Scalar]) {
      self.scalars = scalars
      most = 10_000 + 1000 * scalars.count
    }

    func end(of node: Node, from start: Int) -> Int? {
      var result: Int?
      _ = match(node, start) {
        result = $0
        return true
      }
      return isExhausted ? nil : result
    }

    /// Whether the node matches from `place` on and what follows, `rest`, then does.
    private func match(_ node: Node, _ place: Int, _ rest: (Int) -> Bool) -> Bool {
      steps += 1
      // Deep recursion comes of patterns that repeat groups; it ends as too many steps do.
      guard !isExhausted, depth < 400 else {
        steps = most + 1
        return false
      }
      depth += 1
      defer { depth -= 1 }
      switch node {
      case .test(let test): return place < scalars.count && test.holds(scalars[place]) && rest(place + 1)
      case .start: return place == 0 && rest(place)
      case .end: return place == scalars.count && rest(place)
      case .sequence(let nodes): return match(nodes[...], place, rest)
      case .alternatives(let nodes): return nodes.contains { match($0, place, rest) }
      case .ahead(let node, let isNegated): return match(node, place) { _ in true } != isNegated && rest(place)
      case .repeated(.test(let test), let least, let most, let greed):
        return run(test, least, most, greed, place, rest)
      case .repeated(let node, let least, let most, .possessive):
        guard let end = longest(node, least, most, place) else { return false }
        return rest(end)
      case .repeated(let node, let least, let most, let greed):
        return again(node, least, most, greed, place, count: 0, rest)
      }
    }

    private func match(_ nodes: ArraySlice<Node>, _ place: Int, _ rest: (Int) -> Bool) -> Bool {
      var (nodes, place) = (nodes, place)
      // Characters in a row, without recursion.
      while case .test(let test)? = nodes.first {
        steps += 1
        guard place < scalars.count, test.holds(scalars[place]) else { return false }
        place += 1
        nodes = nodes.dropFirst()
      }
      guard let first = nodes.first else { return rest(place) }
      let others = nodes.dropFirst()
      return match(first, place) { match(others, $0, rest) }
    }

    /// A repeated character, without recursion.
    private func run(
      _ test: CharacterTest, _ least: Int, _ most: Int, _ greed: Greed, _ place: Int, _ rest: (Int) -> Bool
    ) -> Bool {
      var end = place
      while end < scalars.count, end - place < most, greed != .lazy || end - place < least, test.holds(scalars[end]) {
        end += 1
      }
      steps += end - place
      guard end - place >= least else { return false }
      switch greed {
      case .possessive: return rest(end)
      case .greedy:
        for end in stride(from: end, through: place + least, by: -1) {
          steps += 1
          if isExhausted { return false }
          if rest(end) { return true }
        }
        return false
      case .lazy:
        while true {
          steps += 1
          if isExhausted { return false }
          if rest(end) { return true }
          guard end < scalars.count, end - place < most, test.holds(scalars[end]) else { return false }
          end += 1
        }
      }
    }

    private func again(
      _ node: Node, _ least: Int, _ most: Int, _ greed: Greed, _ place: Int, count: Int, _ rest: (Int) -> Bool
    ) -> Bool {
      func more() -> Bool {
        count < most
          && match(node, place) { end in
            // A repetition of nothing would never end.
            (end > place || count < least) && again(node, least, most, greed, end, count: count + 1, rest)
          }
      }
      if count < least { return more() }
      return greed == .lazy ? rest(place) || more() : more() || rest(place)
    }

    private func longest(_ node: Node, _ least: Int, _ most: Int, _ place: Int) -> Int? {
      var (end, count) = (place, 0)
      while count < most, let next = self.end(of: node, from: end), next > end { (end, count) = (next, count + 1) }
      return count >= least ? end : nil
    }
  }

  // MARK: Parsing

  private struct Parser {
    let scalars: [Unicode.Scalar]
    let file: String
    private var position = 0
    private var isFolded = false
    private var depth = 0

    init(scalars: [Unicode.Scalar], file: String) { (self.scalars, self.file) = (scalars, file) }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func skip(_ text: String) -> Bool {
      let text = Array(text.unicodeScalars)
      guard scalars.dropFirst(position).starts(with: text) else { return false }
      position += text.count
      return true
    }

    private func unknown(_ what: String) -> PullbackError {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars)
      return PullbackError(.data, file, "the pattern \(quoted(String(view))) has \(what), which is not supported")
    }

    mutating func pattern() throws(PullbackError) -> Node {
      let node = try alternatives()
      guard next == nil else { throw unknown("a \")\" too many") }
      return node
    }

    private mutating func alternatives() throws(PullbackError) -> Node {
      depth += 1
      defer { depth -= 1 }
      guard depth < 32 else { throw unknown("groups more than 32 deep") }
      let wasFolded = isFolded
      var nodes = [try sequence()]
      while skip("|") { nodes.append(try sequence()) }
      isFolded = wasFolded
      // Alternatives of one character each are a class, which is repeated without recursion.
      let tests = nodes.compactMap { node in if case .test(let test) = node { test } else { nil } }
      if tests.count == nodes.count, tests.count > 1 { return .test(.oneOf(tests)) }
      return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence() throws(PullbackError) -> Node {
      var nodes: [Node] = []
      while let scalar = next, scalar != "|", scalar != ")" {
        if skip("(?i)") {
          isFolded = true
          continue
        }
        nodes.append(try repeated(atom()))
      }
      return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func repeated(_ node: Node) throws(PullbackError) -> Node {
      let (least, most): (Int, Int)
      if skip("*") {
        (least, most) = (0, .max)
      } else if skip("+") {
        (least, most) = (1, .max)
      } else if skip("?") {
        (least, most) = (0, 1)
      } else if skip("{") {
        var numbers = [try number()]
        if skip(",") { numbers.append(next == "}" ? .max : try number()) }
        guard skip("}"), numbers[0] <= numbers.last! else { throw unknown("an open {") }
        (least, most) = (numbers[0], numbers.last!)
      } else {
        return node
      }
      let greed: Greed = skip("?") ? .lazy : skip("+") ? .possessive : .greedy
      if let next, "*+?{".unicodeScalars.contains(next) { throw unknown("a repetition of a repetition") }
      return .repeated(node, least: least, most: most, greed)
    }

    private mutating func number() throws(PullbackError) -> Int {
      var digits = ""
      while let scalar = next, ("0"..."9").contains(scalar) {
        digits.unicodeScalars.append(scalar)
        position += 1
      }
      guard let number = Int(digits), number <= 1000 else { throw unknown("a repetition without a number up to 1000") }
      return number
    }

    private mutating func atom() throws(PullbackError) -> Node {
      if skip("(?!") { return try closed { .ahead($0, isNegated: true) } }
      if skip("(?=") { return try closed { .ahead($0, isNegated: false) } }
      if skip("(?:") { return try closed { $0 } }
      if skip("(?i:") {
        let wasFolded = isFolded
        isFolded = true
        defer { isFolded = wasFolded }
        return try closed { $0 }
      }
      if skip("(?") { throw unknown("the group (?\(next.map(String.init) ?? "")") }
      if skip("(") { return try closed { $0 } }
      if skip("^") { return .start }
      if skip("$") { return .end }
      return .test(try folding(skip("[") ? characterClass() : skip(".") ? .any : single()))
    }

    private func folding(_ test: CharacterTest) -> CharacterTest { isFolded ? .folded(test) : test }

    private mutating func closed(_ make: (Node) -> Node) throws(PullbackError) -> Node {
      let node = try alternatives()
      guard skip(")") else { throw unknown("an open group") }
      return make(node)
    }

    private mutating func characterClass() throws(PullbackError) -> CharacterTest {
      let isNegated = skip("^")
      var tests: [CharacterTest] = []
      repeat {
        guard let scalar = next else { throw unknown("an open class") }
        if scalar == "[" { throw unknown("a class in a class") }
        if scalars.dropFirst(position).starts(with: "&&".unicodeScalars) { throw unknown("an intersection of classes") }
        let test = try single()
        let isRange = next == "-" && position + 1 < scalars.count && scalars[position + 1] != "]"
        if isRange, case .scalar(let first) = test {
          position += 1
          guard case .scalar(let last) = try single(), first <= last else { throw unknown("a range without an order") }
          tests.append(.range(first, last))
        } else {
          tests.append(test)
        }
      } while next != "]"
      position += 1
      return isNegated ? .not(.oneOf(tests)) : .oneOf(tests)
    }

    /// A character or the name of several.
    private mutating func single() throws(PullbackError) -> CharacterTest {
      guard let scalar = next else { throw unknown("an end where a character was expected") }
      position += 1
      guard scalar == "\\" else { return .scalar(scalar) }
      guard let name = next else { throw unknown("a backslash at its end") }
      position += 1
      switch name {
      case "r": return .scalar("\r")
      case "n": return .scalar("\n")
      case "t": return .scalar("\t")
      case "s": return .space
      case "S": return .not(.space)
      case "d": return .digit
      case "D": return .not(.digit)
      case "w": return .word
      case "W": return .not(.word)
      case "p", "P":
        guard skip("{"), let end = scalars[position...].firstIndex(of: "}") else {
          throw unknown("\\\(name) without {}")
        }
        var category = String.UnicodeScalarView()
        category.append(contentsOf: scalars[position..<end])
        position = end + 1
        guard TextPattern.categories[String(category)] != nil else { throw unknown("\\\(name){\(category)}") }
        return name == "p" ? .category(String(category)) : .not(.category(String(category)))
      default:
        guard !name.properties.isAlphabetic, name.properties.numericType == nil else { throw unknown("\\\(name)") }
        return .scalar(name)
      }
    }
  }
}

extension Unicode.Scalar {
  /// The upper-case character, where that is a single one.
  fileprivate var upper: Unicode.Scalar {
    let upper = properties.uppercaseMapping.unicodeScalars
    return upper.count == 1 ? upper.first! : self
  }
}
