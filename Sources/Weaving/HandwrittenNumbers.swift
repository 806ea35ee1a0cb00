import Failures

/// Finds decimals and percentages that were typed into a template rather than quoted from a result file.
///
/// Exempt are settings and definitions, which stand in formulas, and what is not prose: code, the addresses of links,
/// citations and comments.
enum HandwrittenNumbers {
  /// - Throws: `PullbackError` with file and line for the first.
  static func refuse(in template: String, file: String) throws {
    let exempt =
      #/(?s)\{\{.*?\}\}|```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$]+\$|\]\([^)]*\)|<!--.*?-->|\[-?@[^\]]*\]/#
    let prose = template.replacing(exempt) { match in String(match.output.map { $0 == "\n" ? "\n" : " " }) }
    for (index, line) in prose.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if let match = line.firstMatch(of: #/\d+\.\d+|\d\s?%/#) {
        throw PullbackError(
          .usage, "\(file):\(index + 1)", "the number \(match.output) is not quoted from a result file",
          advice: "write {{file:path|format}}; settings belong in a formula, versions in code")
      }
    }
  }
}
