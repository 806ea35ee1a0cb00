import Attribution
import Foundation

/// The table of a run, explainers by metrics: means and deviations, the best of each column in bold, and what the paper
/// publishes below where it does.
struct Comparison {
  private struct Cell {
    let summary: Summary
    let isBest: Bool
    let published: Published.Value?
  }

  private let description: RunDescription
  private let titles: [(title: String, arrow: String)]
  private let rows: [(name: String, cells: [Cell])]

  init(_ scores: Scores) {
    let description = scores.description
    let summaries = scores.summaries()
    let metrics = description.metrics.map { MetricName(rawValue: $0.name) }
    let version = BenchmarkVersion(rawValue: description.version) ?? .v6
    let best = metrics.indices.map { column in
      metrics[column].flatMap { name in
        Self.best(summaries.map { $0[column].mean }, name.metric(version).direction)
      }
    }
    self.description = description
    titles = zip(description.metrics, metrics).map { item, name in
      name.map { ($0.metric(version).title, $0.metric(version).direction.arrow) } ?? (item.name, "")
    }
    rows = description.explainers.enumerated().map { row, explainer in
      let method = Method(rawValue: explainer.name)
      let cells = metrics.indices.map { column in
        Cell(
          summary: summaries[row][column], isBest: best[column].map { summaries[row][column].mean == $0 } ?? false,
          published: method.flatMap { method in
            metrics[column].flatMap { Published.value($0, of: method, model: description.model, in: version) }
          })
      }
      return (explainer.name, cells)
    }
  }

  private static func best(_ means: [Double], _ direction: Direction) -> Double? {
    let defined = means.filter { !$0.isNaN }
    guard defined.count > 1, var best = defined.first else { return nil }
    for mean in defined where direction.prefers(mean, to: best) { best = mean }
    return best
  }

  private var hasPublished: Bool { rows.contains { $0.cells.contains { $0.published != nil } } }
  private var undefinedCount: Int { rows.reduce(0) { $0 + $1.cells.reduce(0) { $0 + $1.summary.undefined } } }

  private var caption: String {
    var text =
      "\(description.model), protocol \(description.version), \(description.images.count) images, "
      + "seed \(description.seed): mean ± standard deviation over images."
    if hasPublished { text += " In brackets what the paper publishes." }
    if undefinedCount > 0 {
      text += " n: the images that have a score, where some have none; summary.csv counts those and says why."
    }
    return text
  }

  var markdown: String {
    var lines = [
      "| Explainer | " + titles.map { "\($0.title) \($0.arrow)" }.joined(separator: " | ") + " |",
      "|---|" + titles.map { _ in "---:|" }.joined(),
    ]
    for row in rows {
      let cells = row.cells.map { cell in
        let mean = Self.number(cell.summary.mean)
        let text = (cell.isBest ? "**\(mean)**" : mean) + " ± \(Self.number(cell.summary.deviation))"
        let published = cell.published.map { " [\(Self.number($0.mean)) ± \(Self.number($0.deviation))]" }
        return text + Self.count(cell.summary) + (published ?? "")
      }
      lines.append("| \(row.name) | " + cells.joined(separator: " | ") + " |")
    }
    return lines.joined(separator: "\n") + "\n\n\(caption)\n"
  }

  /// A `tabular` for the package `booktabs`.
  var latex: String {
    let arrows = ["↑": "$\\uparrow$", "↓": "$\\downarrow$", "→0": "$\\to 0$"]
    func escaped(_ text: String) -> String { text.replacing("_", with: "\\_").replacing("±", with: "$\\pm$") }
    var lines = [
      "% " + caption.replacing("±", with: "+-"),
      "\\begin{tabular}{l" + String(repeating: "r", count: titles.count) + "}", "\\toprule",
      "Explainer & " + titles.map { "\(escaped($0.title)) \(arrows[$0.arrow] ?? "")" }.joined(separator: " & ")
        + " \\\\",
      "\\midrule",
    ]
    for row in rows {
      let cells = row.cells.map { cell in
        let mean = Self.number(cell.summary.mean)
        let text =
          (cell.isBest ? "\\textbf{\(mean)}" : mean) + " {\\scriptsize$\\pm$\(Self.number(cell.summary.deviation))}"
        return text + Self.count(cell.summary) + (cell.published.map { " [\(Self.number($0.mean))]" } ?? "")
      }
      lines.append(escaped(row.name) + " & " + cells.joined(separator: " & ") + " \\\\")
    }
    return (lines + ["\\bottomrule", "\\end{tabular}"]).joined(separator: "\n") + "\n"
  }

  /// ` (n = 49)` where not all images have a score.
  private static func count(_ summary: Summary) -> String {
    summary.undefined == 0 ? "" : " (n = \(summary.count))"
  }

  /// Three decimals; very large and very small numbers with four digits and an exponent.
  private static func number(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    let isPlain = value == 0 || (0.001..<10_000).contains(abs(value))
    return String(format: isPlain ? "%.3f" : "%.3e", value)
  }
}
