import Faithfulness

/// How many of a network's pairs of a pullback and its gradient twin a metric favours, for the file beside a table.
public struct DifferenceTally: Encodable, Sendable {
  public let model: String
  public let metric: String
  /// Pairs whose pullback has the better scores, with the whole interval on its side of zero.
  public let pullback: Int
  /// Those whose gradient has.
  public let gradient: Int
  public let undecided: Int
}

extension StoredScores {
  /// A tally for each metric but those whose good scores are near zero, where a difference does not tell.
  public var differenceTallies: [DifferenceTally] {
    let entries = differenceEntries
    return metrics.filter { $0.metric().direction != .nearerZero }.map { metric in
      func count(_ side: DifferenceEntry.Side) -> Int {
        entries.count { $0.metric == metric.rawValue && $0.favours == side }
      }
      return DifferenceTally(
        model: model, metric: metric.rawValue, pullback: count(.pullback), gradient: count(.gradient),
        undecided: count(.neither))
    }
  }
}
