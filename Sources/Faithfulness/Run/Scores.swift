import Attribution
import Pullbacks

/// All scores of a run, or of the parts of one.
public struct Scores: Sendable {
  public let description: RunDescription
  /// The scores, by explainer, metric and image.
  let values: [[[Score]]]

  /// The scores of the run logged in `folder`.
  ///
  /// - Throws: `PullbackError` if the run is not complete.
  public init(in folder: String) throws { try self.init(merging: [folder]) }

  /// The scores of the parts of one run, each logged in a folder.
  ///
  /// - Throws: `PullbackError` if the parts belong to different runs, or one is missing, incomplete or there twice.
  public init(merging folders: [String]) throws {
    guard let first = folders.first else {
      throw PullbackError(.usage, "merge", "expected folders of parts, found none")
    }
    let logs = try folders.map { ($0, try ScoreLog.read(in: $0)) }
    let whole = logs[0].1.description
    var folderOf: [Int: String] = [:]
    for (folder, log) in logs {
      if let difference = log.description.difference(from: whole) {
        throw PullbackError(.data, folder, "belongs to another run than \(first): \(difference)")
      }
      guard log.description.shard.count == whole.shard.count else {
        throw PullbackError(
          .data, folder, "is part \(log.description.shard), while \(first) is part \(whole.shard)")
      }
      if let other = folderOf.updateValue(folder, forKey: log.description.shard.index) {
        throw PullbackError(.data, folder, "is part \(log.description.shard), and so is \(other)")
      }
    }
    for index in 1...whole.shard.count where folderOf[index] == nil {
      throw PullbackError(
        .data, "part \(index)/\(whole.shard.count)", "is missing",
        advice: "compute part \(index) of \(whole.shard.count)")
    }
    var description = whole
    description.shard = .whole
    let empty = [Score?](repeating: nil, count: whole.images.count)
    var values = whole.explainers.map { _ in whole.metrics.map { _ in empty } }
    for (_, log) in logs {
      for entry in log.records.lazy.flatMap(\.entries) {
        values[entry.explainer][entry.metric][entry.image] = Score(entry)
      }
    }
    for (folder, log) in logs {
      let images = log.description.shard.images(of: whole.images.count)
      let done = images.count { image in values.allSatisfy { $0.allSatisfy { $0[image] != nil } } }
      guard done == images.count else {
        throw PullbackError(
          .data, folder, "has \(done) of \(images.count) images", advice: "run the command that began it again")
      }
    }
    self.description = description
    self.values = values.map { $0.map { $0.compactMap { $0 } } }
  }
}

extension Score {
  init(_ entry: ScoreLog.LoggedScore) {
    if let undefined = entry.undefined.flatMap(Undefined.init(rawValue:)) {
      self.init(undefined, series: entry.series ?? [])
    } else {
      self.init(entry.score, series: entry.series ?? [])
    }
  }
}

/// Statistics of an explainer's scores under one metric over all images.
public struct Summary: Equatable, Sendable {
  /// NaN, like the deviation and the median, if no image has a score.
  public let mean: Double
  /// The standard deviation of the population.
  public let deviation: Double
  public let median: Double
  /// The number of images that have a score, and the number of those that have none.
  public let count: Int
  public let undefined: Int
  public let interval: Bootstrap.Interval?
  /// The reasons why images have no score, each with its count.
  public let reasons: String

  init(_ scores: [Score], _ bootstrap: Bootstrap) {
    let values = scores.filter { $0.undefined == nil }.map(\.value)
    count = values.count
    undefined = scores.count - values.count
    let mean = values.isEmpty ? .nan : Faithfulness.mean(values)
    self.mean = mean
    deviation =
      values.isEmpty ? .nan : Faithfulness.mean(values.map { ($0 - mean) * ($0 - mean) }).squareRoot()
    median = values.isEmpty ? .nan : percentile(values.sorted(), 0.5)
    interval = bootstrap.interval(ofMean: values)
    reasons = Undefined.allCases.compactMap { reason in
      let times = scores.count { $0.undefined == reason }
      return times == 0 ? nil : "\(times) x \(reason.rawValue)"
    }.joined(separator: "; ")
  }
}

/// A method's mean difference from its gradient twin, over images that both have a score for.
public struct PairedDifference: Equatable, Sendable {
  public let method: String
  public let twin: String
  public let metric: Int
  public let mean: Double
  public let interval: Bootstrap.Interval?
  public let count: Int
  public let undefined: Int
}

extension Scores {
  var bootstrap: Bootstrap { Bootstrap(seed: description.seed) }

  /// The summaries, by explainer and metric.
  public func summaries() -> [[Summary]] {
    values.map { $0.map { Summary($0, bootstrap) } }
  }

  /// The paper's pairs, SfP - Gradient and so on, as far as both were run.
  public func pairedDifferences() -> [PairedDifference] {
    let names = description.explainers.map(\.name)
    let pairs = names.indices.compactMap { index -> (Int, Int)? in
      guard let twin = Method(rawValue: names[index])?.gradientTwin?.rawValue, let other = names.firstIndex(of: twin)
      else { return nil }
      return (index, other)
    }
    return pairs.flatMap { a, b in
      description.metrics.indices.map { metric in
        let differences = zip(values[a][metric], values[b][metric]).filter {
          $0.undefined == nil && $1.undefined == nil
        }
        .map { $0.value - $1.value }
        return PairedDifference(
          method: names[a], twin: names[b], metric: metric, mean: differences.isEmpty ? .nan : mean(differences),
          interval: bootstrap.interval(ofMean: differences), count: differences.count,
          undefined: values[a][metric].count - differences.count)
      }
    }
  }

  /// The rank correlation over the parts of all images together, by explainer; nil if that metric was not computed.
  func pooledConsistency() -> [(value: Double, interval: Bootstrap.Interval?, parts: Int)]? {
    let name = MetricName.counterfactualConsistency.rawValue
    guard let metric = description.metrics.firstIndex(where: { $0.name == name }) else { return nil }
    return values.map { scores in
      let series = scores[metric].map(\.series)
      return (
        pooledRankCorrelation(series) ?? .nan,
        bootstrap.interval(count: series.count) { images in pooledRankCorrelation(images.map { series[$0] }) },
        series.reduce(0) { $0 + $1.count / 2 }
      )
    }
  }
}
