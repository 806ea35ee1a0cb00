import Pullbacks

/// Which layers of a network lose what they have learned. A layer is a node with learnable parameters.
///
/// A matrix or kernel becomes `U(-1, 1) / sqrt(fan-in)`, and so does the bias beside it; the scale of a normalisation
/// becomes 1, its shift 0 and its running statistics those of a standard normal input: PyTorch's own initialisation.
/// Random numbers: `randomisation/<parameter>`, the same in both orders.
public enum RandomisationOrder: String, Sendable, CaseIterable {
  /// From the output downwards, every layer above staying random.
  case cascading
  /// One layer at a time.
  case independent

  /// The layers that are random at each of `stops` stops, evenly spread from the output to the input, as indices of
  /// nodes; the last of each stop is the one nearest to the input.
  public func layers(of graph: Graph, stops: Int) -> [[Int]] {
    let fromTop = graph.nodes.indices.filter { graph.nodes[$0].parameters.contains(where: \.isLearnable) }.reversed()
      .map { $0 }
    let stops = min(stops, fromTop.count)
    guard stops > 0 else { return [] }
    return (1...stops).map { stop in
      let depth = stop * fromTop.count / stops
      return self == .cascading ? Array(fromTop[..<depth]) : [fromTop[depth - 1]]
    }
  }
}

extension Network {
  /// The network with the parameters of `layers`, indices of nodes, made random.
  ///
  /// - Throws: `PullbackError` if the graph refuses parameters of its own shapes, which would be a defect.
  public func randomised(_ layers: [Int], seed: UInt64) throws(PullbackError) -> Network {
    var parameters = self.parameters
    for layer in layers {
      let node = graph.nodes[layer]
      let matrix = node.parameters.first { $0.isLearnable && $0.shape.count > 1 }
      for parameter in node.parameters {
        let name = node.fullName(parameter)
        guard let matrix else {
          let isOne =
            parameter.name.hasSuffix("running_var") || (parameter.isLearnable && !parameter.name.hasSuffix("bias"))
          parameters[name] = Tensor(shape: parameter.shape, repeating: isOne ? 1 : 0)
          continue
        }
        let bound = 1 / Float(matrix.shape.dropFirst().reduce(1, *)).squareRoot()
        let numbers = RandomStream(seed: seed, "randomisation/\(name)").uniforms(parameter.shape)
        parameters[name] = bound * (2 * numbers + Tensor(shape: parameter.shape, repeating: -1))
      }
    }
    return try Network(graph, parameters: parameters, executor: executor)
  }
}
