/// A recorded forward pass: the value, and what it takes to pull cotangents back through it.
///
/// It keeps the activations that the rules it was made for read, and no others.
public struct Trace: Sendable {
  /// The network that was run.
  public let network: Network
  /// The network's first output, `(N, ...)`.
  public let value: Tensor
  private let images: Int
  private let layouts: [RuleSet: RuleLayout]
  /// The values that the pass keeps.
  private let request: Request
  private let recording: any Recording

  init(_ network: Network, at inputs: [Tensor], rules: [RuleSet], keeping: [String]) throws(PullbackError) {
    let graph = network.graph
    try graph.check(inputs)
    var layouts: [RuleSet: RuleLayout] = [:]
    for set in rules where layouts[set] == nil { layouts[set] = try RuleLayout(set, over: graph) }
    var nodes: Set<Int> = []
    for name in keeping { nodes.insert(try graph.node(name)) }
    self.network = network
    self.layouts = layouts
    images = inputs[0].shape[0]
    request = Request(layouts: Array(layouts.values), nodes: nodes)
    recording = network.prepared.record(inputs, keeping: request)
    value = graph.rows(of: recording.value(graph.output)!, images)
  }

  private init(_ other: Trace, _ layouts: [RuleSet: RuleLayout]) {
    (network, value, images) = (other.network, other.value, other.images)
    (request, recording) = (other.request, other.recording)
    self.layouts = layouts
  }

  /// The same forward pass for pullbacks by other rules, such as those of another temperature.
  ///
  /// - Parameters:
  ///   - rules: the tables that cotangents will be pulled back by, in place of those that the trace was made for.
  ///   - keeping: names of nodes whose values are asked for.
  /// - Returns: a trace that pulls back as a new one would, bit for bit; nil if the rules read values that the pass has
  ///   not kept.
  /// - Throws: `PullbackError` as `Network.trace(at:rules:keeping:)` does.
  public func reused(for rules: [RuleSet], keeping: [String] = []) throws(PullbackError) -> Trace? {
    let graph = network.graph
    var layouts: [RuleSet: RuleLayout] = [:]
    for set in rules where layouts[set] == nil {
      if let known = self.layouts[set] { layouts[set] = known } else { layouts[set] = try RuleLayout(set, over: graph) }
    }
    for name in keeping where recording.value(try graph.node(name)) == nil { return nil }
    let asked = Request(layouts: Array(layouts.values), nodes: [])
    for node in graph.nodes.indices
    where !asked.needs(node, of: graph).isSubset(of: request.needs(node, of: graph)) { return nil }
    // Where nothing is pulled back, what operations save on the way is not kept either.
    if request.layouts.isEmpty, !layouts.isEmpty { return nil }
    return Trace(self, layouts)
  }

  /// The names of the nodes whose values are kept beside the outputs, for tests of memory.
  package var keptNodes: [String] { network.graph.keptNodes(of: recording) }

  /// The output called `name`, `(N, ...)`.
  ///
  /// - Throws: `PullbackError` if there is no such output.
  public func output(_ name: String) throws(PullbackError) -> Tensor {
    network.graph.rows(of: recording.value(try network.graph.output(named: name).node)!, images)
  }

  /// The value of the node called `name`: `(N, ...)`, or `(1, ...)` where it does not depend on the inputs.
  ///
  /// - Throws: `PullbackError` if there is no such node or its value was not kept.
  public func activation(_ name: String) throws(PullbackError) -> Tensor {
    guard let value = recording.value(try network.graph.node(name)) else {
      throw PullbackError(
        .usage, "node \(name)", "its value was not kept", advice: "name it in trace(at:rules:keeping:)")
    }
    return value
  }

  /// Pulls the cotangent `v` of an output back to the input, or to the value of another node.
  ///
  /// - Parameters:
  ///   - v: a cotangent of the output's shape; one row per image. For a classifier's logit it is one-hot.
  ///   - rules: one of the rule sets that the trace was made for.
  ///   - output: the name of the output to start at; nil is the first.
  ///   - node: the name of the node to stop at, another input among them; nil is the first input.
  /// - Returns: a tensor of the input's shape, or of the node's. `<result, x>` is the part of `<v, value>` that
  ///   depends on x linearly.
  /// - Complexity: one backward pass.
  public func pullback(
    _ v: Tensor, by rules: RuleSet, from output: String? = nil, to node: String? = nil
  ) throws(PullbackError) -> Tensor {
    let stop = node ?? network.graph.nodes[0].name
    return try pullbacks(v, by: rules, from: output, to: [stop])[stop]!
  }

