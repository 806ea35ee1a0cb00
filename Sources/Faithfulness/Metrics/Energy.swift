import Pullbacks

/// The share of the explanation's squares, over all channels, that lies on the object or on its diagnostic parts, in
/// `[0, 1]`.
///
/// Soft masks weigh the squares. What a uniform map scores is the area's share of the image.
/// Source: Wang et al. 2020 (arXiv 1910.01279), the energy-based pointing game, with squares and masks for boxes.
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

  public func score(_ map: Tensor, of sample: Sample) -> Score {
    guard let mask = mask(of: sample), mask.contains(where: { $0 > 0 }) else { return Score(.noMask) }
    var (inside, total) = (0.0, 0.0)
    map.withUnsafeBuffer { map in
      for place in map.indices {
        let energy = Double(map[place]) * Double(map[place])
        total += energy
        inside += energy * mask[place % mask.count]
      }
    }
    return total > 0 ? Score(inside / total) : Score(.zeroAttribution)
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
