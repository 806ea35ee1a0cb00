import Kernels
import Pullbacks

/// Layers that are computed in one go: a convolution, and what is done to each of its values while it is in cache. In
/// order: batch norm with running statistics, the addition of another value, an activation; each but the convolution
/// may be missing.
///
/// The result has the bits of the layers run one by one.
struct Chain {
  let convolution: Int
  private(set) var norm: Int?
  private(set) var addition: (node: Int, other: Int)?
  private(set) var activation: Int?
  /// The node whose value the chain computes.
  private(set) var last: Int

  /// The chain that starts at a convolution and goes on as long as a value is taken by the next layer only.
  ///
  /// - Parameter keeps: whether a node's values are asked for later, by node. A chain ends at such a node, but for the
  ///   input of its activation, which is handed out beside the result.
  init(startingAt convolution: Int, in graph: Graph, consumers: [[Int]], keeps: [Bool]) {
    self.convolution = convolution
    last = convolution
    func next() -> (index: Int, node: Graph.Node)? {
      guard !graph.outputs.contains(where: { $0.node == last }), consumers[last].count == 1 else { return nil }
      return (consumers[last][0], graph.nodes[consumers[last][0]])
    }
    if !keeps[last], let (index, node) = next(), node.operation is BatchNorm {
      norm = index
      last = index
    }
    if !keeps[last], let (index, node) = next(), node.operation is Add, node.inputs.count == 2,
      let other = node.inputs.first(where: { $0 != last }), other < convolution,
      graph.nodes[other].shape == node.shape, graph.nodes[last].shape == node.shape, graph.nodes[other].isBatched,
      graph.nodes[last].isBatched
    {
      addition = (index, other)
      last = index
    }
    if let (index, node) = next(), node.operation is any VectorisedElementwise {
      activation = index
      last = index
    }
  }

  /// Every chain of a graph by the node where it starts.
  static func all(in graph: Graph, consumers: [[Int]], keeps: [Bool]) -> [Chain?] {
    graph.nodes.indices.map { index in
      graph.nodes[index].operation is Convolution
        ? Chain(startingAt: index, in: graph, consumers: consumers, keeps: keeps) : nil
    }
  }

  /// Computes the chain's value and whatever of its nodes is kept.
  func run(_ pass: ForwardPass, _ values: inout [Tensor?], _ saved: inout [[Tensor]]) {
    let nodes = pass.network.graph.nodes
    var finish = TensorFinish()
    if let norm {
      let constants = pass.network.norm(norm)
      finish.affine(scale: constants.scale, shift: constants.shift)
      saved[norm] = constants.statistics
    }
    let (x, isRectified) = pass.value(nodes[convolution].inputs[0], values)
    if let addition {
      let (other, isRectified) = pass.value(addition.other, values)
      finish.add(other, rectified: isRectified)
    }
    var target = last
    if let activation, pass.isDeferred[activation] {
      target = nodes[activation].inputs[0]
    } else if let activation {
      let input = nodes[activation].inputs[0]
      if pass.keeps[input] { values[input] = finish.copy(shape: [x.shape[0]] + nodes[input].shape) }
      let operation = nodes[activation].operation as! any VectorisedElementwise
      finish.steps.append(.map(operation.map))
    }
    let operation = nodes[convolution].operation as! Convolution
    values[target] = operation.forward(
      x, pass.network.preparedWeight(convolution),
      bias: operation.hasBias ? pass.network.parameters[convolution][1] : nil, rectifying: isRectified, finish: finish)
  }
}
