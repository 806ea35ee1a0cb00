import Pullbacks

/// A map of standard normal noise, which knows neither the image nor the network: what a metric makes of it is chance.
///
/// Random numbers: those of its name, the same for every class. Cost: no pass.
public struct RandomMap: Explainer {
  public let name: String

  public init(name: String) { self.name = name }

  public var settings: [String: String] { ["values": "standard normal"] }
  public func cost(for graph: Graph) -> Cost { Cost(forward: 0, backward: 0) }

  public func explain(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let shape = [1] + x.shape.dropFirst()
    let maps = (0..<x.shape[0]).map { context.noise.normals(name, image: context.firstImage + $0, draw: 0, shape) }
    return selectors.map { _ in Tensor(batching: maps) }
  }
}
