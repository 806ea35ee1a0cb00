import Pullbacks

/// How few values carry an explanation: the Gini index of `|a| / max |a| + 1e-7`, in `[0, 1)`.
///
/// Quantus divides a whole batch by its largest value, and the small constant then weighs differently from batch to
/// batch; here every image is divided by its own, which is what Quantus computes for a batch of one. Source: Chalasani
/// et al. 2020 (arXiv 1810.06583), as Quantus 0.6.0.
public struct Sparseness: MapMetric {
  public init() {}

  public let name = "sparseness"
  public let title = "Sparseness"
  public let direction = Direction.higher
  public let category = Category.complexity
  public let citation = "Chalasani et al. 2020, arXiv 1810.06583"
  public let formula = "gini(|a| / max |a| + 1e-7)"

  public func score(_ map: Tensor, of sample: Sample) -> Score {
    var values = map.values(magnitudes: true)
    guard let largest = values.max(), largest > 0 else { return Score(.zeroAttribution) }
    values = values.map { $0 / largest + 1e-7 }.sorted()
    let count = Double(values.count)
    var (weighted, total) = (0.0, 0.0)
    for (index, value) in values.enumerated() {
      weighted += (2 * Double(index + 1) - count - 1) * value
      total += value
    }
    return Score(weighted / (count * total))
  }
}
