import Failures
import Foundation

/// A Swift file split into the prose of its `//:` lines and the code between.
struct LiterateProgram: Equatable {
  enum Chunk: Equatable {
    /// Markdown, without the marks.
    case prose(String)
    /// Lines of Swift, without empty ones at the ends, from this line of the file on.
    case code(String, line: Int)
  }

  /// The text of the first heading, `# Figure 2: mosaics of four classes`; nil if the file does not begin with one.
  let title: String?
  /// The titles of further results by their part: `raw` in `## raw: the same maps in raw colour`. They are no prose.
  let parts: [String: String]
  /// These parts, in the order of their titles.
  let orderedParts: [String]
  /// The descriptions of results by their part, empty for the first: `> ` lines below the titles. They are no prose.
  let descriptions: [String: String]
  /// The prose between the title and the first code.
  let introduction: String
  /// The chunks after the title and the introduction.
  let chunks: [Chunk]

  init(_ source: String) {
    var chunks: [Chunk] = []
    var partTitles: [(part: String, title: String)] = []
    var described: [String: [Substring]] = [:]
    // The part whose title or description came last.
    var part: String? = ""
    var lines: [Substring] = []
    var isProse = false
    var count = 0

    func finish() {
      let isEmpty: (Substring) -> Bool = { $0.allSatisfy(\.isWhitespace) }
      let body = lines.drop(while: isEmpty)
      let first = count - body.count + 1
      let kept = body.reversed().drop(while: isEmpty).reversed().joined(separator: "\n")
      if !kept.isEmpty { chunks.append(isProse ? .prose(kept) : .code(kept, line: first)) }
      lines = []
    }

    for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
      let content = line.drop { $0 == " " }
      let isMarked = content.hasPrefix("//:")
      if isMarked != isProse { finish() }
      isProse = isMarked
      count += 1
      if isMarked, let title = content.wholeMatch(of: #/\/\/: ## ([a-z0-9-]+): (.+)/#)?.output {
        part = String(title.1)
        partTitles.append((String(title.1), String(title.2)))
      } else if let part, content.hasPrefix("//: > ") {
        described[part, default: []].append(content.dropFirst(6))
      } else {
        if !content.hasPrefix("//: # ") { part = nil }
        lines.append(isMarked ? content.dropFirst(content.hasPrefix("//: ") ? 4 : 3) : line)
      }
    }
    finish()
    parts = Dictionary(partTitles.map { ($0.part, $0.title) }) { $1 }
    orderedParts = partTitles.map(\.part)
    descriptions = described.mapValues { $0.joined(separator: " ") }

    guard case .prose(let opening)? = chunks.first else {
      (title, introduction, self.chunks) = (nil, "", chunks)
      return
    }
    let head = opening.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    if head[0].hasPrefix("# ") {
      title = head[0].dropFirst(2).trimmed
      introduction = head.count == 2 ? head[1].trimmed : ""
    } else {
      (title, introduction) = (nil, opening)
    }
    self.chunks = Array(chunks.dropFirst())
  }

  /// The first line that hands over `name:`, as the fields of results are; nil if there is none.
  func line(handingOver name: String) -> Int? {
    for case .code(let code, let first) in chunks {
      for (offset, line) in code.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let matches = line.matches(of: #/(let |var |case )?\b(\w+):/#)
        if matches.contains(where: { $0.output.1 == nil && $0.output.2 == name }) { return first + offset }
      }
    }
    return nil
  }

  /// The index of the chunk that holds `line`.
  func chunk(of line: Int) -> Int? {
    chunks.lastIndex { if case .code(_, let first) = $0 { first <= line } else { false } }
  }

  /// Swift as a code block of Markdown, within a fence longer than any in it.
  ///
  /// - Parameters:
  ///   - first: the number of its first line in the file.
  ///   - id: the id of the block; its lines are `id-12`, `id-13`.
  static func fenced(_ code: String, from first: Int = 1, id: String) -> String {
    let longest = code.matches(of: #/`+/#).map(\.output.count).max() ?? 0
    let fence = String(repeating: "`", count: max(3, longest + 1))
    return "\(fence) {.swift .numberLines startFrom=\"\(first)\" #\(id)}\n\(code.trimmingNewlines)\n\(fence)"
  }
}

extension String {
  fileprivate var trimmingNewlines: String {
    String(drop { $0 == "\n" }.reversed().drop { $0 == "\n" }.reversed())
  }
}

