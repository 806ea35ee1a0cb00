/// A graph of operations with its parameters: a function from batches of images to batches of outputs that can be
/// pulled back through.
///
/// A network is a value. Running it records nothing in it; explaining it installs nothing in it.
public struct Network: Sendable {
  /// The structure, which knows every shape.
  public let graph: Graph
  /// The executor of its passes.
  public let executor: any Executor
  /// Parameters of each node, in the order its operation asks for them.
  let values: [[Tensor]]
  let prepared: any PreparedNetwork

  /// - Parameters:
  ///   - graph: the network's structure.
  ///   - parameters: a tensor for every name in ``Graph/parameters``; others are ignored.
  ///   - executor: the executor of passes.
  /// - Throws: `PullbackError` naming the parameters that are missing, or the first of another shape.
  public init(_ graph: Graph, parameters: [String: Tensor], executor: any Executor) throws(PullbackError) {
    let missing = graph.parameters.map(\.name).filter { parameters[$0] == nil }
    guard missing.isEmpty else {
      let list = missing.prefix(3).joined(separator: ", ") + (missing.count > 3 ? " and \(missing.count - 3) more" : "")
      throw PullbackError(
        .data, graph.name, "\(missing.count) of \(graph.parameters.count) tensors are missing: \(list)",
        advice: "check that the parameters belong to this architecture")
    }
    for (name, description) in graph.parameters where parameters[name]!.shape != description.shape {
      throw PullbackError(
        .data, "tensor \(name)", "expected shape \(description.shape), found \(parameters[name]!.shape)",
        advice: "check that the parameters belong to \(graph.name)")
    }
    self.init(
      graph, values: graph.nodes.map { node in node.parameters.map { parameters[node.fullName($0)]! } },
      executor: executor)
  }

  init(_ graph: Graph, values: [[Tensor]], executor: any Executor) {
    self.graph = graph
    self.values = values
    self.executor = executor
    prepared = executor.prepare(graph, values)
  }

  /// The same network, its passes carried out by another executor.
  public func run(by executor: any Executor) -> Network { Network(graph, values: values, executor: executor) }

  /// Whether both values share one prepared network, so that their passes are the same.
  package func isSame(as other: Network) -> Bool { prepared as AnyObject === other.prepared as AnyObject }

  /// The parameters of node `index`, in the order its operation asks for them.
  func parameters(of index: Int) -> [Tensor] { values[index] }

  /// Every parameter by its full name.
  public var parameters: [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (node, values) in zip(graph.nodes, values) {
      for (description, value) in zip(node.parameters, values) { result[node.fullName(description)] = value }
    }
    return result
  }

  /// The output for a batch of inputs `(N, C, H, W)`; `(N, classes)` for a classifier.
  ///
  /// - Throws: `PullbackError` if the inputs have another shape than the network's.
  public func callAsFunction(_ x: Tensor) throws(PullbackError) -> Tensor { try trace(at: x, rules: []).value }

  /// Runs the network at `x` and keeps what `rules` need to pull cotangents back.
  ///
  /// The value does not depend on the rules, not in a single bit. Several rule sets share one forward pass.
  ///
  /// - Parameters:
  ///   - x: inputs, batch axis first: `(N, 3, H, W)` in `[-1, 1]` for images.
  ///   - rules: the tables that cotangents will be pulled back by.
  ///   - keeping: names of nodes whose values are asked for later, by ``Trace/activation(_:)``.
  /// - Complexity: one forward pass.
  /// - Throws: `PullbackError` if `x` has another shape than the network's inputs, a rule set has no rule for an
  ///   operation, or there is no node of a name.
  public func trace(at x: Tensor, rules: [RuleSet], keeping: [String] = []) throws(PullbackError) -> Trace {
    try Trace(self, at: [x], rules: rules, keeping: keeping)
  }

  /// ``trace(at:rules:keeping:)`` for a network of several inputs, by name.
  ///
  /// - Throws: `PullbackError` if an input is missing or unknown as well.
  public func trace(
    at inputs: [String: Tensor], rules: [RuleSet], keeping: [String] = []
  ) throws(PullbackError) -> Trace {
    try Trace(self, at: ordered(inputs), rules: rules, keeping: keeping)
  }

  /// Inputs in the order in which the graph has them.
  private func ordered(_ inputs: [String: Tensor]) throws(PullbackError) -> [Tensor] {
    let names = graph.inputs.map(\.name)
    for name in inputs.keys.sorted() where !names.contains(name) {
      throw PullbackError(
        .usage, "input \(name)", "\(graph.name) has no input of this name",
        advice: "it has \(names.joined(separator: ", "))")
    }
    return try names.map { name throws(PullbackError) in
      guard let tensor = inputs[name] else { throw PullbackError(.usage, "input \(name)", "is missing") }
      return tensor
    }
  }

  /// Runs the network at `x` for training: batch norm uses the batch's statistics, and gradients with respect to
  /// parameters are available.
  public func trainingTrace(at x: Tensor, mode: Mode = .training) throws(PullbackError) -> TrainingTrace {
    try TrainingTrace(self, at: [x], mode: mode)
  }

  /// ``trainingTrace(at:mode:)`` for a network of several inputs, by name.
  ///
  /// - Throws: `PullbackError` if an input is missing or unknown as well.
  public func trainingTrace(
    at inputs: [String: Tensor], mode: Mode = .training
  ) throws(PullbackError) -> TrainingTrace {
    try TrainingTrace(self, at: ordered(inputs), mode: mode)
  }

  /// The value at `x`, and the map that pulls a cotangent of the output back to the input.
  ///
  /// For the rule set ``RuleSet/gradient`` the pullback of `u` is `J(x)^T u`; for the others it is the adjoint of the
  /// frozen, possibly softened, affine operator that the network is at `x`.
  ///
  /// - Complexity: one forward pass; the pullback is one backward pass each time it is called.
  public func valueWithPullback(
    at x: Tensor, rules: RuleSet = .gradient
  ) throws(PullbackError) -> (value: Tensor, pullback: @Sendable (Tensor) throws(PullbackError) -> Tensor) {
    let trace = try trace(at: x, rules: [rules])
    return (trace.value, { (v) throws(PullbackError) in try trace.pullback(v, by: rules) })
  }

  /// A cotangent of a classifier's output that selects one logit per image.
  ///
  /// - Throws: `PullbackError` for a class the network does not have.
  public func oneHot(_ classes: [Int]) throws(PullbackError) -> Tensor {
    let count = graph.outputShape.product
    for target in classes where !(0..<count).contains(target) {
      throw PullbackError(.usage, "class \(target)", "\(graph.name) has the classes 0 to \(count - 1)")
    }
    return Tensor(shape: [classes.count] + graph.outputShape) { buffer in
      buffer.update(repeating: 0)
      for (image, target) in classes.enumerated() { buffer[image * count + target] = 1 }
    }
  }
}
