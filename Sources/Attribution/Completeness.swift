import Pullbacks

/// How much of `f(x) - f(baseline)` an attribution accounts for.
///
/// Integrated gradients and DeepLift share the change of the target's value out over the image: in theory, for IG in
/// the limit of many points, nothing is left. How much is left in practice tells how far an attribution can be trusted
/// as an account.
public struct Completeness: Sendable, Equatable {
  /// The sum of the attribution over all values of an image.
  public let sum: Double
  /// The target's value at the image less that at the baseline.
  public let change: Double
  /// What the sum is too large by.
  public var residual: Double { sum - change }
}

extension Explainer {
  /// The completeness of each image's attribution; nil for an explainer without a ``sharedFrom``.
  ///
  /// - Parameters:
  ///   - attribution: what the explainer made of `x` and `selector`.
  ///   - selector: what of each image's output was explained.
  ///   - x: images `(N, C, H, W)`.
  ///   - network: the network that was explained.
  /// - Complexity: one forward pass for each image and one for the baseline.
  public func completeness(
    of attribution: Tensor, for selector: Selector, at x: Tensor, of network: Network
  ) throws(PullbackError) -> [Completeness]? {
    guard let sharedFrom else { return nil }
    let values = try selector.values(of: network(x), of: network)
    let nothing = try network(sharedFrom.tensor(network.graph.inputShape)).repeated(x.shape[0])
    let starts = try selector.values(of: nothing, of: network)
    return values.indices.map { image in
      Completeness(
        sum: attribution.image(image).scalars.reduce(0) { $0 + Double($1) }, change: values[image] - starts[image])
    }
  }
}
