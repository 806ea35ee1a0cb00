import Pullbacks

/// The share of the explanation that lies on the object: the sum of the absolute mean over the channels, on the object
/// over everywhere, in `[0, 1]`.
///
/// Source: Arras et al. 2022 (arXiv 2003.07258), relevance mass accuracy as Quantus 0.6.0.
public struct MassAccuracy: MapMetric {
  public init() {}

  public let name = "mass-accuracy"
  public let title = "Mass Acc."
  public let direction = Direction.higher
  public let category = Category.localisation
  public let citation = "Arras et al. 2022, arXiv 2003.07258"
  public let formula = "sum_M |a| / sum |a|, M the object"
  public let needsMask = true

  public func score(_ map: Tensor, of sample: Sample) -> Score {
    guard let object = sample.objectPlaces else { return Score(.noMask) }
    let values = map.channelMeans.map(abs)
    let total = values.reduce(0, +)
    guard total > 0 else { return Score(.zeroAttribution) }
    return Score(zip(values, object).reduce(0) { $0 + ($1.1 ? $1.0 : 0) } / total)
  }
}
