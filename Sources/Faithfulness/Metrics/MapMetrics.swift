import Attribution
import Pullbacks

/// Whether the largest value lies on the object, 1 or 0: that of the absolute mean over the channels; of several
/// largest ones the share that does. (Quantus lets any of them count.)
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
  public let requirement = InputRequirement.pictures

  public func score(_ map: Tensor, of sample: Sample) -> Score {
    guard let object = sample.objectPlaces else { return Score(.noMask) }
    guard object.contains(false) else { return Score(.wholeImage) }
    let values = map.channelMeans.map(abs)
    guard let largest = values.max(), largest > 0 else { return Score(.zeroAttribution) }
    let places = values.indices.filter { values[$0] == largest }
    return Score(Double(places.count { object[$0] }) / Double(places.count))
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
  public let requirement = InputRequirement.pictures

  public func score(_ map: Tensor, of sample: Sample) -> Score {
    guard let object = sample.objectPlaces else { return Score(.noMask) }
    guard object.contains(false) else { return Score(.wholeImage) }
    let values = map.channelMeans.map(abs)
    let total = values.reduce(0, +)
    guard total > 0 else { return Score(.zeroAttribution) }
    return Score(zip(values, object).reduce(0) { $0 + ($1.1 ? $1.0 : 0) } / total)
  }
}

/// Let k be the object's number of pixels. The metric is the share of the k largest values that lie on the object, in
/// `[0, 1]`; values are the absolute means over the channels. Ties at the k-th value count fractionally, which is the
/// mean over all orders of ties. (Quantus takes ties in the order of the pixels.)
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
  public let requirement = InputRequirement.pictures

  public func score(_ map: Tensor, of sample: Sample) -> Score {
    guard let object = sample.objectPlaces else { return Score(.noMask) }
    guard object.contains(false) else { return Score(.wholeImage) }
    let values = map.channelMeans.map(abs)
    guard values.contains(where: { $0 > 0 }) else { return Score(.zeroAttribution) }
    let size = object.count { $0 }
    let order = ranking(of: values, ascending: false)
    let least = values[Int(order[size - 1])]
    let above = order.filter { values[Int($0)] > least }
    let tied = order.filter { values[Int($0)] == least }
    func hits(_ places: [Int32]) -> Double { Double(places.count { object[Int($0)] }) }
    return Score((hits(above) + hits(tied) * Double(size - above.count) / Double(tied.count)) / Double(size))
  }
}

/// The share of the explanation's energy that lies on the object or on its diagnostic parts, see
/// ``energyShare(of:within:)``.
///
/// A uniform map scores the area's share of the image. Source: Wang et al. 2020 (arXiv 1910.01279), the energy-based
/// pointing game, with squares and masks for boxes.
public struct Energy: MapMetric {
  public enum Region: String, Sendable {
    case object
    /// The parts without which the class cannot be told.
    case diagnosticParts = "diagnostic-parts"
  }

  public let region: Region

  public init(_ region: Region) { self.region = region }

  public var name: String { region == .object ? "energy-object" : "energy-diagnostic" }
  public var title: String { region == .object ? "Energy obj." : "Energy diag." }
  public let direction = Direction.higher
  public let category = Category.localisation
  public let citation = "Wang et al. 2020, arXiv 1910.01279"
  public var formula: String {
    "sum_M a^2 / sum a^2, M the \(region == .object ? "object" : "object's diagnostic parts")"
  }
  public let caveat: String? = "A uniform map scores the area's share of the image."
  public let needsMask = true
  public let requirement = InputRequirement.pictures

  public func score(_ map: Tensor, of sample: Sample) -> Score {
    guard let mask = mask(of: sample), mask.contains(where: { $0 > 0 }) else { return Score(.noMask) }
    guard mask.contains(where: { $0 < 1 }) else { return Score(.wholeImage) }
    return energyShare(of: map, within: mask).map { Score($0) } ?? Score(.zeroAttribution)
  }

  private func mask(of sample: Sample) -> [Double]? {
    switch region {
    case .object: return sample.mask?.doubles
    case .diagnosticParts:
      let masks = sample.parts.filter(\.isDiagnostic).map(\.mask.doubles)
      guard let first = masks.first else { return nil }
      // Parts meet in antialiased edges, where their sum is at most 1 up to rounding.
      return first.indices.map { place in min(1, masks.reduce(0) { $0 + $1[place] }) }
    }
  }
}

/// The concentration of an explanation on few values: the Gini index of `|a| / max |a| + 1e-7`, in `[0, 1)`.
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
