import Faithfulness
import Pullbacks

/// The places in a scene that speak for the class: the shares of the positive part of an attribution, see
/// `positiveShare(of:within:)`. An attribution that knew nothing of the scene would have the mask's share of the frame.
public struct PartShares: Codable, Sendable {
  /// Inside the object.
  public let object: Double
  /// Inside its diagnostic parts together.
  public let diagnostic: Double

  /// - Parameters:
  ///   - attribution: the attribution of one scene, `(1, 3, H, W)`.
  ///   - object, diagnostic: coverages, `(1, 1, H, W)` in 0...1.
  /// - Returns: nil where nothing is positive.
  public init?(_ attribution: Tensor, object: Tensor, diagnostic: Tensor) {
    func share(_ mask: Tensor) -> Double? { positiveShare(of: attribution, within: mask.scalars.map(Double.init)) }
    guard let object = share(object), let diagnostic = share(diagnostic) else { return nil }
    self.init(object: object, diagnostic: diagnostic)
  }

  public init(object: Double, diagnostic: Double) { (self.object, self.diagnostic) = (object, diagnostic) }

  /// The mean of several.
  public static func mean(_ shares: [PartShares]) -> PartShares {
    let count = Double(max(1, shares.count))
    return PartShares(
      object: shares.reduce(0) { $0 + $1.object } / count,
      diagnostic: shares.reduce(0) { $0 + $1.diagnostic } / count)
  }
}