  /// Pulls the cotangent `v` of an output back to several nodes, in one backward pass.
  ///
  /// - Parameters:
  ///   - v: a cotangent of the output's shape; one row per image.
  ///   - rules: one of the rule sets that the trace was made for.
  ///   - output: the name of the output to start at; nil is the first.
  ///   - nodes: the names of inputs and of other nodes.
  /// - Returns: a tensor of each node's shape, by name.
  /// - Complexity: one backward pass.
  public func pullbacks(
    _ v: Tensor, by rules: RuleSet, from output: String? = nil, to nodes: [String]
  ) throws(PullbackError) -> [String: Tensor] {
    let graph = network.graph
    let start = try graph.output(named: output).node
    guard let layout = layouts[rules] else {
      throw PullbackError(
        .usage, "rule set \(rules.name)", "the trace was not made for it", advice: "name it in trace(at:rules:)")
    }
    try graph.check(cotangent: v, of: start, images: images)
    let stops = try nodes.map { name throws(PullbackError) in try graph.node(name) }
    let arrived = recording.pull([start: v], by: layout, to: Set(stops))
    for stop in stops where arrived[stop] == nil && graph.dependsOnIntegersAlone(stop) {
      throw PullbackError(
        .usage, "node \(graph.nodes[stop].name)",
        "it depends on integers alone, and cotangents are pulled back to what depends on inputs of floats",
        advice: "start the network there, by starting(at:)")
    }
    return Dictionary(
      zip(nodes, stops.map { arrived[$0] ?? Tensor(shape: [images] + graph.nodes[$0].shape) }),
      uniquingKeysWith: { first, _ in first })
  }
}

/// A recorded forward pass for training: gradients with respect to parameters, and statistics of the batch.
///
/// It is always carried out plainly.
public struct TrainingTrace: Sendable {
  /// The network that was run.
  public let network: Network
  /// The network's first output, `(N, ...)`.
  public let value: Tensor
  private let recording: PlainRecording

  init(_ network: Network, at inputs: [Tensor], mode: Mode) throws(PullbackError) {
    try network.graph.check(inputs)
    self.network = network
    let plain = PlainNetwork(graph: network.graph, parameters: network.values)
    recording = plain.trainingRecord(inputs, mode: mode)
    value = network.graph.rows(of: recording.value(network.graph.output)!, inputs[0].shape[0])
  }

  /// The names of the nodes whose values are kept beside the outputs, for tests of memory.
  package var keptNodes: [String] { network.graph.keptNodes(of: recording) }

  /// The gradient of `<v, value>` with respect to every learnable parameter, by full name.
  ///
  /// - Complexity: one backward pass.
  public func parameterGradients(_ v: Tensor) throws(PullbackError) -> [String: Tensor] {
    try network.graph.check(cotangent: v, of: network.graph.output, images: value.shape[0])
    return recording.parameterGradients([network.graph.output: v])
  }

  /// The running statistics of every batch norm after this training pass, by full name.
  public func updatedStatistics() -> [String: Tensor] { recording.updatedStatistics() }
}

extension Graph {
  /// Whether a node depends on inputs, and on none of floats: an embedding of tokens.
  fileprivate func dependsOnIntegersAlone(_ node: Int) -> Bool {
    var depends = nodes.map { $0.isInput && $0.type == .float32 }
    for (index, node) in nodes.enumerated() where node.inputs.contains(where: { depends[$0] }) { depends[index] = true }
    return nodes[node].isBatched && !depends[node]
  }

  /// Throws unless the inputs are those of the network, in their order, with one batch extent.
  fileprivate func check(_ inputs: [Tensor]) throws(PullbackError) {
    let expected = self.inputs
    guard inputs.count == expected.count else {
      throw PullbackError(
        .usage, "inputs of \(name)", "expected \(expected.map(\.name).joined(separator: ", ")), found \(inputs.count)")
    }
    for (tensor, input) in zip(inputs, expected) {
      let subject = expected.count == 1 ? "input of \(name)" : "input \(input.name) of \(name)"
      guard tensor.rank == input.shape.count + 1, Array(tensor.shape.dropFirst()) == input.shape, tensor.shape[0] > 0
      else {
        let shape = (["N"] + input.shape.map(String.init)).joined(separator: ", ")
        throw PullbackError(.usage, subject, "expected shape (\(shape)), found \(tensor.shape)")
      }
      guard tensor.type == input.type else {
        throw PullbackError(.usage, subject, "expected \(input.type), found \(tensor.type)")
      }
      guard tensor.shape[0] == inputs[0].shape[0] else {
        throw PullbackError(
          .usage, subject, "expected \(inputs[0].shape[0]) images as in \(expected[0].name), found \(tensor.shape[0])")
      }
    }
  }

  fileprivate func check(cotangent v: Tensor, of node: Int, images: Int) throws(PullbackError) {
    let shape = [images] + nodes[node].shape
    guard v.shape == shape else {
      throw PullbackError(.usage, "cotangent", "expected the output's shape \(shape), found \(v.shape)")
    }
    guard v.type == .float32 else { throw PullbackError(.usage, "cotangent", "expected floats, found integers") }
  }

  /// The names of the nodes, other than the outputs, whose values a pass kept.
  fileprivate func keptNodes(of recording: any Recording) -> [String] {
    let outputs = Set(outputs.map(\.node))
    return nodes.indices.filter { !outputs.contains($0) && recording.value($0) != nil }.map { nodes[$0].name }
  }

  /// A value with a row for each image, also where it does not depend on them.
  fileprivate func rows(of value: Tensor, _ images: Int) -> Tensor {
    value.shape[0] == images ? value : value.repeated(images)
  }
}
