import Kernels

/// What is computed from a network's parameters once, when evaluation first wants it: batch norms as maps
/// `scale x + shift`, and weights in the form that their convolution runs fastest on.
final class Prepared: Sendable {
  /// A batch norm with constant statistics.
  struct Norm: Sendable {
    let scale, shift: Tensor
    /// Mean and reciprocal deviation, as a backward pass reads them.
    let statistics: [Tensor]
  }

  private let graph: Graph
  private let values: [[Tensor]]
  private let norms = Locked<[Int: Norm]>([:])
  private let weights = Locked<[Int: Tensor?]>([:])

  init(_ graph: Graph, values: [[Tensor]]) {
    self.graph = graph
    self.values = values
  }

  /// The constants of the batch norm at node `index`.
  func norm(_ index: Int) -> Norm {
    norms.withLock { known in
      if let found = known[index] { return found }
      let made = (graph.nodes[index].operation as! BatchNorm).frozen(values[index])
      known[index] = made
      return made
    }
  }

  /// The transformed weight of the convolution at node `index`; nil where it runs on the weight as it is, and for
  /// other layers.
  func transformedWeight(_ index: Int) -> Tensor? {
    guard let convolution = graph.nodes[index].operation as? Convolution else { return nil }
    return weights.withLock { known in
      if let found = known[index] { return found }
      let made = convolution.transformedWeight(
        values[index][0], input: graph.nodes[graph.nodes[index].inputs[0]].shape, output: graph.nodes[index].shape)
      known[index] = made
      return made
    }
  }
}
