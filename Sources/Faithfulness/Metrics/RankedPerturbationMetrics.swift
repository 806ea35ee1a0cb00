import Attribution
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
    let steps = Steps(values, ascending: false, steps: steps, ties: sample.ties(seed: seed))
    let replaced = replacement.value(for: sample.image)
    return Trial(
      count: steps.count,
      perturb: { step, image in for place in steps[step] { image[Int(place)] = replaced } },
      score: { _, clean, responses in
        Score(pearson, ofAttributions: steps.sums(values), responses: responses.map { clean.logit - $0.logit })
      })
  }
}

/// Whether values with more attribution leave the network less certain: Spearman's correlation, over steps of values in
/// ascending order of their absolute attribution, between the step's sum and the mean of `(p' - p)^2 / p^2`, p the
/// softmax probability of the target and p' that with the step replaced by one random value, several draws.
///
/// If p is below 1e-12, the factor 1/p^2 is 1. Source: Nguyen & Martinez 2020 (arXiv 2007.07584), as Quantus 0.6.0.
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
    let steps = Steps(values, ascending: true, steps: steps, ties: sample.ties(seed: seed))
    let draws = draws
    let replacements = (0..<steps.count).map { step in
      RandomStream(seed: seed, "monotonicity-correlation", image: sample.key, draw: step).uniforms([draws]).scalars
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

/// The speed at which the target's logit falls when values are replaced by the image's minimum, in descending order of
/// their attribution and cumulatively: the area under the curve by the trapezoid rule, steps a unit apart. The series
/// is the curve.
///
/// The scale is the logit's: compare explainers on one network. Source: Bach et al. 2015
/// (doi 10.1371/journal.pone.0130140), as Quantus 0.6.0.
public struct PixelFlipping: RankedPerturbationMetric {
  public var steps = 48
  public var replacement = Replacement.minimum

  public init() {}

  public let name = "pixel-flipping"
  public let title = "Pixel Flip."
  public let direction = Direction.lower
  public let category = Category.faithfulness
  public let citation = "Bach et al. 2015, doi 10.1371/journal.pone.0130140"
  public let formula = "area under f(x with the first k steps in descending order of a replaced) over k"
  public let caveat: String? = "In units of the logit: compare explainers on one network."
  public var settings: [String: String] { ["steps": "\(steps)", "replacement": replacement.rawValue] }

  public func count(for shape: [Int]) -> Int { Steps.count(shape.reduce(1, *), steps) }

  public func trial(of sample: Sample, ranking map: Tensor, seed: UInt64) -> Trial {
    let steps = Steps(map.doubles, ascending: false, steps: steps, ties: sample.ties(seed: seed))
    let value = replacement.value(for: sample.image)
    return Trial(
      count: steps.count,
      perturb: { step, image in
        for earlier in 0...step { for place in steps[earlier] { image[Int(place)] = value } }
      },
      score: { _, _, responses in
        let curve = responses.map(\.logit)
        return Score(area(under: curve, spacing: 1), series: curve)
      })
  }
}

/// The integral of a curve by the trapezoid rule.
func area(under curve: [Double], spacing: Double) -> Double {
  zip(curve, curve.dropFirst()).reduce(0) { $0 + ($1.0 + $1.1) / 2 * spacing }
}

/// The speed at which the target's logit falls when the cells of a grid are replaced by the image's minimum, in
/// descending order of their attribution and cumulatively: the area under `f(x) - f(x')` by the trapezoid rule, steps a
/// unit apart. The series is the curve.
///
/// Source: Samek et al. 2017 (arXiv 1509.06321), as Quantus 0.6.0 (most relevant first).
public struct RegionPerturbation: RankedPerturbationMetric {
  /// Cells in a row: 14 are patches of 16 pixels in images of 224.
  public var cells = 14
  /// The number of cells that are replaced.
  public var regions = 100
  public var replacement = Replacement.minimum

  public init() {}

  public let name = "region-perturbation"
  public let title = "Region Pert."
  public let direction = Direction.higher
  public let category = Category.faithfulness
  public let citation = "Samek et al. 2017, arXiv 1509.06321"
  public let formula = "area under f(x) - f(x with the first k cells in descending order of a replaced) over k"
  public let requirement = InputRequirement.pictures
  public let caveat: String? = "In units of the logit: compare explainers on one network."
  public var settings: [String: String] {
    ["cells": "\(cells)", "regions": "\(regions)", "replacement": replacement.rawValue]
  }

  public func count(for shape: [Int]) -> Int { min(regions, cells * cells) }

  public func trial(of sample: Sample, ranking map: Tensor, seed: UInt64) -> Trial {
    let grid = Grid(shape: sample.shape, cells: cells)
    let values = map.doubles
    let order = ranking(of: grid.sums { values[$0] }, ascending: false, ties: sample.ties(seed: seed))
    let replaced = replacement.value(for: sample.image)
    return Trial(
      count: count(for: sample.shape),
      perturb: { step, image in
        for cell in order[...step] {
          grid.forEachRun(ofCell: Int(cell)) { run in for place in run { image[place] = replaced } }
        }
      },
      score: { _, clean, responses in
        let curve = responses.map { clean.logit - $0.logit }
        return Score(area(under: curve, spacing: 1), series: curve)
      })
  }
}
