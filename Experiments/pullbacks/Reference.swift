import ArgumentParser
import ExperimentKit
import Failures

/// Writes the pages of the documentation that the code's own tables are the text of; `make docs` runs it.
struct Reference: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a page of documentation for every rule, explainer and metric.",
    discussion: "Example: pullbacks reference --output pages", shouldDisplay: false)

  @Option(help: ArgumentHelp("Where the pages go, as Markdown for DocC.", valueName: "folder"))
  var output: String

  func run() throws {
    try makeFolder(output)
    let pages = try ExplainerPages.pages() + RulePages.pages() + MetricPages.pages()
    for page in pages { try AtomicFile.write(text: page.text, to: "\(output)/\(page.name).md") }
    print("\(output): \(pages.count) pages")
  }
}

/// One article.
struct Page {
  /// The name of the file, without its ending, and of links to it.
  let name: String
  let text: String

  /// - Parameters:
  ///   - abstract: the sentence under the title.
  ///   - facts: headings with their text; those without text are left out.
  init(_ name: String, title: String, abstract: String, facts: [(String, String?)]) {
    self.name = name
    let sections = facts.compactMap { heading, text in text.map { "\n## \(heading)\n\n\($0)\n" } }
    self.text = "# \(title)\n\n\(abstract)\n\(sections.joined())"
  }

  /// A page that lists others.
  init(_ name: String, title: String, abstract: String, listing pages: [Page]) {
    self.init(
      name, title: title, abstract: abstract,
      facts: [("Topics", "### Pages\n\n" + pages.map { "- <doc:\($0.name)>" }.joined(separator: "\n"))])
  }

  static func code(_ text: String) -> String { "```\n\(text)\n```" }

  static func table(_ header: [String], _ rows: [[String]]) -> String {
    ([header, header.map { _ in "---" }] + rows).map { row in
      "| " + row.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }.joined(separator: "\n")
  }
}
