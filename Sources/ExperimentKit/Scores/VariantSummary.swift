import Faithfulness

/// A summary of a network's variants by training and temperature, for the file beside a figure.
public struct VariantSummary: Encodable, Sendable {
  /// The results of training under a condition, by seed.
  public struct Condition: Encodable, Sendable {
    public let condition: String
    public let normScale: Double
    public let noise: Double
    /// The accuracies by seed, like the following properties.
    public let accuracies: [Double]
    public let medianScales: [Double]
    /// The released temperature of ReLUs in units of the median spread of what they take.
    public let temperatures: [Double]
  }

  /// The scores of an explainer under a metric.
  public struct Scores: Encodable, Sendable {
    public let explainer: String
    public let metric: String
    public let direction: String
    /// The mean over the seeds, by condition; nil where no image has a score, like what follows.
    public let means: [Double?]
    /// The best of the means less the worst, without a sign: what the choice of a condition is worth.
    public let acrossConditions: Double?
    /// The largest less the smallest of one condition's seeds, the mean over conditions: what chance is worth.
    public let acrossSeeds: Double?
    /// The number of undefined scores, over all seeds and conditions; nil if there are none.
    public let undefined: Int?
  }

  public let model: String
  /// The number of scenes in the scores.
  public let images: Int
  public let seeds: [UInt64]
  /// The number of scenes that each network was trained on, and the number of epochs.
  public let trainingScenes: Int
  public let epochs: Int
  /// The checkpoints' digests, by seed and condition.
  public let checkpoints: [String]
  public let conditions: [Condition]
  public let scores: [Scores]
}

extension VariantScores {
  public var summary: VariantSummary {
    let conditions = TrainingCondition.allCases
    let recipe = description.variants[0].recipe
    func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
    func range(_ values: [Double]) -> Double { values.isEmpty ? .nan : values.max()! - values.min()! }
    return VariantSummary(
      model: network.rawValue, images: description.scores.images.count, seeds: records(.smallNoisy).map(\.seed),
      trainingScenes: recipe.epochs * recipe.epochScenes, epochs: recipe.epochs,
      checkpoints: description.variants.map(\.checkpointSHA256),
      conditions: conditions.map { condition in
        let records = records(condition)
        return .init(
          condition: condition.rawValue, normScale: condition.normScale, noise: condition.noise,
          accuracies: records.map(\.accuracy), medianScales: records.map(\.medianScale),
          temperatures: records.map(\.relativeTemperature))
      },
      scores: description.scores.explainers.map(\.name).flatMap { explainer in
        VariantExplainer.metrics.map { metric in
          let seeds = conditions.map { means($0, explainer, metric) }
          let averages = seeds.map(\.average)
          return .init(
            explainer: explainer, metric: metric.rawValue, direction: metric.metric().direction.rawValue,
            means: averages.map(finite), acrossConditions: finite(range(averages)),
            acrossSeeds: finite(seeds.map(range).average), undefined: undefined(explainer, metric))
        }
      })
  }
}

extension [Double] {
  /// The mean; NaN of none.
  public var average: Double { reduce(0, +) / Double(count) }
}
