import Kernels
import Pullbacks

/// The nodes whose values some backward pass reads.
struct Retention {
  /// Nodes whose values are read as they are.
  private(set) var keeps: [Bool]
  /// Nodes whose values max pools read, which can rectify their input.
  private(set) var keepsForPools: [Bool]

  init(_ graph: Graph, _ request: Request) {
    keeps = graph.nodes.indices.map { request.nodes.contains($0) }
    keepsForPools = [Bool](repeating: false, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      let needs = request.needs(index, of: graph)
      if needs.contains(.output) { keeps[index] = true }
      guard needs.contains(.inputs) else { continue }
      for input in node.inputs {
        if node.operation is MaxPool { keepsForPools[input] = true } else { keeps[input] = true }
      }
    }
  }
}

/// A run through a network's nodes, in order, that keeps what is asked for and releases everything else as soon as its
/// last use is over.
struct ForwardPass {
  let network: FastNetwork
  /// Whether a node's values are asked for later, by node.
  let keeps: [Bool]
  /// Whether a backward pass follows, which reads what operations saved.
  let keepsSaved: Bool
  /// ReLUs whose values are never written: a layer that takes one reads the ReLU's input, which is kept, and rectifies
  /// it.
  let isDeferred: [Bool]
  private let lastUses: [Int]
  private let chains: [Chain?]

  /// - Parameter crossing: nodes whose values one call of ``run(_:in:)`` leaves to another.
  init(_ network: FastNetwork, _ retention: Retention, keepsSaved: Bool, crossing: [Int]) {
    self.network = network
    self.keepsSaved = keepsSaved
    lastUses = network.graph.lastUses
    let kept = zip(retention.keeps, retention.keepsForPools).map { $0 || $1 }
    chains = Chain.all(in: network.graph, consumers: network.consumers, keeps: kept)
    let isDeferred = Self.deferred(network, chains, keeps: retention.keeps, crossing: crossing)
    keeps = zip(kept, isDeferred).map { $0 && !$1 }
    self.isDeferred = isDeferred
  }

  private static func deferred(
    _ network: FastNetwork, _ chains: [Chain?], keeps: [Bool], crossing: [Int]
  ) -> [Bool] {
    let graph = network.graph
    var isDeferred = [Bool](repeating: false, count: graph.nodes.count)
    let additions = Dictionary(
      uniqueKeysWithValues: chains.compactMap { $0?.addition.map { ($0.node, $0.other) } })
    for case let activation? in chains.lazy.map({ $0?.activation }) {
      let node = graph.nodes[activation]
      isDeferred[activation] =
        node.operation is ReLU && keeps[node.inputs[0]] && !keeps[activation]
        && !graph.outputs.contains { $0.node == activation } && !crossing.contains(activation)
        && network.consumers[activation].allSatisfy { consumer in
          let operation = graph.nodes[consumer].operation
          return (operation as? Convolution)?.groups == 1 || operation is MaxPool || additions[consumer] == activation
        }
    }
    return isDeferred
  }

  /// The value of node `index`, or the value that has to be rectified to give it.
  func value(_ index: Int, _ values: [Tensor?]) -> (Tensor, isRectified: Bool) {
    isDeferred[index] ? (values[network.graph.nodes[index].inputs[0]]!, true) : (values[index]!, false)
  }

  /// Computes the nodes of `range`; `record` has the values of the nodes before it that they take, and of inputs. What
  /// a later range takes stays in the record, until ``PassRecord/keepOnly(_:)``.
  func run(_ range: Range<Int>, in record: inout PassRecord) {
    let graph = network.graph
    var isDone = [Bool](repeating: false, count: graph.nodes.count)
    for index in range {
      let node = graph.nodes[index]
      if let chain = chains[index] {
        chain.run(self, &record.values, &record.saved)
        for member in [chain.convolution, chain.norm, chain.addition?.node, chain.activation] {
          if let member { isDone[member] = true }
        }
      } else if let pool = node.operation as? MaxPool {
        let (x, isRectified) = value(node.inputs[0], record.values)
        record.values[index] = pool.forward(x, isRectified: isRectified)
      } else if !isDone[index], record.values[index] == nil {
        let evaluation = node.evaluate(
          graph.operands(index, images: record.images) { record.values[$0]! }, network.parameters[index],
          mode: .evaluation, images: record.images)
        record.values[index] = evaluation.output
        if keepsSaved { record.saved[index] = evaluation.saved }
      }
      for used in node.inputs + [index]
      where lastUses[used] == index && !keeps[used] && !graph.outputs.contains(where: { $0.node == used }) {
        record.values[used] = nil
      }
    }
  }
}

/// A forward pass over some images: values of nodes, and what operations saved.
struct PassRecord: Sendable {
  /// The number of images.
  let images: Int
  var values: [Tensor?]
  var saved: [[Tensor]]
  /// See ``ForwardPass/isDeferred``.
  let isDeferred: [Bool]

  init(of pass: ForwardPass, images: Int) {
    self.images = images
    isDeferred = pass.isDeferred
    values = [Tensor?](repeating: nil, count: isDeferred.count)
    saved = [[Tensor]](repeating: [], count: isDeferred.count)
  }

  /// Releases the values of all nodes that `keeps` does not mark.
  mutating func keepOnly(_ keeps: [Bool]) {
    for index in values.indices where !keeps[index] { values[index] = nil }
  }
}
