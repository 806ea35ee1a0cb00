/// A Swift file as a story: the prose of its `//:` lines and the code between.
struct LiterateProgram: Equatable {
  enum Chunk: Equatable {
    /// Markdown, without the marks.
    case prose(String)
    /// Lines of Swift, without empty ones at the ends.
    case code(String)
  }

  /// The text of the first heading, `# Figure 2: each class finds its tile`; nil if the file does not begin with one.
  let title: String?
  /// The prose between the title and the first code.
  let introduction: String
  /// What follows.
  let chunks: [Chunk]

  init(_ source: String) {
    var chunks: [Chunk] = []
    var lines: [Substring] = []
    var isProse = false

    func finish() {
      let isEmpty: (Substring) -> Bool = { $0.allSatisfy(\.isWhitespace) }
      let kept = lines.drop(while: isEmpty).reversed().drop(while: isEmpty).reversed().joined(separator: "\n")
      if !kept.isEmpty { chunks.append(isProse ? .prose(kept) : .code(kept)) }
      lines = []
    }

    for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
      let content = line.drop { $0 == " " }
      let isMarked = content.hasPrefix("//:")
      if isMarked != isProse { finish() }
      isProse = isMarked
      lines.append(isMarked ? content.dropFirst(content.hasPrefix("//: ") ? 4 : 3) : line)
    }
    finish()

    guard case .prose(let opening)? = chunks.first else {
      (title, introduction, self.chunks) = (nil, "", chunks)
      return
    }
    let parts = opening.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    if parts[0].hasPrefix("# ") {
      title = parts[0].dropFirst(2).trimmed
      introduction = parts.count == 2 ? parts[1].trimmed : ""
    } else {
      (title, introduction) = (nil, opening)
    }
    self.chunks = Array(chunks.dropFirst())
  }

  /// The chunks as Markdown.
  var markdown: String {
    chunks.map { chunk in
      switch chunk {
      case .prose(let text): text
      case .code(let text): Self.fenced(text)
      }
    }
    .joined(separator: "\n\n")
  }

  /// Swift as a code block of Markdown, within a fence longer than any in it.
  static func fenced(_ code: String) -> String {
    let longest = code.matches(of: #/`+/#).map(\.output.count).max() ?? 0
    let fence = String(repeating: "`", count: max(3, longest + 1))
    return "\(fence)swift\n\(code.trimmingNewlines)\n\(fence)"
  }
}

extension String {
  fileprivate var trimmingNewlines: String {
    String(drop { $0 == "\n" }.reversed().drop { $0 == "\n" }.reversed())
  }
}
