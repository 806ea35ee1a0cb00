import Pullbacks

/// Attention rollout: how much of each token reaches the class token, if every attention layer mixes tokens as its mean
/// head does and passes half on unchanged.
///
/// `R = A_L ... A_1` with `A_l = (mean head + I) / 2`; the class token's row, without itself, is laid out as the grid
/// of patches and enlarged by nearest neighbours. Without a class token it is the mean of all rows. It explains no
/// class in particular. Source: Abnar & Zuidema 2020 (arXiv 2005.00928). Cost: one forward pass, no backward pass.
public struct AttentionRollout: Explainer {
  public let name: String
  /// - Parameter name: the name of the explainer.
  public init(name: String) { self.name = name }

  public var settings: [String: String] { ["residual": "0.5"] }
  public var requirement: InputRequirement { .pictures }
  public func cost(for graph: Graph) -> Cost { Cost(forward: 1, backward: 0) }

  /// The tokens of a transformer that come from a grid of patches.
  private struct Grid {
    let tokens, rows, columns: Int
    /// The number of tokens before those of the grid.
    var first: Int { tokens - rows * columns }
  }

  /// The attention layers of a graph, each over all tokens of the one before.
  ///
  /// - Throws: `PullbackError` if there are none, or some see other tokens than others (as in a pyramid).
  static func layers(of graph: Graph) throws(PullbackError) -> [Graph.Node] { try stack(of: graph).layers }

  private static func stack(of graph: Graph) throws(PullbackError) -> (layers: [Graph.Node], grid: Grid) {
    let layers = graph.nodes.filter { $0.operation is ScaledDotProductAttention }
    let counts = Set(layers.flatMap { layer in layer.inputs.prefix(2).map { graph.nodes[$0].shape[0] } })
    guard counts.count == 1, let tokens = counts.first, let grid = grid(tokens, of: graph) else {
      throw PullbackError(
        .usage, "attention-rollout", "\(graph.name) has no stack of attention layers over one grid of patches",
        advice: "it is defined for vision transformers")
    }
    return (layers, grid)
  }

  /// The planes of the last node before the attention layers that has one place for each token, but at most one: a
  /// picture's patches before they become tokens. Without such a node the grid is taken to be square.
  private static func grid(_ tokens: Int, of graph: Graph) -> Grid? {
    let attention = graph.nodes.firstIndex { $0.operation is ScaledDotProductAttention } ?? 0
    let planes = graph.nodes[..<attention].map(\.shape).filter { $0.count == 3 }.map { Array($0.dropFirst()) }
    let side = Int(Double(tokens).squareRoot())
    let candidates = planes.reversed() + [[side, side]]
    return candidates.first { (0...1).contains(tokens - $0[0] * $0[1]) }.map {
      Grid(tokens: tokens, rows: $0[0], columns: $0[1])
    }
  }

  private func names(_ layer: Graph.Node, _ graph: Graph) -> [String] {
    layer.inputs.prefix(2).map { graph.nodes[$0].name }
  }

  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan {
    Plan(nodes: try Self.layers(of: network.graph).flatMap { names($0, network.graph) })
  }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let (layers, grid) = try Self.stack(of: network.graph)
    let (tokens, first) = (grid.tokens, grid.first)
    let matrices = layers.enumerated().compactMap { place, layer in
      (layer.operation as? ScaledDotProductAttention)?
        .matrices(queries: found.values[2 * place], keys: found.values[2 * place + 1])
    }
    // The class token alone, if there is one.
    let wanted = first == 1 ? 1 : tokens
    let rows = (0..<x.shape[0]).map { Self.rows(Array(0..<wanted), of: matrices, image: $0) }
    let values = rows.flatMap { rows in
      (first..<tokens).map { token in Float(rows.reduce(0) { $0 + $1[token] } / Double(wanted)) }
    }
    let map = Tensor(shape: [x.shape[0], 1, grid.rows, grid.columns], values).enlarged(to: x.shape)
    return selectors.map { _ in map }
  }

  /// Rows of `A_L ... A_1`, of the matrices `(N, heads, T, T)` of each layer, for one of the N.
  package static func rows(_ wanted: [Int], of layers: [Tensor], image: Int) -> [[Double]] {
    guard let tokens = layers.first?.shape.last else { return [] }
    // From the last layer down: only those that are asked for.
    var rows = wanted.map { row in (0..<tokens).map { $0 == row ? 1.0 : 0.0 } }
    for layer in layers.reversed() {
      let mean = meanHead(layer, image: image)
      rows = rows.map { row in
        var next = row
        for (token, share) in row.enumerated() where share != 0 {
          for other in 0..<tokens { next[other] += share * mean[token * tokens + other] }
        }
        return next.map { $0 / 2 }
      }
    }
    return rows
  }

  private static func meanHead(_ matrices: Tensor, image: Int) -> [Double] {
    let (heads, size) = (matrices.shape[1], matrices.shape[2] * matrices.shape[3])
    var mean = [Double](repeating: 0, count: size)
    matrices.withUnsafeBuffer { matrices in
      for head in image * heads..<(image + 1) * heads {
        for place in 0..<size { mean[place] += Double(matrices[head * size + place]) / Double(heads) }
      }
    }
    return mean
  }
}
