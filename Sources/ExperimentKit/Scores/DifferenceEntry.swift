import Attribution
import Faithfulness

/// The mean difference of a pullback and its gradient twin under one metric, as the file beside a table holds it.
public struct DifferenceEntry: Encodable, Sendable {
  /// Who has the better scores, with the whole 95 % interval on its side of zero.
  public enum Side: String, Encodable, Sendable { case pullback, gradient, neither }

  public let model: String
  public let method: String
  public let twin: String
  /// `SfP − Grad`.
  public let pair: String
  public let metric: String
  /// Nil, like what follows, if no image has both scores.
  public let mean: Double?
  public let low: Double?
  public let high: Double?
  public let count: Int
  /// Neither for metrics whose good scores are near zero: there a difference does not tell.
  public let favours: Side
  public let publishedMean: Double?
  public let publishedLow: Double?
  public let publishedHigh: Double?

  init(_ scores: StoredScores, _ difference: StoredScores.Difference) {
    func number(_ value: Double) -> Double? { value.isFinite ? value : nil }
    let twin = difference.method.gradientTwin
    model = scores.model
    method = difference.method.rawValue
    self.twin = twin?.rawValue ?? ""
    pair = "\(difference.method.abbreviation) − \(twin?.abbreviation ?? "")"
    metric = difference.metric.rawValue
    (mean, low, high) = (number(difference.mean), number(difference.low), number(difference.high))
    count = difference.count
    favours =
      switch difference.metric.metric().direction {
      case .higher: difference.low > 0 ? .pullback : difference.high < 0 ? .gradient : .neither
      case .lower: difference.high < 0 ? .pullback : difference.low > 0 ? .gradient : .neither
      case .nearerZero: .neither
      }
    let published = scores.published.flatMap {
      Published.difference(difference.metric, of: difference.method, model: $0.model)
    }
    (publishedMean, publishedLow, publishedHigh) = (published?.mean, published?.low, published?.high)
  }
}

extension StoredScores {
  /// Every pair under every metric.
  public var differenceEntries: [DifferenceEntry] { differences.map { DifferenceEntry(self, $0) } }
}
