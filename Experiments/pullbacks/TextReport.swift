import ExperimentKit
import Failures
import Foundation
import Text

/// Explanations of texts as one web page: the texts with their words shaded, each word's share, and all it takes to
/// compute them again.
struct TextReport {
  /// A text is some kilobytes of the page.
  private static let maximumCount = 2000

  let records: [TextCommand.Record]
  let model: TextModel
  let seed: UInt64

  /// Throws if a page would become too large for a browser.
  static func check(texts: Int) throws {
    guard texts <= maximumCount else {
      throw PullbackError(
        .usage, "--report", "\(texts) texts are too many for one page, expected at most \(maximumCount)",
        advice: "take fewer")
    }
  }

  func write(to path: String) throws {
    let page = ReportPage(
      title: "What \((model.path as NSString).lastPathComponent) read", articles: records.map(article),
      origin: try origin())
    try AtomicFile.write(text: page.html().text, to: path)
  }

  private func article(_ record: TextCommand.Record) -> HTML {
    let explanation = record.explanation
    let pieces = explanation.pieces()
    let words = zip(pieces, ShadedText(pieces).colors).map { piece, color -> HTML in
      let space: HTML = piece.follows ? " " : ""
      guard let color, let share = piece.value else { return "\(space)\(piece.text)" }
      let style = "background: \(Self.css(color)); color: \(Self.css(color.readableInk))"
      return "\(space)<span class=\"word\" style=\"\(style)\" title=\"\(Self.number(share))\">\(piece.text)</span>"
    }
    let rows = explanation.words.map { word in ReportPage.row(word.text, "\(Self.number(word.share))") }
    return """
      <article class="image">
      <h2>\(record.caption)</h2>
      <p class="text">\(HTML(words))</p>
      <details><summary>Shares of the words</summary>
      <table>\(HTML(rows))</table></details>
      </article>

      """
  }

  private func origin() throws -> HTML {
    let method = records[0].explanation.method
    var rows = [
      ReportPage.row("Command", "<pre>\(ReportPage.command)</pre>"),
      ReportPage.row("Model", "<code>\(PathText.shown(model.path))</code>"),
      ReportPage.row("Parameters' SHA-256", "<code>\(try model.sha256.joined(separator: " "))</code>"),
      ReportPage.row("Method", "\(method.rawValue)"), ReportPage.row("Seed", "\("\(seed)")"),
      ReportPage.row("Versions", "\(ReportPage.versions)"),
      ReportPage.row(
        "Shades",
        """
        Red speaks for what is explained, blue against it; each text goes by its own largest share. A word's share is \
        the sum over its tokens, a token's the product of its embedding and of what is pulled back to it.
        """),
    ]
    for (name, value) in records[0].explanation.settings.sorted(by: { $0.key < $1.key }) {
      rows.append(ReportPage.row(name, "\(value)"))
    }
    return "<table>\(HTML(rows))</table>"
  }

  private static func number(_ value: Double) -> String { String(format: "%+.4f", value) }

  private static func css(_ color: Color) -> String {
    "rgb(" + [color.red, color.green, color.blue].map { "\(Int(($0 * 255).rounded()))" }.joined(separator: " ") + ")"
  }
}
