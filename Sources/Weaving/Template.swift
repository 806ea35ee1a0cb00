import Failures

/// A template taken apart: text, directives and blocks of both.
struct Template {
  indirect enum Piece {
    case text(String)
    case directive(Directive, Place)
    /// What stands between the directive and its `end`.
    case block(Directive, [Piece], Place)
  }

  /// Where a directive stands, for messages.
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

  /// - Parameter file: what messages call the template.
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
