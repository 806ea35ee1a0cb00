import Pullbacks

/// Whether the largest value lies on the object, 1 or 0: that of the absolute mean over the channels; of several
/// largest ones any counts.
///
/// The object is where its mask is at least one half. Source: Zhang et al. 2018 (arXiv 1608.00507), as Quantus 0.6.0.
public struct PointingGame: MapMetric {
  public init() {}

  public let name = "pointing-game"
  public let title = "Pointing"
  public let direction = Direction.higher
  public let category = Category.localisation
  public let citation = "Zhang et al. 2018, arXiv 1608.00507"
  public let formula = "1 if the largest |a| lies on the object, else 0"
  public let needsMask = true

  public func score(_ map: Tensor, of sample: Sample) -> Score {
    guard let object = sample.objectPlaces else { return Score(.noMask) }
    let values = map.channelMeans.map(abs)
    guard let largest = values.max(), largest > 0 else { return Score(.zeroAttribution) }
    return Score(values.indices.contains { values[$0] == largest && object[$0] } ? 1 : 0)
  }
}

extension Sample {
  /// Whether each pixel lies on the object; nil without a mask, or if no pixel does.
  var objectPlaces: [Bool]? {
    guard let mask else { return nil }
    let places = mask.scalars.map { $0 >= 0.5 }
    return places.contains(true) ? places : nil
  }
}
