/// The reference executor. It runs a network operation by operation over the whole batch, unfused; other executors are
/// tested against it.
public struct PlainExecutor: Executor {
  public init() {}

  public func prepare(_ graph: Graph, _ parameters: [[Tensor]]) -> any PreparedNetwork {
    PlainNetwork(graph: graph, parameters: parameters)
  }
}

extension Executor where Self == PlainExecutor {
  /// The reference executor, which runs a network operation by operation.
  public static var plain: PlainExecutor { PlainExecutor() }
}

/// A network with its parameters, without any preparation.
struct PlainNetwork: PreparedNetwork {
  let graph: Graph
  let parameters: [[Tensor]]

  func record(_ inputs: [Tensor], keeping request: Request) -> any Recording {
    run(inputs, mode: .evaluation, keeping: request.nodes) { request.needs($0, of: graph) }
  }

  /// A pass that keeps the values for gradients with respect to parameters.
  func trainingRecord(_ inputs: [Tensor], mode: Mode) -> PlainRecording {
    run(inputs, mode: mode, keeping: []) { index in
      let node = graph.nodes[index]
      return node.operation.gradientNeeds.union(node.parameters.contains(where: \.isLearnable) ? .inputs : [])
    }
  }

  /// Runs the nodes in order. A value is released as soon as its last use is over, unless it is kept: the outputs, what
  /// was asked for, and what backward passes need at each node.
  private func run(
    _ inputs: [Tensor], mode: Mode, keeping nodes: Set<Int>, _ needs: (Int) -> Needs
  ) -> PlainRecording {
    let isKept = keeps(nodes, needs)
    let lastUses = graph.lastUses
    var pass = PlainRecording(self, mode: mode, images: inputs[0].shape[0])
    for (index, node) in graph.nodes.enumerated() {
      if node.isInput {
        pass.values[index] = inputs[index]
      } else {
        let operands = graph.operands(index, images: pass.images) { pass.values[$0]! }
        let evaluation = node.evaluate(operands, parameters[index], mode: mode, images: pass.images)
        pass.values[index] = evaluation.output
        pass.saved[index] = evaluation.saved
      }
      for used in node.inputs + [index] where lastUses[used] <= index && !isKept[used] { pass.values[used] = nil }
    }
    return pass
  }

  private func keeps(_ nodes: Set<Int>, _ needs: (Int) -> Needs) -> [Bool] {
    var isKept = graph.nodes.indices.map { index in
      nodes.contains(index) || graph.outputs.contains { $0.node == index }
    }
    for (index, node) in graph.nodes.enumerated() {
      let needs = needs(index)
      if needs.contains(.output) { isKept[index] = true }
      if needs.contains(.inputs) { for input in node.inputs { isKept[input] = true } }
    }
    return isKept
  }
}

/// The results of a plain pass: the values of nodes, and the tensors that operations saved.
struct PlainRecording: Recording {
  private let graph: Graph
  private let parameters: [[Tensor]]
  private let mode: Mode
  fileprivate let images: Int
  fileprivate var values: [Tensor?]
  fileprivate var saved: [[Tensor]]

  fileprivate init(_ network: PlainNetwork, mode: Mode, images: Int) {
    graph = network.graph
    parameters = network.parameters
    self.mode = mode
    self.images = images
    values = [Tensor?](repeating: nil, count: graph.nodes.count)
    saved = [[Tensor]](repeating: [], count: graph.nodes.count)
  }

  func value(_ index: Int) -> Tensor? { values[index] }

  func pull(_ cotangents: [Int: Tensor], by layout: RuleLayout, to stops: Set<Int>) -> [Int: Tensor] {
    var cotangents = Cotangents(cotangents, over: graph)
    var arrived: [Int: Tensor] = [:]
    let last = stops.min() ?? 0
    for index in graph.nodes.indices.reversed() where index >= last && layout.carries[index] {
      guard let v = cotangents.take(index) else { continue }
      if stops.contains(index) { arrived[index] = v }
      if index == last { break }
      let node = graph.nodes[index]
      let site = site(index, wants: node.inputs.map { layout.carries[$0] })
      cotangents.add(layout.rules[index].pull(v, at: site), to: node, wants: site.wants, in: graph)
    }
    return arrived
  }

  /// The gradient of `<v, value>` with respect to every learnable parameter, by full name.
  func parameterGradients(_ cotangents: [Int: Tensor]) -> [String: Tensor] {
    var carries = [Bool](repeating: false, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      let depends = node.parameters.contains(where: \.isLearnable) || node.inputs.contains { carries[$0] }
      carries[index] = depends && node.type == .float32
    }
    var gradients: [String: Tensor] = [:]
    var cotangents = Cotangents(cotangents, over: graph)
    for index in graph.nodes.indices.reversed() where carries[index] {
      guard let v = cotangents.take(index) else { continue }
      let node = graph.nodes[index]
      let site = site(index, wants: node.inputs.map { carries[$0] })
      if !node.parameters.isEmpty {
        for (parameter, gradient) in zip(node.parameters, node.operation.parameterGradients(v, at: site)) {
          if let gradient { gradients[node.fullName(parameter)] = gradient }
        }
      }
      guard site.wants.contains(true) else { continue }
      cotangents.add(site.gradient(v), to: node, wants: site.wants, in: graph)
    }
    return gradients
  }

  /// The running statistics of every batch norm after this training pass, by full name.
  func updatedStatistics() -> [String: Tensor] {
    guard mode == .training else { return [:] }
    var statistics: [String: Tensor] = [:]
    for (index, node) in graph.nodes.enumerated() {
      guard let keeper = node.operation as? any KeepingStatistics else { continue }
      let count = images * node.shape.dropFirst().reduce(1, *)
      let updated = keeper.updatedStatistics(parameters[index], saved: saved[index], count: count)
      for (parameter, value) in zip(node.parameters, updated) {
        if let value { statistics[node.fullName(parameter)] = value }
      }
    }
    return statistics
  }

  private func site(_ index: Int, wants: [Bool]) -> Site {
    let node = graph.nodes[index]
    let shapes = graph.operandShapes(index, images: images)
    return Site(
      name: node.name, operation: node.operation, parameters: parameters[index], inputShapes: shapes, wants: wants,
      saved: saved[index], mode: mode,
      values: GivenValues(
        inputs: zip(node.inputs, shapes).map { input, shape in
          values[input].map { $0.shape[0] == shape[0] ? $0 : $0.repeated(shape[0]) }
        }, output: values[index]))
  }
}

/// An operation that keeps statistics of the values that training shows it.
protocol KeepingStatistics: Operation {
  /// Its parameters after a training pass that saved `saved` of `count` values per channel; nil for those that stay.
  func updatedStatistics(_ parameters: [Tensor], saved: [Tensor], count: Int) -> [Tensor?]
}
