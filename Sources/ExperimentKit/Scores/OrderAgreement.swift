import Faithfulness

/// How far a metric puts the explainers into the order that the paper publishes for its network of the same family.
public struct OrderAgreement: Encodable, Sendable {
  public let model: String
  public let metric: String
  /// How many explainers have both means.
  public let explainers: Int
  /// Spearman's rank correlation of the measured means with the published ones, in `[-1, 1]`.
  public let spearman: Double
}

extension StoredScores {
  /// For each metric that prefers high or low scores and of which the paper publishes means.
  public var orderAgreements: [OrderAgreement] {
    let entries = entries
    return metrics.filter { $0.metric().direction != .nearerZero }.compactMap { metric in
      let means = entries.compactMap { entry -> (Double, Double)? in
        guard entry.metric == metric.rawValue, let mean = entry.mean, let published = entry.publishedMean else {
          return nil
        }
        return (mean, published)
      }
      return Faithfulness.spearman(means.map(\.0), means.map(\.1)).map {
        OrderAgreement(model: model, metric: metric.rawValue, explainers: means.count, spearman: $0)
      }
    }
  }
}
