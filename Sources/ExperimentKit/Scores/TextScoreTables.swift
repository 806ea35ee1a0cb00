import Faithfulness
import Plotting
import Sentences
import Text

/// The mean score of an explainer of a model's texts, as the file beside a table has it.
public struct TextScoreEntry: Encodable, Sendable {
  public let model: String
  public let explainer: String
  public let metric: String
  /// Nil is all kinds of texts.
  public let kind: String?
  /// Nil, like its 95 % bootstrap interval, where no text has a score.
  public let mean: Double?
  public let low: Double?
  public let high: Double?
  /// The number of texts that have a score, and the number of those that have none.
  public let count: Int
  public let undefined: Int
}

/// An explainer's share of a word `not` in the sum of all shares' magnitudes.
public struct NegationEntry: Encodable, Sendable {
  public let model: String
  public let explainer: String
  /// The mean where the negation decides, and where it is in the other sentence.
  public let deciding: Double
  public let other: Double
}

extension PlantedMetric {
  /// Over a column.
  var heading: String {
    let arrow = isHigherBetter ? "↑" : "↓"
    return switch self {
    case .energy: "Energy on\nthe words \(arrow)"
    case .pointing: "Pointing\ngame \(arrow)"
    case .sequence: "Sequence\npointing \(arrow)"
    case .comprehensiveness: "Comprehensiveness \(arrow)"
    case .sufficiency: "Sufficiency \(arrow)"
    }
  }
}

extension TextScores {
  /// Every explainer under every metric.
  ///
  /// - Parameter kind: the kind of the texts; nil is all.
  public func entries(of kind: PlantedText.Kind? = nil) -> [TextScoreEntry] {
    let cells = methods.flatMap { method in PlantedMetric.allCases.map { (method, $0) } }
    let values = cells.map { self.values($0.0, $0.1, of: kind) }
    let scored = values.map { $0.filter { !$0.isNaN } }
    let intervals = Bootstrap(seed: description.seed).intervals(ofMeans: scored)
    return cells.indices.map { place in
      let (method, metric) = cells[place]
      let own = scored[place]
      return TextScoreEntry(
        model: model.rawValue, explainer: method.rawValue, metric: metric.rawValue, kind: kind?.rawValue,
        mean: own.isEmpty ? nil : own.reduce(0, +) / Double(own.count), low: intervals[place]?.low,
        high: intervals[place]?.high, count: own.count, undefined: values[place].count - own.count)
    }
  }

  /// The mean shares of negations; none where there are no such texts.
  public var negations: [NegationEntry] {
    methods.compactMap { method in
      let found = rows.filter { $0.method == method && $0.negation != nil }.map { row in
        (SentenceGenerator(seed: description.seed).text(row.kind, row.index).negationDecides!, row.negation!)
      }
      func mean(_ decides: Bool) -> Double? {
        let own = found.filter { $0.0 == decides }.map(\.1)
        return own.isEmpty ? nil : own.reduce(0, +) / Double(own.count)
      }
      guard let deciding = mean(true), let other = mean(false) else { return nil }
      return NegationEntry(model: model.rawValue, explainer: method.rawValue, deciding: deciding, other: other)
    }
  }

  /// The heading of a table's block about the model.
  var heading: String {
    let count = description.texts.values.reduce(0, +)
    return "\(model.title): \(count) texts (\(model.kinds.map(\.rawValue).joined(separator: ", ")))"
  }
}

extension [TextScores] {
  /// Every model's comparisons of the given pairs under every metric, corrected for the number of them all.
  public func comparisons(_ pairs: [(explainer: TextMethod, reference: TextMethod)]) -> [PairedComparison] {
    flatMap { scores -> [PairedComparison] in
      let cells = PlantedMetric.allCases.flatMap { metric in pairs.map { (metric: metric, pair: $0) } }
      let differences = cells.map { cell in
        zip(scores.values(cell.pair.explainer, cell.metric), scores.values(cell.pair.reference, cell.metric))
          .map { $0 - $1 }
      }
      let scored = differences.map { $0.filter { !$0.isNaN } }
      let seed = scores.description.seed
      let intervals = Bootstrap(seed: seed).intervals(ofMeans: scored)
      let pValues = signFlipPValues(scored, seed: seed)
      return cells.indices.map { place in
        let (metric, pair) = cells[place]
        return PairedComparison(
          .init(
            model: scores.model.rawValue, explainer: pair.explainer.rawValue, reference: pair.reference.rawValue,
            pair: "\(pair.explainer.title) − \(pair.reference.title)", metric: metric.rawValue),
          isHigherBetter: metric.isHigherBetter, scored[place], of: differences[place].count, intervals[place],
          pValue: pValues[place])
      }
    }.corrected
  }

  /// Explainers by metrics, a block for each model: means, the best of a block in bold, below them their intervals.
  public func table() -> Table {
    table("Explainer") { scores in
      let entries = scores.entries()
      let best = PlantedMetric.allCases.map { metric in
        let means = entries.filter { $0.metric == metric.rawValue }.compactMap(\.mean)
        return metric.isHigherBetter ? means.max() : means.min()
      }
      return scores.methods.map { method in
        let own = entries.filter { $0.explainer == method.rawValue }
        return (
          method.title,
          zip(own, best).map { entry, best in
            (Table.Cell(decimal3(entry.mean), isBold: entry.mean != nil && entry.mean == best), entry.low, entry.high)
          }
        )
      }
    }
  }

  /// Pairs of explainers by metrics: mean differences, marked where one is better after correction, below them their
  /// intervals.
  public func table(_ comparisons: [PairedComparison]) -> Table {
    table("Difference") { scores in
      let own = comparisons.filter { $0.model == scores.model.rawValue }
      return own.map(\.pair).uniqued.map { pair in
        (
          pair,
          own.filter { $0.pair == pair }.map { found in
            (
              Table.Cell(
                decimal3(found.mean) + found.correctedVerdict.mark, isBold: found.correctedVerdict == .better),
              found.low, found.high
            )
          }
        )
      }
    }
  }

  private func table(
    _ title: String, rows: (TextScores) -> [(title: String, cells: [(cell: Table.Cell, low: Double?, high: Double?)])]
  ) -> Table {
    var lines: [Table.Row] = []
    for scores in self {
      lines.append(.heading(scores.heading))
      for row in rows(scores) {
        lines.append(.cells([Table.Cell(row.title)] + row.cells.map(\.cell)))
        lines.append(
          .notes(
            [""]
              + row.cells.map { cell in
                cell.low == nil ? "" : "[\(decimal3(cell.low)), \(decimal3(cell.high))]"
              }))
      }
    }
    return Table(
      [.init(title, .left)] + PlantedMetric.allCases.map { .init($0.heading) }, lines, gap: 9,
      footnote: footnote)
  }

  /// The number of undefined scores, in words; nil if there are none.
  private var footnote: String? {
    let undefined = flatMap { $0.entries().filter { $0.undefined > 0 } }.map { entry in
      "\(entry.explainer), \(entry.metric): \(entry.undefined)"
    }
    return undefined.isEmpty
      ? nil : "Texts without a score, as no share is positive: \(undefined.joined(separator: "; "))."
  }
}

private func decimal3(_ value: Double?) -> String { value.map { decimal($0, places: 3) } ?? "–" }
