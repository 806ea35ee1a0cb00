import Failures
import Foundation

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

/// What the write-up shows of one experiment: its prose and program from `Experiments/`, its picture and how it was
/// made from `Figures/`.
struct ExperimentSection {
  let name: String
  let tier: String
  private let results: Results
  private let program: LiterateProgram
  private let title: String
  /// The other Swift files of the program.
  private let otherFiles: [String]

  init(_ name: String, tier: String, _ results: Results) throws {
    let folder = "Experiments/\(name)"
    program = LiterateProgram(try results.text(at: "\(folder)/main.swift"))
    guard let title = program.title else {
      throw PullbackError(
        .data, "\(folder)/main.swift", "does not begin with a title",
        advice: "write //: # Figure N: … as its first line")
    }
    let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(results.root)/\(folder)")) ?? []
    otherFiles = files.filter { $0.hasSuffix(".swift") && $0 != "main.swift" }.sorted().map { "\(folder)/\($0)" }
    (self.name, self.tier, self.results, self.title) = (name, tier, results, title)
  }

  /// Whether there is any result of the experiment.
  static func exists(_ name: String, tier: String, _ results: Results) -> Bool {
    results.path(name, tier: tier, extensions: ["json", "csv", "md", "png"]) != nil
  }

  /// The title, the prose before the first code and the picture; of an experiment told before, the picture alone.
  func opening(id: String, isRepeated: Bool) throws -> String {
    let isPictured = results.path(name, tier: tier, extensions: ["png"]) != nil
    let result = try isPictured ? picture(name) : caption(name)
    return isRepeated
      ? "## \(label), again {#\(id)}\n\n\(result)" : "## \(title) {#\(id)}\n\n\(program.introduction)\n\n\(result)"
  }

  /// `Figure 2` of `Figure 2: each class finds its tile`.
  private var label: Substring { title.prefix { $0 != ":" } }

  /// The picture `result`, with its caption: `fig4-sequence`.
  func picture(_ result: String) throws -> String {
    let path = try results.existingPath(result, tier: tier, extensions: ["png"])
    return "![\(try caption(result))](\(path)){alt=\"\(title.replacing("\"", with: ""))\"}"
  }

  /// The label and how the result was made, with the numbers to take home.
  private func caption(_ result: String) throws -> String {
    let part = result.dropFirst(name.count).drop { $0 == "-" }
    let label = label + (part.isEmpty ? "" : ", \(part)")
    let data = try results.existingPath(result, tier: tier, extensions: ["json", "csv", "png"])
    let stem = (data as NSString).deletingPathExtension
    let provenance = try Provenance(results.value("\(stem).provenance.json", tier: tier))
    let links = ["json", "csv"].map { "\(stem).\($0)" }
      .filter { FileManager.default.fileExists(atPath: "\(results.root)/\($0)") }
      .map { "[`\(($0 as NSString).lastPathComponent)`](\($0)){.data}" }
    return "**\(label).** \(provenance.markdown)"
      + (links.isEmpty ? "." : "; numbers: \(links.joined(separator: ", ")).")
  }

  /// The whole program, for the typesetting to fold away or move to the end.
  func listing(id: String) throws -> String {
    let others = try otherFiles.map { path in
      "`\(path)`:\n\n\(LiterateProgram.fenced(try results.text(at: path)))"
    }
    let parts = [program.markdown] + others
    return """
      ::: {.program #\(id)-program label="\(label)" file="Experiments/\(name)/main.swift"}

      \(parts.joined(separator: "\n\n"))

      :::
      """
  }
}
