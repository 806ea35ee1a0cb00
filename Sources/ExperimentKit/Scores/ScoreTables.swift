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
  /// `n = 49` where it is over fewer images than there are; else empty.
  var countNote: String { get }
}

extension ScoreEntry: TabulatedEntry {
  fileprivate var rowTitle: String { abbreviation }
  public var countNote: String { CountNote.text(count, of: count + undefined) }
}

extension DifferenceEntry: TabulatedEntry {
  fileprivate var rowTitle: String { pair }
  public var countNote: String { CountNote.text(count, of: count + (lacking ?? 0)) }
}

extension PairedComparison {
  fileprivate var countNote: String { CountNote.text(count, of: count + undefined) }
}

/// How tables and figures say that a mean is over fewer images than there are: those that have a score.
public enum CountNote {
  /// `n = 49`; empty where all of them have a score.
  public static func text(_ count: Int, of total: Int) -> String { count < total ? "n = \(count)" : "" }

  /// Below a table of scores; nil where every image has all of them.
  ///
  /// - Parameter entries: of all cells.
  public static func footnote(_ entries: [ScoreEntry]) -> String? {
    let reasons = entries.flatMap { $0.reasons ?? [] }.uniqued
    guard entries.contains(where: { $0.undefined > 0 }) else { return nil }
    return "n: the images that have a score, where some have none" + (reasons.isEmpty ? "" : ": ")
      + reasons.joined(separator: "; ") + "."
  }

  /// Below a table of differences, by whether a pair lacks a score somewhere.
  static func footnote(ofDifferences isLacking: Bool) -> String? {
    isLacking ? "n: the images that have both scores, where some do not." : nil
  }
}

extension ScoreBook {
  /// For a figure's credit line: which of its means are over fewer images than there are; empty where none is.
  ///
  /// - Parameter metrics: that the figure shows; nil is all.
  public func missingScores(_ metrics: [MetricName]? = nil) -> String {
    let short = networks.flatMap { scores in
      scores.entries.filter { entry in
        entry.undefined > 0 && (metrics.map { $0.contains { $0.rawValue == entry.metric } } ?? true)
      }.map { (scores, $0) }
    }
    guard !short.isEmpty else { return "" }
    let named = short.prefix(4).map { scores, entry in
      "\(scores.title), \(entry.abbreviation), \(entry.metric): \(entry.count) of \(entry.count + entry.undefined)"
    }
    let more = short.count > 4 ? "; and \(short.count - 4) more" : ""
    let reasons = short.flatMap { $0.1.reasons ?? [] }.uniqued.joined(separator: "; ")
    return " Means over fewer images, where some have no score (\(reasons)): \(named.joined(separator: "; "))\(more)."
  }
}

extension ScoreBook {
  /// Explainers by metrics, a block for each network: means, the best of a block in bold, below them their intervals,
  /// and in grey what the paper publishes for its network of the same family.
  public func table(_ entries: [ScoreEntry]) -> Table {
    table(entries, rows: "Explainer", footnote: CountNote.footnote(entries)) { text, entry, metric, column in
      let rivals = column.filter { Method(rawValue: $0.explainer) != nil }.compactMap(\.mean)
      let best = Self.best(rivals, metric.metric().direction)
      return Table.Cell(text, isBold: best != nil && entry?.mean == best)
    }
  }

  /// Pullbacks less their gradient twins by metrics, a block for each network.
  public func table(_ entries: [DifferenceEntry]) -> Table {
    let footnote = CountNote.footnote(ofDifferences: entries.contains { $0.lacking != nil })
    return table(entries, rows: "Difference", footnote: footnote) { text, entry, _, _ in
      switch entry?.favours {
      case .pullback: .bold(text)
      case .gradient: Table.Cell(text + " †")
      case .neither, nil: Table.Cell(text)
      }
    }
  }

  /// Of every block's columns `cell` makes the cells, from the printed mean and the entry, of which there may be none.
  private func table<Entry: TabulatedEntry>(
    _ entries: [Entry], rows title: String, footnote: String?,
    cell: (String, Entry?, MetricName, [Entry]) -> Table.Cell
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
        rows.append(
          .notes(
            [""]
              + zip(found, formats).map { entry, format in
                [Self.interval(entry?.low, entry?.high, format), entry?.countNote ?? ""].filter { !$0.isEmpty }
                  .joined(separator: ", ")
              }))
      }
    }
    return Table(
      [.init(title, .left)] + (metrics + reported).map { .init($0.heading) }, rows,
      groups: groups(measured: metrics.count, published: reported.count), gap: 9, footnote: footnote)
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
          let found = metrics.map { metric in
            block.first { $0.reference == reference && $0.explainer == explainer && $0.metric == metric.rawValue }
          }
          let cells = zip(found, formats).map { found, format -> Table.Cell in
            guard let found, found.mean != nil else { return Table.Cell("–") }
            let mark = [.better: " ▲", .worse: " ▼"][found.verdict] ?? ""
            return Table.Cell(format(found.mean) + mark, isBold: found.verdict == .better)
          }
          let title = "\(Entrant.abbreviation(of: explainer)) − \(Entrant.abbreviation(of: reference))"
          rows.append(.cells([Table.Cell(title)] + cells))
          let counts = found.map { $0?.countNote ?? "" }
          if counts.contains(where: { !$0.isEmpty }) { rows.append(.notes([""] + counts)) }
        }
      }
    }
    return Table(
      [.init("Difference", .left)] + metrics.map { .init($0.heading) }, rows, gap: 7,
      footnote: CountNote.footnote(ofDifferences: comparisons.contains { $0.undefined > 0 }))
  }
}
