import Kernels

/// A recorded forward pass: the value, and what it takes to pull cotangents back through it.
///
/// It keeps the activations that the rules it was made for read, and no others.
public struct Trace: Sendable {
  /// The network that was run.
  public let network: Network
  /// The network's output, `(N, ...)`.
  public let value: Tensor
  private let batch: Int
  private let mode: Mode
  private let plans: [String: Plan]
  private let keepsParameterNeeds: Bool
  /// The nodes before this one were run for a part of the batch at a time, the others for the whole batch.
  private let cut: Int
  private let parts: [Range<Int>]
  private let partRecords: [Record]
  private let record: Record

  /// A rule set laid out over a graph: each node's rule, and which nodes a cotangent passes on its way from the output
  /// to the image. Routing, what only routing takes, and what does not depend on the image are not among them.
  struct Plan: Sendable {
    let rules: [any Rule]
    let carries: [Bool]

    init(_ rules: RuleSet, over graph: Graph) throws(PullbackError) {
      var resolved: [any Rule] = []
      var carries: [Bool] = []
      for (index, node) in graph.nodes.enumerated() {
        let rule = try rules.rule(for: node)
        resolved.append(rule)
        carries.append(index == 0 || (!rule.isRouting && node.inputs.contains { carries[$0] }))
      }
      guard carries[graph.output] else {
        throw PullbackError(
          .usage, "node \(graph.nodes[graph.output].name)",
          "the output is routing under the rule set \(rules.name): nothing can be pulled back from it",
          advice: "end the network at its logits")
      }
      var reached = [Bool](repeating: false, count: graph.nodes.count)
      reached[graph.output] = true
      for (index, node) in graph.nodes.enumerated().reversed() where reached[index] {
        try resolved[index].check(node, carriesInput: node.inputs.map { carries[$0] })
        for input in node.inputs where carries[input] { reached[input] = true }
      }
      self.rules = resolved
      self.carries = reached
    }
  }

  init(
    of network: Network, at x: Tensor, rules: [RuleSet], keeping: [String] = [], keepsParameterNeeds: Bool, mode: Mode
  ) throws(PullbackError) {
    let graph = network.graph
    guard x.rank == graph.inputShape.count + 1, Array(x.shape.dropFirst()) == graph.inputShape, x.shape[0] > 0 else {
      throw PullbackError(
        .usage, "input of \(graph.name)",
        "expected shape (N, \(graph.inputShape.map(String.init).joined(separator: ", "))), found \(x.shape)")
    }
    var plans: [String: Plan] = [:]
    for set in rules { plans[set.signature] = try Plan(set, over: graph) }
    var retention = Retention(graph, plans: Array(plans.values), parameters: keepsParameterNeeds)
    for name in keeping { retention.keeps[try graph.node(name)] = true }

    self.network = network
    self.mode = mode
    self.plans = plans
    self.keepsParameterNeeds = keepsParameterNeeds
    batch = x.shape[0]
    let byImage =
      network.execution != .plain && mode == .evaluation && !keepsParameterNeeds && batch > 1
      && graph.firstOfSmallMaps > 1
    cut = byImage ? graph.firstOfSmallMaps : 0
    parts = byImage ? (0..<batch).map { $0..<$0 + 1 } : []

    let crossing = graph.crossing(cut)
    let pass = ForwardPass(
      network, mode: mode, retention: retention, keepsSaved: !plans.isEmpty || keepsParameterNeeds,
      crossing: crossing)
    var record = Record(of: pass)
    if cut > 0 {
      var kept = pass.keeps
      for index in crossing { kept[index] = true }
      let partKeeps = kept
      let (parts, cut) = (parts, cut)
      partRecords = Parallel.mapWholes(parts.count) { part in
        var record = Record(of: pass)
        record.values[0] = x.images(parts[part])
        pass.run(1..<cut, in: &record)
        record.keepOnly(partKeeps)
        return record
      }
      for index in crossing { record.values[index] = Tensor(batching: partRecords.map { $0.values[index]! }) }
    } else {
      partRecords = []
      record.values[0] = x
    }
    pass.run(max(1, cut)..<graph.nodes.count, in: &record)
    value = record.values[graph.output]!
    record.keepOnly(pass.keeps)
    self.record = record
  }

