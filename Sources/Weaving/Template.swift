import Failures

/// A template taken apart: text, directives and blocks of both.
struct Template {
  indirect enum Piece {
    case text(String)
    case directive(Directive, Place)
    /// The pieces between the directive and its `end`.
    case block(Directive, [Piece], Place)
  }

  /// The place of a directive, for messages.
  struct Place {
    let file: String
    let line: Int
    let source: String

    /// `body`'s value; its error is reported from here.
    func reporting<T>(_ body: () throws -> T) throws -> T {
      do {
        return try body()
      } catch let error as PullbackError {
        // From within a block the innermost place is the right one.
        if error.subject.hasPrefix("\(file):") { throw error }
        throw PullbackError(
          error.kind, "\(file):\(line)", "{{\(source)}}: \(error.subject): \(error.problem)", advice: error.advice)
      }
    }
  }

  let pieces: [Piece]

  /// - Parameter file: the template's name in messages.
  /// - Throws: `PullbackError` with file and line for a directive that is none, and for blocks that do not end.
  init(_ text: String, file: String) throws {
    var open: [(directive: Directive, place: Place, pieces: [Piece])] = []
    var pieces: [Piece] = []
    var rest = Substring(text)
    var line = 1

    func take(_ part: Substring) {
      if !part.isEmpty { pieces.append(.text(String(part))) }
      line += part.count { $0 == "\n" }
    }

    while let start = rest.firstRange(of: "{{") {
      take(rest[..<start.lowerBound])
      guard let end = rest[start.upperBound...].firstRange(of: "}}") else {
        throw PullbackError(.usage, "\(file):\(line)", "{{ without }}")
      }
      let source = String(rest[start.upperBound..<end.lowerBound])
      let shown = source.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      let place = Place(file: file, line: line, source: shown)
      let directive = try place.reporting { try Directive(source) }
      let isAtLineStart = start.lowerBound == text.startIndex || text[text.index(before: start.lowerBound)] == "\n"
      line += source.count { $0 == "\n" }
      rest = rest[end.upperBound...]
      if directive.isSilent, isAtLineStart, rest.first == "\n" {
        rest = rest.dropFirst()
        line += 1
      }

      if directive.opensBlock {
        open.append((directive, place, pieces))
        pieces = []
      } else if case .end = directive {
        guard let block = open.popLast() else {
          throw PullbackError(.usage, "\(file):\(place.line)", "{{end}} without an experiment or when before it")
        }
        pieces = block.pieces + [.block(block.directive, pieces, block.place)]
      } else {
        pieces.append(.directive(directive, place))
      }
    }
    take(rest)
    if let block = open.last {
      throw PullbackError(.usage, "\(file):\(block.place.line)", "{{\(block.place.source)}} has no {{end}}")
    }
    self.pieces = pieces
  }
}

/// The text between `{{` and `}}` in the template.
enum Directive {
  /// `experiment fig2`, or `experiment fig2 on imagenet` for another tier than the template's, until `end`: its
  /// section, with the lines between as its discussion. Without results there is no section.
  case experiment(String, tier: String?)
  /// `when fig2`, until `end`: lines that are left out without that result.
  case when(String)
  /// `when tier imagenet`, until `end`: lines that speak of one tier.
  case whenTier(String)
  case end
  /// `figure fig4-sequence`: another picture of an experiment.
  case figure(String)
  /// `film fig4-film`: pictures in a sequence to move through, on the page.
  case film(String)
  /// `table fig2:numbers; …`, see ``ResultTable``.
  case table(ResultTable)
  /// `include table1`: a Markdown file that an experiment wrote.
  case include(String)
  /// `claim fig2:… > fig2:…`, see ``Claim``.
  case claim(Claim)
  /// `absent`: the names of the experiments of the template that have no results.
  case absent
  /// `fig2:numbers[0].energyInTile|percent`, see ``Quotation``.
  case quotation(Quotation)

  static let names = ["experiment", "when", "end", "figure", "film", "table", "include", "claim", "absent"]

  init(_ text: String) throws {
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    let rest = text.trimmed.drop { !$0.isWhitespace }.trimmed
    switch (words.first, words.count) {
    case ("experiment", 2): self = .experiment(words[1], tier: nil)
    case ("experiment", 4) where words[2] == "on": self = .experiment(words[1], tier: words[3])
    case ("when", 2): self = .when(words[1])
    case ("when", 3) where words[1] == "tier": self = .whenTier(words[2])
    case ("end", 1): self = .end
    case ("figure", 2): self = .figure(words[1])
    case ("film", 2): self = .film(words[1])
    case ("table", _): self = .table(try ResultTable(rest))
    case ("include", 2): self = .include(words[1])
    case ("claim", _): self = .claim(try Claim(rest))
    case ("absent", 1): self = .absent
    case (let name?, _) where Self.names.contains(name):
      throw PullbackError(.usage, name, "has not the right number of arguments")
    default: self = .quotation(try Quotation(text.trimmed))
    }
  }

  var opensBlock: Bool {
    switch self {
    case .experiment, .when, .whenTier: true
    case .end, .figure, .film, .table, .include, .claim, .absent, .quotation: false
    }
  }

  /// Whether nothing of it is left in the text, so that alone on its line it takes the line with it.
  var isSilent: Bool {
    switch self {
    case .experiment, .when, .whenTier, .end, .claim: true
    case .figure, .film, .table, .include, .absent, .quotation: false
    }
  }
}