/// The section of the write-up on one experiment: its prose and program from `Experiments/`, its picture and how it was
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
    let isPictured = results.path(name, tier: tier, extensions: ["png", "md"]) != nil
    let result = try isPictured ? picture(name) : caption(name)
    return isRepeated
      ? "## \(label) \(place) {#\(id)}\n\n\(result)" : "## \(title) {#\(id)}\n\n\(program.introduction)\n\n\(result)"
  }

  /// The name of the tier in the heading of a repeated section.
  private var place: String { ["imagenet": "on photographs", "paper": "on ImageNet"][tier] ?? "on \(tier)" }

  /// `Figure 2` of `Figure 2: mosaics of four classes`.
  private var label: Substring { title.prefix { $0 != ":" } }

  /// The picture `result`, `fig4-sequence`, with its caption; of a table that was written as text, the text.
  func picture(_ result: String) throws -> String {
    if let path = results.path(result, tier: tier, extensions: ["md"]) {
      return "::: {.result}\n\nTable: \(try caption(result))\n\n\(try results.text(at: path).trimmed)\n\n:::"
    }
    let path = try results.existingPath(result, tier: tier, extensions: ["png"])
    return "![\(try caption(result))](\(path)){alt=\"\(title.replacing("\"", with: ""))\"}"
  }

  /// The title, the description, the command that made the result, and links to its numbers. A part has the title that
  /// the program gives it in a line `//: ## part: title`, and a description in lines `//: > …` below it. The label of a
  /// picture on photographs says so: that on scenes has its number too.
  private func caption(_ result: String) throws -> String {
    let part = String(result.dropFirst(name.count).drop { $0 == "-" })
    let place = tier == "imagenet" ? " \(place)" : ""
    let label = "\(label)\(number(of: part))\(place)"
    let title =
      part.isEmpty
      ? "\(label)\(title.dropFirst(self.label.count))"
      : program.parts[part].map { "\(label): \($0)" } ?? "\(label), \(part)"
    let end = title.hasSuffix("?") ? "" : "."
    let data = try results.existingPath(result, tier: tier, extensions: ["json", "csv", "png"])
    let stem = (data as NSString).deletingPathExtension
    let provenance = try Provenance(results.value("\(stem).provenance.json", tier: tier))
    let links = ["json", "csv"].map { "\(stem).\($0)" }
      .filter { FileManager.default.fileExists(atPath: "\(results.root)/\($0)") }
      .map { "[`\(($0 as NSString).lastPathComponent)`](\($0)){.data}" }
    let numbers = links.isEmpty ? "." : "; numbers: \(links.joined(separator: ", "))."
    let description = program.descriptions[part].map { " \($0)" } ?? ""
    return "**\(title)\(end)**\(description) [\(provenance.markdown)\(numbers)]{.made}"
  }

  /// What tells a result from others of the same experiment: `.2` for the first part of Figure 4. Nothing if there are no
  /// others.
  private func number(of part: String) -> String {
    let told =
      [""]
      + program.orderedParts.filter { results.path("\(name)-\($0)", tier: tier, extensions: ["png", "md"]) != nil }
    guard told.count > 1, let place = told.firstIndex(of: part) else { return "" }
    return ".\(place + 1)"
  }

  /// The place in the program, as `(line, anchor)`, that hands over the field with the last name of `path`; if there is
  /// none, the one of the name before.
  func place(of path: ValuePath) -> (line: Int, anchor: String)? {
    for name in path.names.reversed() {
      if let line = program.line(handingOver: name), let chunk = program.chunk(of: line) {
        return (line, "\(blockID(chunk))-\(line)")
      }
    }
    return nil
  }

  private func blockID(_ chunk: Int) -> String { "\(name)-cell\(chunk)" }

  /// The whole program, which the typesetting folds away or moves to the end, with each cell's output under it.
  func listing(id: String) throws -> String {
    let cells = try program.chunks.enumerated().flatMap { place, chunk in
      switch chunk {
      case .prose(let text): [text]
      case .code(let code, let first):
        [LiterateProgram.fenced(code, from: first, id: blockID(place))]
          + (try output(of: code, from: first, section: id))
      }
    }
    let others = try otherFiles.enumerated().map { place, path in
      "`\(path)`:\n\n\(LiterateProgram.fenced(try results.text(at: path), id: "\(name)-file\(place)"))"
    }
    return """
      ::: {.program #\(id)-program label="\(label)" file="Experiments/\(name)/main.swift"}

      \((cells + others).joined(separator: "\n\n"))

      :::
      """
  }

  /// The lines that a cell printed, and links to the figures that it wrote.
  private func output(of code: String, from first: Int, section: String) throws -> [String] {
    let lines = first..<first + code.split(separator: "\n", omittingEmptySubsequences: false).count
    let printed = try printedLines().filter { lines.contains($0.line) }.map(\.text).joined(separator: "\n")
    // Calls of a program's own function that writes a part are calls too; its declaration stands for the figure.
    let calls = code.split(separator: #/[. ]write\(/#, omittingEmptySubsequences: false).dropFirst()
    let parts = calls.map { call in
      call.hasPrefix("film") ? "film" : call.firstMatch(of: #/part: "([a-z-]+)"/#).map { String($0.output.1) }
    }
    var pictures: [String] = []
    for part in parts {
      let stem = name + (part.map { "-\($0)" } ?? "")
      guard let picture = results.path(stem, tier: tier, extensions: ["png"]), !pictures.contains(picture) else {
        continue
      }
      pictures.append(picture)
    }
    guard !printed.isEmpty || !pictures.isEmpty else { return [] }
    let text = printed.isEmpty ? [] : ["```\n\(printed)\n```"]
    let links = pictures.map { "[`\($0)`](#\(section)){.drawn picture=\"\($0)\"}" }.joined(separator: ", ")
    return ["::: {.output}\n\n\((text + [links]).joined(separator: "\n\n"))\n\n:::"]
  }

  private func printedLines() throws -> [(line: Int, text: String)] {
    guard let path = results.path(name, tier: tier, extensions: ["json"]),
      case .record(let fields) = try results.value(path, tier: tier), case .list(let lines)? = fields["printed"]
    else { return [] }
    return try lines.map { line in
      (Int(try Selection("line").number(in: line)), try ValuePath("text").values(in: line).first?.plain ?? "")
    }
  }
}
