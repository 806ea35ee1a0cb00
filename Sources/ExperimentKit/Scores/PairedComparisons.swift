import Attribution
import Faithfulness

/// The difference of an explainer's scores from another's on the same images, with a verdict by the interval of the
/// mean, one that is corrected for the number of comparisons made, and one by the published interval.
public struct PairedComparison: Encodable, Sendable {
  public let model: String
  public let explainer: String
  /// The explainer that it is compared with.
  public let reference: String
  /// `SfP − Grad`.
  public let pair: String
  public let metric: String
  /// The mean difference over images that both have a score for, explainer less reference; where good scores are near
  /// zero, of their magnitudes. Nil, like its interval, without such images.
  public let mean: Double?
  /// The 95 % bootstrap interval of the mean, not corrected.
  public let low: Double?
  public let high: Double?
  /// The number of images that have both scores, and the number of those that do not.
  public let count: Int
  public let undefined: Int
  /// The explainer with the better scores, if the whole interval lies on one side of zero.
  public let verdict: Verdict
  /// The p-value of the sign-flip test.
  public let pValue: Double?
  /// Corrected by Holm for all comparisons of the table.
  public fileprivate(set) var correctedPValue: Double?
  /// The explainer with the better scores, if the corrected p-value is below 0.05.
  public fileprivate(set) var correctedVerdict = Verdict.undecided
  /// The difference that version 6 of the paper publishes for its network of the same family. Nil if it publishes none,
  /// and if good scores are near zero, since it has no differences of magnitudes.
  public let publishedMean: Double?
  public let publishedLow: Double?
  public let publishedHigh: Double?
  /// The verdict by the published interval, like ``verdict``.
  public let publishedVerdict: Verdict?
  /// Whether high scores of the metric are good ones; no record has it.
  private let isHigherBetter: Bool

  private enum CodingKeys: String, CodingKey {
    case model, explainer, reference, pair, metric, mean, low, high, count, undefined, verdict, pValue, correctedPValue
    case correctedVerdict, publishedMean, publishedLow, publishedHigh, publishedVerdict
  }

  public enum Verdict: String, Encodable, Sendable, CaseIterable {
    /// The explainer has.
    case better
    /// The reference has.
    case worse
    case undecided

    /// - Parameter isHigherBetter: whether differences above zero speak for the explainer.
    init(low: Double?, high: Double?, isHigherBetter: Bool) {
      guard let low, let high, low > 0 || high < 0 else {
        self = .undecided
        return
      }
      self = (low > 0) == isHigherBetter ? .better : .worse
    }
  }

  /// The names of two explainers whose scores of a model under a metric are compared.
  struct Names {
    let model, explainer, reference, pair, metric: String
  }

  /// - Parameters:
  ///   - differences: the differences of the items for which both have a score.
  ///   - items: the number of items.
  ///   - published: the difference that the paper publishes.
  init(
    _ names: Names, isHigherBetter: Bool, _ differences: [Double], of items: Int, _ interval: Bootstrap.Interval?,
    pValue: Double?, published: (mean: Double, low: Double, high: Double)? = nil
  ) {
    model = names.model
    (explainer, reference, metric, pair) = (names.explainer, names.reference, names.metric, names.pair)
    mean = differences.isEmpty ? nil : differences.reduce(0, +) / Double(differences.count)
    (low, high) = (interval?.low, interval?.high)
    (count, undefined) = (differences.count, items - differences.count)
    verdict = Verdict(low: low, high: high, isHigherBetter: isHigherBetter)
    self.pValue = pValue
    (publishedMean, publishedLow, publishedHigh) = (published?.mean, published?.low, published?.high)
    publishedVerdict = published.map { Verdict(low: $0.low, high: $0.high, isHigherBetter: isHigherBetter) }
    self.isHigherBetter = isHigherBetter
  }

  fileprivate init(
    _ scores: StoredScores, _ explainer: String, _ reference: String, _ metric: MetricName, _ differences: [Double],
    images: Int, _ interval: Bootstrap.Interval?, pValue: Double?
  ) {
    let direction = metric.metric().direction
    let isTwin = Method(rawValue: explainer)?.gradientTwin?.rawValue == reference
    let published =
      isTwin && direction != .nearerZero
      ? scores.published.flatMap { Published.difference(metric, of: Method(rawValue: explainer)!, model: $0.model) }
      : nil
    self.init(
      Names(
        model: scores.model, explainer: explainer, reference: reference,
        pair: "\(Entrant.abbreviation(of: explainer)) − \(Entrant.abbreviation(of: reference))",
        metric: metric.rawValue),
      isHigherBetter: direction == .higher, differences, of: images, interval, pValue: pValue,
      published: published.map { ($0.mean, $0.low, $0.high) })
  }

  /// Whether the mean difference is to the explainer's advantage.
  fileprivate var isAdvantage: Bool { mean.map { isHigherBetter ? $0 > 0 : $0 < 0 } ?? false }
}

extension [PairedComparison] {
  /// Every comparison, corrected for their number.
  var corrected: [PairedComparison] {
    let tested = indices.filter { self[$0].pValue != nil }
    var copy = self
    for (place, value) in zip(tested, holmAdjusted(tested.map { self[$0].pValue! })) {
      copy[place].correctedPValue = value
      if value < 0.05 { copy[place].correctedVerdict = self[place].isAdvantage ? .better : .worse }
    }
    return copy
  }

  /// The numbers of comparisons of each network under each metric that end with each verdict.
  public var tallies: [VerdictTally] {
    map { [$0.model, $0.metric] }.uniqued.map { key in
      VerdictTally(filter { $0.model == key[0] && $0.metric == key[1] })
    }
  }
}

