import Foundation
import Imaging

/// Why a figure is not as its golden: a page in one file, to be opened in any browser.
struct FailureReport {
  let title: String
  let problems: [String]
  let expected: Picture?
  let actual: Picture?

  /// Expected, actual, their difference and the two by turns, as far as there are both and of one size.
  func html() throws -> String {
    var parts = ["<ul>\(problems.map { "<li>\(Self.escaped($0))</li>" }.joined())</ul>"]
    if let expected, let actual {
      let (before, after) = (try Self.image(expected), try Self.image(actual))
      if PictureDifference(expected, actual) != nil {
        let difference = try Self.image(PictureDifference.amplified(actual, expected))
        parts.append(Self.panel("Expected and actual by turns", "<div class=blink>\(before)\(after)</div>"))
        parts.append(Self.panel("Difference, eight times as strong", difference))
      }
      parts.append(Self.panel("Expected", before))
      parts.append(Self.panel("Actual", after))
    } else if let actual {
      parts.append(Self.panel("Actual", try Self.image(actual)))
    }
    return """
      <!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">
      <title>\(Self.escaped(title))</title>
      <style>
      body { font: 15px/1.4 sans-serif; margin: 2em; background: #eee } h2 { font-size: 1em; margin: 1.5em 0 .5em }
      img { max-width: 100%; background: #fff; display: block } .blink { position: relative }
      .blink img + img { position: absolute; inset: 0; animation: blink 1.2s step-end infinite }
      @keyframes blink { 50% { opacity: 0 } } li { font-family: monospace }
      </style>
      <h1>\(Self.escaped(title))</h1>
      \(parts.joined(separator: "\n"))

      """
  }

  private static func panel(_ title: String, _ content: String) -> String { "<h2>\(title)</h2>\n\(content)" }

  private static func image(_ picture: Picture) throws -> String {
    "<img alt=\"\" src=\"data:image/png;base64,\(Data(try picture.pngBytes()).base64EncodedString())\">"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
  }
}
