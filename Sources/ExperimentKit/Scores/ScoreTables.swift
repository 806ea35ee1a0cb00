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
  var publishedLow: Double? { get }
  var publishedHigh: Double? { get }
  /// The mark behind the published mean.
  var publishedMark: String { get }
  /// The title of its row.
  var rowTitle: String { get }
  /// The number of images in the mean, and the number of those left out.
  var count: Int { get }
  var undefined: Int { get }
}

extension TabulatedEntry {
  fileprivate var countText: String { countNote(count, of: count + undefined) }
}

extension ScoreEntry: TabulatedEntry {
  fileprivate var publishedLow: Double? { nil }
  fileprivate var publishedHigh: Double? { nil }
  fileprivate var publishedMark: String { "" }
  fileprivate var rowTitle: String { abbreviation }
}

extension PairedComparison: TabulatedEntry {
  fileprivate var publishedMark: String { publishedVerdict?.mark ?? "" }
  fileprivate var rowTitle: String { pair }
}

extension PairedComparison.Verdict {
  /// The mark behind a mean.
  public var mark: String {
    switch self {
    case .better: " ▲"
    case .worse: " ▼"
    case .undecided: ""
    }
  }
}

/// The note that a mean is over fewer images than there are, those that have a score: `n = 49`; empty if all have one.
private func countNote(_ count: Int, of total: Int) -> String { count < total ? "n = \(count)" : "" }

extension ScoreEntry {
  /// `n = 49` where not all images have a score; else empty.
  public var countNote: String { countText }
}

extension [ScoreEntry] {
  /// Below a table of these scores: what `n` is, and why images have none; nil where every image has all of them.
  public var footnote: String? {
    guard contains(where: { $0.undefined > 0 }) else { return nil }
    let reasons = flatMap { $0.reasons ?? [] }.uniqued.joined(separator: "; ")
    return "n: the images that have a score, where some have none" + (reasons.isEmpty ? "." : ": \(reasons).")
  }
}

extension ScoreBook {
  /// For a figure's credit line: which of the means are over fewer images than there are; empty where none is.
  public var missingScores: String {
    let short = networks.flatMap { scores in
      scores.entries.filter { $0.undefined > 0 }.map { (title: scores.title, entry: $0) }
    }
    guard !short.isEmpty else { return "" }
    let named = short.prefix(4).map { title, entry in
      "\(title), \(entry.abbreviation), \(entry.metric): \(entry.count) of \(entry.count + entry.undefined)"
    }
    let more = short.count > named.count ? "; and \(short.count - named.count) more" : ""
    let reasons = short.flatMap { $0.entry.reasons ?? [] }.uniqued.joined(separator: "; ")
    return " Means over fewer images, where some have no score (\(reasons)): \(named.joined(separator: "; "))\(more)."
  }
}

extension ScoreBook {
  /// Explainers by metrics, a block for each network: means, those of the ``StoredScores/leaders()`` in bold, below
  /// them their intervals, and in grey what the paper publishes for its network of the same family.
  ///
  /// - Throws: `PullbackError` if the scores of single images cannot be read.
  public func table(_ entries: [ScoreEntry]) throws -> Table {
    let leaders = try networks.reduce(into: [:]) { $0[$1.model] = try $1.leaders() }
    return Self.table(entries, of: networks, rows: "Explainer", footnote: entries.footnote) { text, entry, metric, _ in
      Table.Cell(text, isBold: entry.flatMap { leaders[$0.model]?[metric]?.contains($0.explainer) } ?? false)
    }
  }

  /// The meaning of numbers in ``table(_:)``, for a figure's credit line.
  public static let meaning =
    "Mean and 95 % bootstrap interval; bold: the best mean of a block, and those whose difference from it on the same "
    + "images has an interval that holds zero."

