import Pullbacks

/// Whether an explanation knows what the network would miss: Spearman's correlation, over the visible parts of the
/// object, between the share of the absolute attribution that lies on a part and f(x) - f(x without the part).
///
/// The series holds the shares and then the falls of f, so that parts of many images can be ranked together
/// (``pooledRankCorrelation(_:)``). A part is visible if its mask is not zero everywhere.
/// Source: this package; the known pictures without a part are what Scenes are for.
public struct CounterfactualConsistency: SharedPerturbationMetric {
  public init() {}

  public let name = "counterfactual-consistency"
  public let title = "Counterf. Cons."
  public let direction = Direction.higher
  public let category = Category.faithfulness
  public let citation = "this package"
  public let formula = "spearman over parts P of (sum_P |a| / sum |a|, f(x) - f(x without P))"
  public let caveat: String? = "Needs a picture without each part, which scenes have."
  public let needsMask = true

  public func trial(of sample: Sample, seed: UInt64) -> Trial {
    let parts = sample.parts.filter { !$0.mask.isZero }
    return Trial(
      count: parts.count,
      perturb: { index, image in
        parts[index].imageWithout.withUnsafeBuffer { _ = image.update(fromContentsOf: $0) }
      },
      score: { map, clean, responses in
        guard !parts.isEmpty else { return Score(.noMask) }
        let magnitudes = map.values(magnitudes: true)
        let total = magnitudes.reduce(0, +)
        guard total > 0 else { return Score(.zeroAttribution) }
        let shares = parts.map { part in
          let mask = part.mask.doubles
          return magnitudes.indices.reduce(0) { $0 + magnitudes[$1] * mask[$1 % mask.count] } / total
        }
        let falls = responses.map { clean.logit - $0.logit }
        let series = shares + falls
        guard parts.count > 1 else { return Score(.tooFewParts, series: series) }
        let score = Score(spearman, ofAttributions: shares, responses: falls)
        return score.undefined.map { Score($0, series: series) } ?? Score(score.value, series: series)
      })
  }
}
