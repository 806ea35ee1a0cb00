import Pullbacks

/// Whether values with more attribution matter more: Pearson's correlation, over steps of values in descending order of
/// their attribution, between the step's sum of attribution and f(x) - f(x with the step alone replaced).
///
/// Source: Alvarez Melis & Jaakkola 2018 (arXiv 1806.07538), as Quantus 0.6.0. v6: absolute attributions, replaced by
/// 0; v5: signed, replaced by the image's minimum.
public struct FaithfulnessEstimate: RankedPerturbationMetric {
  public var steps = 48
  public var replacement = Replacement.zero
  public var takesMagnitudes = true

  public init() {}

  public let name = "faithfulness-estimate"
  public let title = "Faith. Est."
  public let direction = Direction.higher
  public let category = Category.faithfulness
  public let citation = "Alvarez Melis & Jaakkola 2018, arXiv 1806.07538"
  public let formula = "pearson over steps S in descending order of a of (sum_S a, f(x) - f(x with S replaced))"
  public var settings: [String: String] {
    ["steps": "\(steps)", "replacement": replacement.rawValue, "magnitudes": "\(takesMagnitudes)"]
  }

  public func count(for shape: [Int]) -> Int { Steps.count(shape.reduce(1, *), steps) }

  public func trial(of sample: Sample, ranking map: Tensor, seed: UInt64) -> Trial {
    let values = map.values(magnitudes: takesMagnitudes)
    let steps = Steps(values, ascending: false, steps: steps)
    let replaced = replacement.value(for: sample.image)
    return Trial(
      count: steps.count,
      perturb: { step, image in for place in steps[step] { image[Int(place)] = replaced } },
      score: { _, clean, responses in
        Score(pearson, ofAttributions: steps.sums(values), responses: responses.map { clean.logit - $0.logit })
      })
  }
}
