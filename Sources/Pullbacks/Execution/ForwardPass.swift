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
  private let lastUses: [Int]
  private let chains: [Chain?]

  init(_ network: Network, mode: Mode, keeps: [Bool], keepsSaved: Bool) {
    self.network = network
    self.mode = mode
    self.keeps = keeps
    self.keepsSaved = keepsSaved
    lastUses = network.graph.lastUses
    chains =
      network.execution != .plain && mode == .evaluation
      ? Chain.all(in: network.graph, keeps: keeps) : [Chain?](repeating: nil, count: network.graph.nodes.count)
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

  init(nodes: Int) {
    values = [Tensor?](repeating: nil, count: nodes)
    saved = [[Tensor]](repeating: [], count: nodes)
  }

  /// Releases every value but those of certain nodes.
  mutating func keepOnly(_ keeps: [Bool]) {
    for index in values.indices where !keeps[index] { values[index] = nil }
  }
}
