import Pullbacks
import Scenes

/// Where in a scene an attribution lies.
///
/// The map is the positive part of `sum_c a[c]`, the attribution summed over the colour channels; energy is the share
/// of its sum that a mask of coverages in `[0, 1]` takes in. An attribution that knew nothing of the scene would have
/// the mask's share of the frame.
public struct PartEnergy: Codable, Sendable {
  /// Inside the object.
  public let object: Double
  /// Inside its diagnostic parts together.
  public let diagnostic: Double

  /// - Parameters:
  ///   - attribution: of one scene, `(1, 3, H, W)`.
  ///   - object, diagnostic: coverages, `(1, 1, H, W)` in 0...1.
  /// - Returns: nil where nothing is positive.
  public init?(_ attribution: Tensor, object: Tensor, diagnostic: Tensor) {
    let (values, plane) = (attribution.scalars, object.count)
    let map = (0..<plane).map { p in
      max(0, stride(from: p, to: values.count, by: plane).reduce(0.0) { $0 + Double(values[$1]) })
    }
    let total = map.reduce(0, +)
    guard total > 0 else { return nil }
    func share(_ mask: Tensor) -> Double { zip(map, mask.scalars).reduce(0) { $0 + $1.0 * Double($1.1) } / total }
    self.object = share(object)
    self.diagnostic = share(diagnostic)
  }

  public init(object: Double, diagnostic: Double) { (self.object, self.diagnostic) = (object, diagnostic) }

  /// The mean of several.
  public static func mean(_ energies: [PartEnergy]) -> PartEnergy {
    let count = Double(max(1, energies.count))
    return PartEnergy(
      object: energies.reduce(0) { $0 + $1.object } / count,
      diagnostic: energies.reduce(0) { $0 + $1.diagnostic } / count)
  }
}
