import Pullbacks

/// Whether values with more attribution leave the network less certain: Spearman's correlation, over steps of values in
/// ascending order of their absolute attribution, between the step's sum and the mean of `(p' - p)^2 / p^2`, p the
/// softmax probability of the target and p' that with the step replaced by one random value, several draws.
///
/// Where p is below 1e-12 the factor 1/p^2 is 1. Source: Nguyen & Martinez 2020 (arXiv 2007.07584), as Quantus 0.6.0.
/// v6: 48 steps and values `U(-1, 1)`; v5: 12 steps and `U(0, 1)`. Random numbers: `monotonicity-correlation`, one draw
/// per step, the same for every explainer.
public struct MonotonicityCorrelation: RankedPerturbationMetric {
  public var steps = 48
  public var draws = 10
  public var lowest: Float = -1

  public init() {}

  public let name = "monotonicity-correlation"
  public let title = "Mono. Corr."
  public let direction = Direction.higher
  public let category = Category.faithfulness
  public let citation = "Nguyen & Martinez 2020, arXiv 2007.07584"
  public let formula = "spearman over steps S in ascending order of |a| of (sum_S |a|, mean of (p' - p)^2 / p^2)"
  public var settings: [String: String] { ["steps": "\(steps)", "draws": "\(draws)", "lowest": "\(lowest)"] }

  public func count(for shape: [Int]) -> Int { Steps.count(shape.reduce(1, *), steps) * draws }

  public func trial(of sample: Sample, ranking map: Tensor, seed: UInt64) -> Trial {
    let values = map.values(magnitudes: true)
    let steps = Steps(values, ascending: true, steps: steps)
    let draws = draws
    let replacements = (0..<steps.count).map { step in
      RandomStream(seed: seed, "monotonicity-correlation", image: sample.index, draw: step).uniforms([draws]).scalars
        .map { lowest + (1 - lowest) * $0 }
    }
    return Trial(
      count: steps.count * draws,
      perturb: { index, image in
        let value = replacements[index / draws][index % draws]
        for place in steps[index / draws] { image[Int(place)] = value }
      },
      score: { _, clean, responses in
        let p = clean.probability
        let factor = p < 1e-12 ? 1 : 1 / (p * p)
        let uncertainties = (0..<steps.count).map { step in
          let changes = responses[step * draws..<(step + 1) * draws].map { ($0.probability - p) * ($0.probability - p) }
          return changes.reduce(0, +) / Double(draws) * factor
        }
        return Score(spearman, ofAttributions: steps.sums(values), responses: uncertainties)
      })
  }
}
