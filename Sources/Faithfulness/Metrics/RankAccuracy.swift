import Pullbacks

/// Of as many of the largest values as the object has pixels, the share that lies on the object: values are the
/// absolute means over the channels. In `[0, 1]`.
///
/// Source: Arras et al. 2022 (arXiv 2003.07258), relevance rank accuracy as Quantus 0.6.0.
public struct RankAccuracy: MapMetric {
  public init() {}

  public let name = "rank-accuracy"
  public let title = "Rank Acc."
  public let direction = Direction.higher
  public let category = Category.localisation
  public let citation = "Arras et al. 2022, arXiv 2003.07258"
  public let formula = "share of the n largest |a| that lies on the object of n pixels"
  public let needsMask = true

  public func score(_ map: Tensor, of sample: Sample) -> Score {
    guard let object = sample.objectPlaces else { return Score(.noMask) }
    let values = map.channelMeans.map(abs)
    guard values.contains(where: { $0 > 0 }) else { return Score(.zeroAttribution) }
    let size = object.count { $0 }
    let hits = ranking(of: values, ascending: false).prefix(size).count { object[Int($0)] }
    return Score(Double(hits) / Double(size))
  }
}
