import Digests
import ExperimentKit
import Foundation

/// The page of a report: what all of them have around their articles. It asks for nothing from elsewhere.
struct ReportPage {
  let title: HTML
  /// Above the articles.
  var controls: HTML = ""
  /// The script of the controls; nil if there are none.
  var script: String?
  let articles: [HTML]
  /// All it takes to compute it again.
  let origin: HTML

  func html() throws -> HTML {
    let script = HTML(markup: self.script.map { "\n\($0)\n" } ?? "")
    let digest = try Array(script.text.utf8).withUnsafeBytes { try sha256Base64($0) }
    let allowed: HTML = self.script == nil ? "'none'" : "'sha256-\(digest)'"
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      \(HTML(markup: Signature.metaTag))
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
      style-src 'unsafe-inline'; script-src \(allowed)">
      <title>\(title)</title>
      <style>
      \(HTML(markup: ReportAssets.style))
      </style>
      </head>
      <body>
      <h1>\(title)</h1>
      \(controls)<main>
      \(HTML(articles))
      </main>
      <h2>How this was made</h2>
      \(origin)
      \(self.script == nil ? "" : "<script>\(script)</script>\n" as HTML)</body>
      </html>

      """
  }

  /// A line of a table.
  static func row(_ name: String, _ value: HTML) -> HTML {
    "<tr><th scope=\"row\">\(name)</th><td>\(value)</td></tr>\n"
  }

  static var versions: String {
    ([("pullbacks", packageVersion)] + LibraryVersions.all.sorted { $0.key < $1.key })
      .map { "\($0.0) \($0.1)" }.joined(separator: "; ")
  }

  /// The command as it would be typed into a shell.
  static var command: String { shellCommand(Array(CommandLine.arguments.dropFirst())) }
}
