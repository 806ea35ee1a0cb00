import ArgumentParser
import ExperimentKit
import Failures
import Foundation
import Weaving

/// Weaves the write-up's template into a document of Pandoc's Markdown, for `make paper` to typeset.
struct Weave: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Weave a template with the experiments' programs, figures and numbers into Markdown for Pandoc.")

  @Argument(help: "The template, from the repository's folder, which is the current one.")
  var template = "paper/paper.md"

  @Option(help: "The document.")
  var output = ".build/paper/paper.md"

  func run() throws {
    do {
      let document = try Weaver(template: template, root: FileManager.default.currentDirectoryPath)()
      try makeFolder((output as NSString).deletingLastPathComponent)
      try AtomicFile.write(text: document.markdown, to: output)
      let absent = document.absent.joined(separator: ", ")
      print("weave: \(output)" + (absent.isEmpty ? "" : "; no results of \(absent)"))
    } catch {
      exitReporting(error, from: "weave")
    }
  }
}

Weave.main()
