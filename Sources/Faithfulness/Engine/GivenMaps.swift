import Attribution
import Pullbacks

/// Maps that were computed elsewhere, in the place of an explainer.
public struct GivenMaps: Explainer {
  public let name: String
  public let settings: [String: String]
  /// `(N, C, H, W)`; sample i's is the i-th.
  public let maps: Tensor

  /// - Parameter digest: what tells these maps from others, for records.
  public init(_ maps: Tensor, name: String = "given", digest: String) {
    self.maps = maps
    self.name = name
    settings = ["maps": digest]
  }

  public func cost(for graph: Graph) -> Cost { Cost(forward: 0, backward: 0) }

  /// Throws: only the maps at hand are known.
  public func explain(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    throw PullbackError(.usage, name, "maps that were computed elsewhere cannot be computed at other inputs")
  }
}