  /// The names of the nodes whose values are kept, for tests of memory.
  package var keptNodes: [String] {
    network.graph.nodes.indices.filter { kept($0) }.map { network.graph.nodes[$0].name }
  }

  private func kept(_ index: Int) -> Bool { (index < cut ? partRecords[0] : record).values[index] != nil }

  /// The value of the node called `name`, `(N, ...)`.
  ///
  /// - Throws: ``PullbackError`` if there is no such node or its value was not kept.
  public func activation(_ name: String) throws(PullbackError) -> Tensor {
    let index = try network.graph.node(name)
    if index == network.graph.output { return value }
    guard kept(index) else {
      throw PullbackError(
        .usage, "node \(name)", "its value was not kept", advice: "name it in trace(at:rules:keeping:)")
    }
    return index < cut ? Tensor(batching: partRecords.map { $0.values[index]! }) : record.values[index]!
  }

  /// Pulls the cotangent `v` of the output back to the input, or to the value of an inner node.
  ///
  /// - Parameters:
  ///   - v: of the output's shape; one row per image. For a classifier's logit it is one-hot.
  ///   - rules: one of the rule sets that the trace was made for.
  ///   - node: the name of the node to stop at; nil is the input.
  /// - Returns: a tensor of the input's shape, or of the node's. `<result, x>` is the part of `<v, value>` that
  ///   depends on x linearly.
  /// - Complexity: one backward pass.
  public func pullback(_ v: Tensor, by rules: RuleSet, to node: String? = nil) throws(PullbackError) -> Tensor {
    let stop = try node.map { name throws(PullbackError) in try network.graph.node(name) } ?? 0
    guard let plan = plans[rules.signature] else {
      throw PullbackError(
        .usage, "rule set \(rules.name)", "the trace was not made for it", advice: "name it in trace(at:rules:)")
    }
    try checkCotangent(v)
    let graph = network.graph
    let pass = BackwardPass(network, plan: plan, mode: mode)
    var cotangents = [Tensor?](repeating: nil, count: graph.nodes.count)
    cotangents[graph.output] = v
    pass.run(cut..<graph.nodes.count, to: stop, in: record, images: batch, &cotangents)
    guard stop < cut else { return cotangents[stop] ?? Tensor(shape: [batch] + graph.nodes[stop].shape) }
    let crossing = cotangents
    let pulled = Parallel.mapWholes(parts.count) { part in
      var cotangents = crossing.map { $0?.images(parts[part]) }
      pass.run(0..<cut, to: stop, in: partRecords[part], images: parts[part].count, &cotangents)
      return cotangents[stop] ?? Tensor(shape: [parts[part].count] + graph.nodes[stop].shape)
    }
    return Tensor(batching: pulled)
  }

  /// The gradient of `<v, value>` with respect to every learnable parameter, by full name.
  ///
  /// - Precondition: the trace was made by ``Network/trainingTrace(at:mode:)``.
  /// - Complexity: one backward pass.
  public func parameterGradients(_ v: Tensor) throws(PullbackError) -> [String: Tensor] {
    precondition(keepsParameterNeeds, "only a training trace keeps what parameter gradients need")
    try checkCotangent(v)
    let graph = network.graph
    var carries = [Bool](repeating: false, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      carries[index] = node.parameters.contains(where: \.isLearnable) || node.inputs.contains { carries[$0] }
    }
    var gradients: [String: Tensor] = [:]
    var cotangents = [Tensor?](repeating: nil, count: graph.nodes.count)
    cotangents[graph.output] = v
    for index in graph.nodes.indices.reversed() where carries[index] {
      guard let cotangent = cotangents[index] else { continue }
      cotangents[index] = nil
      let node = graph.nodes[index]
      let wants = node.inputs.map { carries[$0] }
      let site = network.site(index, wants: wants, record, images: batch, mode: mode)
      if !node.parameters.isEmpty {
        for (parameter, gradient) in zip(node.parameters, node.operation.parameterGradients(cotangent, at: site)) {
          if let gradient { gradients[node.fullName(parameter)] = gradient }
        }
      }
      guard wants.contains(true) else { continue }
      accumulate(node.operation.gradient(cotangent, at: site), wants, node, into: &cotangents)
    }
    return gradients
  }

