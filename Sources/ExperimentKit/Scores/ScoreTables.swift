import Attribution
import Faithfulness
import Plotting

/// A mean of a network under a metric, with its interval and what the paper publishes of it.
private protocol TabulatedEntry {
  var model: String { get }
  var metric: String { get }
  var mean: Double? { get }
  var low: Double? { get }
  var high: Double? { get }
  var publishedMean: Double? { get }
  /// What its row is called.
  var rowTitle: String { get }
}

extension ScoreEntry: TabulatedEntry {
  fileprivate var rowTitle: String { abbreviation }
}

extension DifferenceEntry: TabulatedEntry {
  fileprivate var rowTitle: String { pair }
}

extension ScoreBook {
  /// Explainers by metrics, a block for each network: means, the best of a block in bold, below them their intervals,
  /// and in grey what the paper publishes for its network of the same family.
  public func table(_ entries: [ScoreEntry]) -> Table {
    table(entries, rows: "Explainer") { text, entry, metric, column in
      let rivals = column.filter { Method(rawValue: $0.explainer) != nil }.compactMap(\.mean)
      let best = Self.best(rivals, metric.metric().direction)
      return Table.Cell(text, isBold: best != nil && entry?.mean == best)
    }
  }

  /// Pullbacks less their gradient twins by metrics, a block for each network.
  public func table(_ entries: [DifferenceEntry]) -> Table {
    table(entries, rows: "Difference") { text, entry, _, _ in
      switch entry?.favours {
      case .pullback: .bold(text)
      case .gradient: Table.Cell(text + " †")
      case .neither, nil: Table.Cell(text)
      }
    }
  }

  /// Of every block's columns `cell` makes the cells, from the printed mean and the entry, of which there may be none.
  private func table<Entry: TabulatedEntry>(
    _ entries: [Entry], rows title: String, cell: (String, Entry?, MetricName, [Entry]) -> Table.Cell
  ) -> Table {
    let metrics = networks.flatMap(\.metrics).uniqued
    let reported = metrics.filter { metric in
      entries.contains { $0.metric == metric.rawValue && $0.publishedMean != nil }
    }
    var rows: [Table.Row] = []
    for scores in networks {
      let block = entries.filter { $0.model == scores.model }
      rows.append(.heading(heading(scores, isBesidePublished: block.contains { $0.publishedMean != nil })))
      let columns = metrics.map { metric in block.filter { $0.metric == metric.rawValue } }
      let formats = columns.map { NumberFormat($0.compactMap(\.mean)) }
      let printed = columns.map { NumberFormat($0.compactMap(\.publishedMean)) }
      for name in block.map(\.rowTitle).uniqued {
        let found = columns.map { column in column.first { $0.rowTitle == name } }
        let here = found.indices.map { cell(formats[$0](found[$0]?.mean), found[$0], metrics[$0], columns[$0]) }
        let there = reported.map { metric -> Table.Cell in
          let place = metrics.firstIndex(of: metric)!
          return .muted(found[place]?.publishedMean.map(printed[place].callAsFunction) ?? "")
        }
        rows.append(.cells([Table.Cell(name)] + here + there))
        rows.append(.notes([""] + found.indices.map { Self.interval(found[$0]?.low, found[$0]?.high, formats[$0]) }))
      }
    }
    return Table(
      [.init(title, .left)] + (metrics + reported).map { .init($0.heading) }, rows,
      groups: groups(measured: metrics.count, published: reported.count), gap: 9)
  }

  /// Over a block: the network, and whose published figures stand beside.
  public func heading(_ scores: StoredScores, isBesidePublished: Bool) -> String {
    guard isBesidePublished, let published = scores.published else { return scores.title }
    return "\(scores.title) (published: \(published.title), other images)"
  }

  /// What stands over the columns of a table in which the paper's figures stand beside; nothing where they do not.
  public func groups(_ leading: Int = 1, measured: Int, published: Int) -> [Table.Group] {
    published == 0
      ? []
      : [
        .init("", columns: leading), .init("Measured here", columns: measured),
        .init("Published", columns: published),
      ]
  }

  /// The best of some scores; nil if they are fewer than two.
  public static func best(_ means: [Double], _ direction: Direction) -> Double? {
    guard means.count > 1 else { return nil }
    return means.dropFirst().reduce(means[0]) { direction.prefers($1, to: $0) ? $1 : $0 }
  }

  private static func interval(_ low: Double?, _ high: Double?, _ format: NumberFormat) -> String {
    low == nil || high == nil ? "" : "[\(format(low)), \(format(high))]"
  }
}

extension Sequence where Element: Hashable {
  /// Every element once, in the order of appearance.
  public var uniqued: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}

extension [ScoreBook] {
  /// Pairs of explainers by the metrics of all runs, a block for each network: mean differences, marked where one of the
  /// two is better after correction.
  public func table(_ comparisons: [PairedComparison]) -> Table {
    let metrics = flatMap(\.networks).flatMap(\.metrics).uniqued
    var rows: [Table.Row] = []
    for scores in self[0].networks {
      let block = comparisons.filter { $0.model == scores.model }
      rows.append(.heading(scores.title))
      let formats = metrics.map { metric in
        NumberFormat(block.filter { $0.metric == metric.rawValue }.compactMap(\.mean))
      }
      for reference in block.map(\.reference).uniqued {
        for explainer in block.filter({ $0.reference == reference }).map(\.explainer).uniqued {
          let cells = zip(metrics, formats).map { metric, format -> Table.Cell in
            let found = block.first {
              $0.reference == reference && $0.explainer == explainer && $0.metric == metric.rawValue
            }
            guard let found, found.mean != nil else { return Table.Cell("–") }
            let mark = [.better: " ▲", .worse: " ▼"][found.verdict] ?? ""
            return Table.Cell(format(found.mean) + mark, isBold: found.verdict == .better)
          }
          let title = "\(Entrant.abbreviation(of: explainer)) − \(Entrant.abbreviation(of: reference))"
          rows.append(.cells([Table.Cell(title)] + cells))
        }
      }
    }
    return Table([.init("Difference", .left)] + metrics.map { .init($0.heading) }, rows, gap: 7)
  }
}
