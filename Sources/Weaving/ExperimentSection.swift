import Failures
import Foundation

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
