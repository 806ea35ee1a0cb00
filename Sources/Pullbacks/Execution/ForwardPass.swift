import Kernels

/// A run through a network's nodes, in order, that keeps what is asked for and releases everything else as soon as its
/// last use is over.
struct ForwardPass {
  let network: Network
  let mode: Mode
  /// Which nodes' values are asked for later.
  let keeps: [Bool]
  /// Whether a backward pass follows, which wants what operations saved.
  let keepsSaved: Bool
  /// ReLUs whose values are never written: who takes them reads their input, which is kept, and rectifies it.
  let isDeferred: [Bool]
  private let lastUses: [Int]
  private let chains: [Chain?]

  /// - Parameter crossing: nodes whose values one call of ``run(_:in:)`` leaves to another.
  init(_ network: Network, mode: Mode, retention: Retention, keepsSaved: Bool, crossing: [Int]) {
    self.network = network
    self.mode = mode
    self.keepsSaved = keepsSaved
    lastUses = network.graph.lastUses
    let kept = zip(retention.keeps, retention.keepsForPools).map { $0 || $1 }
    chains =
      network.execution != .plain && mode == .evaluation
      ? Chain.all(in: network.graph, keeps: kept) : [Chain?](repeating: nil, count: network.graph.nodes.count)
    let isDeferred = Self.deferred(network.graph, chains, keeps: retention.keeps, crossing: crossing)
    keeps = zip(kept, isDeferred).map { $0 && !$1 }
    self.isDeferred = isDeferred
  }

  private static func deferred(_ graph: Graph, _ chains: [Chain?], keeps: [Bool], crossing: [Int]) -> [Bool] {
    var isDeferred = [Bool](repeating: false, count: graph.nodes.count)
    let consumers = graph.consumers
    let additions = Dictionary(
      uniqueKeysWithValues: chains.compactMap { $0?.addition.map { ($0.node, $0.other) } })
    for case let activation? in chains.lazy.map({ $0?.activation }) {
      let node = graph.nodes[activation]
      isDeferred[activation] =
        node.operation as? Activation == .relu && keeps[node.inputs[0]] && !keeps[activation]
        && activation != graph.output && !crossing.contains(activation)
        && consumers[activation].allSatisfy { consumer in
          let operation = graph.nodes[consumer].operation
          return (operation as? Convolution)?.groups == 1 || operation is MaxPool || additions[consumer] == activation
        }
    }
    return isDeferred
  }

  /// The value of node `index`, or one that is it when rectified.
  func value(_ index: Int, _ values: [Tensor?]) -> (Tensor, isRectified: Bool) {
    isDeferred[index] ? (values[network.graph.nodes[index].inputs[0]]!, true) : (values[index]!, false)
  }

  /// Computes the nodes of `range`; `record` has the values of the nodes before it that they take. What a later range
  /// takes stays in the record, until ``Record/keepOnly(_:)``.
  func run(_ range: Range<Int>, in record: inout Record) {
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
      } else if !isDone[index] {
        let evaluation = node.operation.forward(
          node.inputs.map { record.values[$0]! }, network.values[index], mode: mode)
        record.values[index] = evaluation.output
        if keepsSaved { record.saved[index] = evaluation.saved }
      }
      for used in node.inputs + [index] where lastUses[used] == index && !keeps[used] && used != graph.output {
        record.values[used] = nil
      }
    }
  }
}

/// What is known of a forward pass over some images: values of nodes, and what operations saved.
struct Record: Sendable {
  var values: [Tensor?]
  var saved: [[Tensor]]
  /// See ``ForwardPass/isDeferred``.
  let isDeferred: [Bool]

  init(of pass: ForwardPass) {
    isDeferred = pass.isDeferred
    values = [Tensor?](repeating: nil, count: isDeferred.count)
    saved = [[Tensor]](repeating: [], count: isDeferred.count)
  }

  /// Releases every value but those of certain nodes.
  mutating func keepOnly(_ keeps: [Bool]) {
    for index in values.indices where !keeps[index] { values[index] = nil }
  }
}
