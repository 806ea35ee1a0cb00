import Pullbacks

/// How fast the target's logit falls when values are replaced by the image's minimum, in descending order of their
/// attribution and cumulatively: the area under the curve by the trapezoid rule, steps a unit apart. The series is the
/// curve.
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
    let steps = Steps(map.doubles, ascending: false, steps: steps)
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