/// The numbers of comparisons of a network under a metric that end with each verdict, for the file beside a table.
public struct VerdictTally: Encodable, Sendable {
  public let model: String
  public let metric: String
  public let comparisons: Int
  /// The number of comparisons that are better by the intervals of the means.
  public let better: Int
  public let worse: Int
  public let undecided: Int
  /// After Holm's correction for all comparisons of the table.
  public let correctedBetter: Int
  public let correctedWorse: Int
  public let correctedUndecided: Int
  /// The number of comparisons that are better by the published intervals.
  public let publishedBetter: Int
  public let publishedWorse: Int
  public let publishedUndecided: Int
  /// The number of verdicts by intervals that equal the published ones.
  public let agreeing: Int

  fileprivate init(_ comparisons: [PairedComparison]) {
    func count(_ verdict: PairedComparison.Verdict, _ path: (PairedComparison) -> PairedComparison.Verdict?) -> Int {
      comparisons.count { path($0) == verdict }
    }
    (model, metric) = (comparisons[0].model, comparisons[0].metric)
    self.comparisons = comparisons.count
    better = count(.better, \.verdict)
    worse = count(.worse, \.verdict)
    undecided = count(.undecided, \.verdict)
    correctedBetter = count(.better, \.correctedVerdict)
    correctedWorse = count(.worse, \.correctedVerdict)
    correctedUndecided = count(.undecided, \.correctedVerdict)
    publishedBetter = count(.better, \.publishedVerdict)
    publishedWorse = count(.worse, \.publishedVerdict)
    publishedUndecided = count(.undecided, \.publishedVerdict)
    agreeing = comparisons.count { $0.publishedVerdict == $0.verdict }
  }
}

extension [ScoreBook] {
  /// Every network's comparisons of the given pairs under every metric of all runs, corrected for the number of them
  /// all. Those of a network stand together.
  ///
  /// - Parameter pairs: names of explainers; of two that a run does not have there is no comparison.
  /// - Throws: `PullbackError` if the scores of single images cannot be read.
  public func comparisons(_ pairs: [(explainer: String, reference: String)]) throws -> [PairedComparison] {
    let networks = flatMap(\.networks)
    return try networks.map(\.model).uniqued
      .flatMap { model in try networks.filter { $0.model == model }.flatMap { try $0.comparisons(pairs) } }.corrected
  }

  /// The same of every pullback and its gradient twin.
  public func twinComparisons() throws -> [PairedComparison] {
    try comparisons(
      Method.allCases.compactMap { method in method.gradientTwin.map { (method.rawValue, $0.rawValue) } })
  }

  /// The same of the soft pullback and pullback ascent with every explainer that is no pullback nor the twin of one,
  /// and with chance.
  public func rivalComparisons() throws -> [PairedComparison] {
    let rivals = flatMap(\.networks).flatMap(\.explainers).uniqued.filter { name in
      guard let method = Method(rawValue: name) else { return name == Entrant.chance.name }
      return OrderAgreement.Family.others.contains(method)
    }
    return try comparisons(
      [Method.softPullback, .pullbackAscent].flatMap { method in rivals.map { (method.rawValue, $0) } })
  }
}

extension StoredScores {
  /// Under each metric the explainer with the best mean, and those that the images do not tell from it: the 95 %
  /// bootstrap interval of the mean difference, of magnitudes where good scores are near zero, holds zero. Maps of noise
  /// do not take part. Empty of fewer than two explainers.
  ///
  /// - Throws: `PullbackError` if the scores of single images cannot be read.
  func leaders() throws -> [MetricName: Set<String>] {
    let rivals = explainers.filter { $0 != Entrant.chance.name }
    let best = metrics.compactMap { metric -> (metric: MetricName, explainer: String)? in
      let means = rivals.compactMap { name in self[name, metric].map { (name, $0.mean) } }.filter { !$0.1.isNaN }
      let value = ScoreBook.best(means.map(\.1), metric.metric().direction)
      return means.first { $0.1 == value }.map { (metric, $0.0) }
    }
    let pairs = best.map(\.explainer).uniqued.flatMap { leader in rivals.map { (leader, $0) } }
    let found = try comparisons(pairs)
    return Dictionary(
      uniqueKeysWithValues: best.map { metric, leader in
        let equals = found.filter {
          $0.explainer == leader && $0.metric == metric.rawValue && $0.verdict == .undecided && $0.mean != nil
        }
        return (metric, Set(equals.map(\.reference)))
      })
  }

  fileprivate func comparisons(_ pairs: [(explainer: String, reference: String)]) throws -> [PairedComparison] {
    let scores = try imageScores()
    var found: [(explainer: String, reference: String, metric: MetricName, differences: [Double], images: Int)] = []
    for metric in metrics {
      func values(_ explainer: String) -> [Double]? {
        let values = scores[[explainer, metric.rawValue]]
        return metric.metric().direction == .nearerZero ? values?.map(abs) : values
      }
      for (explainer, reference) in pairs {
        guard let own = values(explainer), let other = values(reference) else { continue }
        found.append((explainer, reference, metric, zip(own, other).map { $0 - $1 }.filter { !$0.isNaN }, own.count))
      }
    }
    let intervals = Bootstrap(seed: description.seed).intervals(ofMeans: found.map(\.differences))
    let pValues = signFlipPValues(found.map(\.differences), seed: description.seed)
    return found.indices.map { place in
      let (explainer, reference, metric, differences, images) = found[place]
      return PairedComparison(
        self, explainer, reference, metric, differences, images: images, intervals[place], pValue: pValues[place])
    }
  }
}
