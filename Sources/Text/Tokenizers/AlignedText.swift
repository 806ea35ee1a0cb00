import Failures

/// A character of a changed text.
struct TextChange {
  var scalar: Unicode.Scalar
  /// 1 for a new character; 0 for one in the place of another; `-n` for one in the place of another and n more.
  var change: Int

  init(_ scalar: Unicode.Scalar, _ change: Int) { (self.scalar, self.change) = (scalar, change) }
}

/// A part of a text as normalisers have changed it, each character with the place in the text that it comes from.
struct AlignedText {
  private(set) var scalars: [Unicode.Scalar]
  /// For each character, its source in characters (Unicode scalars) of the whole text.
  private(set) var places: [Range<Int>]
  /// The start of the part in the text.
  let start: Int

  /// The whole of a text.
  init(_ text: String) {
    scalars = Array(text.unicodeScalars)
    places = scalars.indices.map { $0..<$0 + 1 }
    start = 0
  }

  private init(_ scalars: [Unicode.Scalar], _ places: [Range<Int>], start: Int) {
    (self.scalars, self.places, self.start) = (scalars, places, start)
  }

  var isEmpty: Bool { scalars.isEmpty }

  /// The longest text, in characters: rules of a file may make a short one long.
  static let longest = 1 << 20

  /// Throws if a text of `count` characters would be too long.
  static func check(_ count: Int) throws(PullbackError) {
    guard count <= longest else {
      throw PullbackError(
        .data, "text", "has more than \(longest) characters, or the tokenizer's rules make it so long",
        advice: "split it")
    }
  }

  /// The characters as a string.
  var written: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  func part(_ range: Range<Int>) -> AlignedText {
    AlignedText(
      Array(scalars[range]), Array(places[range]), start: range.isEmpty ? start : places[range.lowerBound].lowerBound)
  }

  /// The source of characters in the whole text.
  func place(of range: Range<Int>) -> Range<Int> {
    guard !range.isEmpty else { return start..<start }
    let (first, last) = (places[range.lowerBound].lowerBound, places[range.upperBound - 1].upperBound)
    return first..<max(first, last)
  }

  /// - Parameters:
  ///   - changes: the characters of the new text.
  ///   - removed: the number of characters of the old one that are left out before the first of them.
  mutating func become(_ changes: [TextChange], removed: Int = 0) {
    var next = removed
    var moved: [Range<Int>] = []
    moved.reserveCapacity(changes.count)
    for change in changes {
      if change.change > 0 {
        moved.append(next > 0 ? places[next - 1] : start..<start)
      } else {
        moved.append(places[next])
        next += 1 - change.change
      }
    }
    scalars = changes.map(\.scalar)
    places = moved
  }

  mutating func map(_ change: (Unicode.Scalar) -> Unicode.Scalar) { scalars = scalars.map(change) }

  mutating func keep(where isKept: (Unicode.Scalar) -> Bool) {
    let kept = scalars.indices.filter { isKept(scalars[$0]) }
    guard kept.count < scalars.count else { return }
    (scalars, places) = (kept.map { scalars[$0] }, kept.map { places[$0] })
  }

  /// Each character as several, the first of which takes its place.
  mutating func expand(_ parts: (Unicode.Scalar) -> [Unicode.Scalar]) {
    become(scalars.flatMap { parts($0).enumerated().map { TextChange($1, $0 == 0 ? 0 : 1) } })
  }

  /// Puts characters in front, unless there is nothing that they could stand for.
  mutating func prepend(_ text: [Unicode.Scalar]) {
    guard let first = places.first, !text.isEmpty else { return }
    scalars = text + scalars
    places = text.map { _ in first } + places
  }

  /// Puts `text` in the place of every match.
  mutating func replace(_ matches: [Range<Int>], by text: [Unicode.Scalar]) {
    var (changed, moved): ([Unicode.Scalar], [Range<Int>]) = ([], [])
    var end = 0
    for match in matches {
      changed += scalars[end..<match.lowerBound]
      moved += places[end..<match.lowerBound]
      changed += text
      moved += text.map { _ in match.upperBound > 0 ? places[match.upperBound - 1] : start..<start }
      end = match.upperBound
    }
    scalars = changed + scalars[end...]
    places = moved + places[end...]
  }

  /// The treatment of separators when a text is split.
  enum Separators: String {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }

  /// The parts between and at the matches; none is empty.
  ///
  /// - Parameters:
  ///   - matches: in order, none reaching into another.
  ///   - inverted: whether the matches are the parts, and the separators what is between them.
  func split(_ matches: [Range<Int>], _ separators: Separators, inverted: Bool = false) -> [AlignedText] {
    var spans: [(range: Range<Int>, isSeparator: Bool)] = []
    var end = 0
    for match in matches {
      if end < match.lowerBound { spans.append((end..<match.lowerBound, inverted)) }
      spans.append((match, !inverted))
      end = match.upperBound
    }
    if end < scalars.count { spans.append((end..<scalars.count, inverted)) }
    return Self.ranges(spans, separators).filter { !$0.isEmpty }.map(part)
  }

  private static func ranges(
    _ spans: [(range: Range<Int>, isSeparator: Bool)], _ separators: Separators
  ) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var wasSeparator = false
    switch separators {
    case .removed: return spans.filter { !$0.isSeparator }.map(\.range)
    case .isolated: return spans.map(\.range)
    case .contiguous, .mergedWithPrevious:
      for (range, isSeparator) in spans {
        let joins = separators == .contiguous ? isSeparator == wasSeparator : isSeparator && !wasSeparator
        if joins, let last = ranges.last {
          ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
        } else {
          ranges.append(range)
        }
        wasSeparator = isSeparator
      }
    case .mergedWithNext:
      for (range, isSeparator) in spans.reversed() {
        if isSeparator, !wasSeparator, let last = ranges.last {
          ranges[ranges.count - 1] = range.lowerBound..<last.upperBound
        } else {
          ranges.append(range)
        }
        wasSeparator = isSeparator
      }
      ranges.reverse()
    }
    return ranges
  }

  /// The places of the characters for which `isMatch` is true.
  func matches(_ isMatch: (Unicode.Scalar) -> Bool) -> [Range<Int>] {
    scalars.indices.filter { isMatch(scalars[$0]) }.map { $0..<$0 + 1 }
  }
}

/// The occurrences of a text in another, from left to right, without overlaps.
func occurrences(of text: [Unicode.Scalar], in scalars: [Unicode.Scalar]) -> [Range<Int>] {
  guard let first = text.first else { return [] }
  var found: [Range<Int>] = []
  var place = 0
  while place + text.count <= scalars.count {
    if scalars[place] == first, scalars[place..<place + text.count].elementsEqual(text) {
      found.append(place..<place + text.count)
      place += text.count
    } else {
      place += 1
    }
  }
  return found
}