  fileprivate static func table<Entry: TabulatedEntry>(
    _ entries: [Entry], of networks: [StoredScores], rows title: String, footnote: String?,
    cell: (String, Entry?, MetricName, [Entry]) -> Table.Cell
  ) -> Table {
    let metrics = networks.flatMap(\.metrics).uniqued
    let reported = metrics.filter { metric in
      entries.contains { $0.metric == metric.rawValue && $0.publishedMean != nil }
    }
    var rows: [Table.Row] = []
    for model in networks.map(\.model).uniqued {
      let block = entries.filter { $0.model == model }
      rows.append(
        .heading(
          heading(
            networks.first { $0.model == model }!, isBesidePublished: block.contains { $0.publishedMean != nil })))
      let columns = metrics.map { metric in block.filter { $0.metric == metric.rawValue } }
      let formats = columns.map { NumberFormat($0.compactMap(\.mean)) }
      let printed = columns.map { NumberFormat($0.compactMap(\.publishedMean)) }
      for name in block.map(\.rowTitle).uniqued {
        let found = columns.map { column in column.first { $0.rowTitle == name } }
        let here = found.indices.map { cell(formats[$0](found[$0]?.mean), found[$0], metrics[$0], columns[$0]) }
        let there = reported.map { metric -> Table.Cell in
          let place = metrics.firstIndex(of: metric)!
          guard let entry = found[place], let mean = entry.publishedMean else { return .muted("") }
          return .muted(printed[place](mean) + entry.publishedMark)
        }
        rows.append(.cells([Table.Cell(name)] + here + there))
        let intervals = zip(found, formats).map { entry, format in
          [interval(entry?.low, entry?.high, format), entry?.countText ?? ""].filter { !$0.isEmpty }
            .joined(separator: ", ")
        }
        let publishedIntervals = reported.map { metric -> String in
          let place = metrics.firstIndex(of: metric)!
          return interval(found[place]?.publishedLow, found[place]?.publishedHigh, printed[place])
        }
        let isWithIntervals = publishedIntervals.contains { !$0.isEmpty }
        rows.append(.notes([""] + intervals + (isWithIntervals ? publishedIntervals : [])))
      }
    }
    return Table(
      [.init(title, .left)] + (metrics + reported).map { .init($0.heading) }, rows,
      groups: groups(measured: metrics.count, published: reported.count), gap: 9, footnote: footnote)
  }

  /// Over a block: the network, and whose published figures stand beside.
  public static func heading(_ scores: StoredScores, isBesidePublished: Bool) -> String {
    guard isBesidePublished, let published = scores.published else { return scores.title }
    return "\(scores.title) (published: \(published.title), other images)"
  }

  /// The headings over the columns of a table that also holds the paper's figures; none if it does not.
  public static func groups(_ leading: Int = 1, measured: Int, published: Int) -> [Table.Group] {
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
  /// Pairs of explainers by the metrics of all runs, a block for each network: mean differences, marked where one of
  /// the two is better after correction, below them their intervals, and in grey what the paper publishes.
  public func table(_ comparisons: [PairedComparison]) -> Table {
    let isLacking = comparisons.contains { $0.undefined > 0 }
    let footnote = isLacking ? "n: the images for which both have a score, where some have none." : nil
    return ScoreBook.table(
      comparisons, of: flatMap(\.networks), rows: "Difference", footnote: footnote
    ) { text, entry, _, _ in
      Table.Cell(text + (entry?.correctedVerdict.mark ?? ""), isBold: entry?.correctedVerdict == .better)
    }
  }

  /// The meaning of the marks of ``table(_:)``, for a figure's credit line.
  public static func credit(_ comparisons: [PairedComparison]) -> String {
    let isPublished = comparisons.contains { $0.publishedMean != nil }
    return """
      Mean difference on the same images and its 95 % bootstrap interval; ▲ better and ▼ worse with a p-value of the \
      sign-flip test below 0.05 after Holm's correction for all \(comparisons.count) comparisons. Random logit: of \
      magnitudes.\(isPublished ? " Published: ▲ and ▼ by the published interval." : "")
      """
  }
}
