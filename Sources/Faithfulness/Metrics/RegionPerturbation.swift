import Pullbacks

/// How fast the target's logit falls when the cells of a grid are replaced by the image's minimum, in descending order
/// of their attribution and cumulatively: the area under `f(x) - f(x')` by the trapezoid rule, steps a unit apart. The
/// series is the curve.
///
/// Source: Samek et al. 2017 (arXiv 1509.06321), as Quantus 0.6.0 (most relevant first).
public struct RegionPerturbation: RankedPerturbationMetric {
  /// Cells in a row: 14 are patches of 16 pixels in images of 224.
  public var cells = 14
  /// How many cells are replaced.
  public var regions = 100
  public var replacement = Replacement.minimum

  public init() {}

  public let name = "region-perturbation"
  public let title = "Region Pert."
  public let direction = Direction.higher
  public let category = Category.faithfulness
  public let citation = "Samek et al. 2017, arXiv 1509.06321"
  public let formula = "area under f(x) - f(x with the first k cells in descending order of a replaced) over k"
  public let caveat: String? = "In units of the logit: compare explainers on one network."
  public var settings: [String: String] {
    ["cells": "\(cells)", "regions": "\(regions)", "replacement": replacement.rawValue]
  }

  public func count(for shape: [Int]) -> Int { min(regions, cells * cells) }

  public func trial(of sample: Sample, ranking map: Tensor, seed: UInt64) -> Trial {
    let grid = Grid(shape: sample.shape, cells: cells)
    let values = map.doubles
    let order = ranking(of: grid.sums { values[$0] }, ascending: false)
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
