import Attribution
import Faithfulness

/// How an explainer's scores differ from another's on the same images, tested and corrected for the number of
/// comparisons made.
public struct PairedComparison: Encodable, Sendable {
  public let model: String
  public let explainer: String
  /// What it is compared with.
  public let reference: String
  public let metric: String
  /// The mean difference over images that both have a score for, explainer less reference; where good scores are near
  /// zero, of their magnitudes. Nil, like its interval, without such images.
  public let mean: Double?
  /// The 95 % bootstrap interval of the mean, not corrected.
  public let low: Double?
  public let high: Double?
  /// How many images have both scores, and how many do not.
  public let count: Int
  public let undefined: Int
  /// Of the sign-flip test.
  public let pValue: Double?
  /// Corrected by Holm for all comparisons of the table.
  public fileprivate(set) var correctedPValue: Double?
  /// Which has the better scores, if the corrected p-value is below 0.05.
  public fileprivate(set) var verdict = Verdict.undecided

  public enum Verdict: String, Encodable, Sendable { case better, worse, undecided }

  /// Whether the mean difference is to the explainer's advantage.
  fileprivate let isAdvantage: Bool
}

extension [PairedComparison] {
  /// Every comparison, corrected for their number.
  fileprivate var corrected: [PairedComparison] {
    let tested = indices.filter { self[$0].pValue != nil }
    var copy = self
    for (place, value) in zip(tested, holmAdjusted(tested.map { self[$0].pValue! })) {
      copy[place].correctedPValue = value
      if value < 0.05 { copy[place].verdict = self[place].isAdvantage ? .better : .worse }
    }
    return copy
  }
}

extension [ScoreBook] {
  /// Every network's comparisons of the given pairs under every metric of all runs, corrected for the number of them all.
  ///
  /// - Parameter pairs: names of explainers.
  /// - Throws: `PullbackError` if the scores of single images cannot be read.
  public func comparisons(_ pairs: [(explainer: String, reference: String)]) throws -> [PairedComparison] {
    try flatMap(\.networks).flatMap { try $0.comparisons(pairs) }.corrected
  }
}

extension StoredScores {
  fileprivate func comparisons(_ pairs: [(explainer: String, reference: String)]) throws -> [PairedComparison] {
    let scores = try imageScores()
    let bootstrap = Bootstrap(seed: description.seed)
    return metrics.flatMap { metric in
      let direction = metric.metric().direction
      func values(_ explainer: String) -> [Double] {
        let values = scores[[explainer, metric.rawValue]] ?? []
        return direction == .nearerZero ? values.map(abs) : values
      }
      return pairs.compactMap { explainer, reference -> PairedComparison? in
        let (own, other) = (values(explainer), values(reference))
        guard !own.isEmpty, own.count == other.count else { return nil }
        let differences = zip(own, other).map { $0 - $1 }.filter { !$0.isNaN }
        let interval = bootstrap.interval(ofMean: differences)
        let mean = differences.isEmpty ? nil : differences.reduce(0, +) / Double(differences.count)
        return PairedComparison(
          model: model, explainer: explainer, reference: reference, metric: metric.rawValue, mean: mean,
          low: interval?.low, high: interval?.high, count: differences.count,
          undefined: own.count - differences.count,
          pValue: signFlipPValue(differences, seed: description.seed),
          isAdvantage: mean.map { direction == .higher ? $0 > 0 : $0 < 0 } ?? false)
      }
    }
  }
}
