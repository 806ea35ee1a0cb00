import Synchronization

/// Batch norms in evaluation as maps `scale x + shift`, prepared when a network is first run.
final class PreparedNorms: Sendable {
  struct Constants: Sendable {
    let scale, shift: Tensor
    /// Mean and reciprocal deviation, as a backward pass reads them.
    let statistics: [Tensor]
  }

  private let graph: Graph
  private let values: [[Tensor]]
  private let constants = Mutex<[Int: Constants]>([:])

  init(_ graph: Graph, values: [[Tensor]]) {
    self.graph = graph
    self.values = values
  }

  /// The constants of the batch norm at node `index`.
  func norm(_ index: Int) -> Constants {
    constants.withLock { known in
      if let found = known[index] { return found }
      let made = (graph.nodes[index].operation as! BatchNorm).frozen(values[index])
      known[index] = made
      return made
    }
  }
}