  /// The running statistics of every batch norm after this training pass, by full name.
  public func updatedStatistics() -> [String: Tensor] {
    var statistics: [String: Tensor] = [:]
    for (index, node) in network.graph.nodes.enumerated() {
      guard let norm = node.operation as? BatchNorm, mode == .training else { continue }
      let count = batch * node.shape.dropFirst().reduce(1, *)
      let running = Array(network.values[index][2...])
      let updated = norm.updatedStatistics(running: running, saved: record.saved[index], count: count)
      for (parameter, value) in zip(node.parameters[2...], updated) { statistics[node.fullName(parameter)] = value }
    }
    return statistics
  }

  private func checkCotangent(_ v: Tensor) throws(PullbackError) {
    guard v.shape == value.shape else {
      throw PullbackError(.usage, "cotangent", "expected the output's shape \(value.shape), found \(v.shape)")
    }
  }

  /// Adds what a node pulled back to the cotangents of its inputs.
  private func accumulate(_ pulled: [Tensor?], _ wants: [Bool], _ node: Graph.Node, into cotangents: inout [Tensor?]) {
    for ((input, wanted), part) in zip(zip(node.inputs, wants), pulled) where wanted {
      guard let part else { continue }
      if cotangents[input] == nil { cotangents[input] = part } else { cotangents[input]! += part }
    }
  }
}

extension Graph {
  /// The first node from which on every value is a small map, or a vector of features per image: there layers have more
  /// weights than values, and are run for the whole batch, so that weights are read once. Never amid the layers of a
  /// ``Chain``.
  var firstOfSmallMaps: Int {
    func isSmall(_ node: Node) -> Bool {
      node.shape.count == 1 || node.shape.count == 3 && node.shape[1] * node.shape[2] <= ConvolutionShape.smallMap
    }
    let features = (nodes.lastIndex { $0.shape.count > 1 } ?? 0) + 1
    let small = (nodes.lastIndex { !isSmall($0) } ?? 0) + 1
    return nodes[small..<features].firstIndex { $0.operation is Convolution } ?? features
  }

  /// The nodes before `cut` whose values nodes from there on take, and the output if it is one of them.
  func crossing(_ cut: Int) -> [Int] {
    (0..<cut).filter { index in index == output || nodes[cut...].contains { $0.inputs.contains(index) } }
  }
}

extension Network {
  /// The weight that the convolution at node `index` runs on in place of its own, if it is to.
  func transformedWeight(_ index: Int, mode: Mode) -> Tensor? {
    execution == .winograd && mode == .evaluation ? prepared.transformedWeight(index) : nil
  }

  /// The place of node `index` in a recorded pass over `images` images.
  func site(_ index: Int, wants: [Bool], _ record: Record, images: Int, mode: Mode) -> Site {
    let node = graph.nodes[index]
    return Site(
      name: node.name, operation: node.operation, parameters: values[index],
      inputShapes: node.inputs.map { [images] + graph.nodes[$0].shape }, wants: wants, saved: record.saved[index],
      mode: mode,
      transformedWeight: transformedWeight(index, mode: mode),
      keptInputs: node.inputs.map { record.values[$0] },
      deferredInputs: node.inputs.map { record.isDeferred[$0] ? record.values[graph.nodes[$0].inputs[0]] : nil },
      keptOutput: record.values[index])
  }
}
