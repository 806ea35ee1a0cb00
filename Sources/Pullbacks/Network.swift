/// A graph of operations with its parameters: a function from batches of images to batches of outputs that can be
/// pulled back through.
///
/// A network is a value. Running it records nothing in it; explaining it installs nothing in it.
public struct Network: Sendable {
  /// The structure, which knows every shape.
  public let graph: Graph
  /// Parameters of each node, in the order its operation asks for them.
  let values: [[Tensor]]
  let prepared: Prepared

  /// How passes through a network are carried out. The first two agree to the bit, the third with them up to rounding.
  public enum Execution: Sendable {
    /// Every layer by itself, over the whole batch.
    case plain
    /// A convolution together with the batch norm, the addition and the activation after it, forward and back; and
    /// each image on a thread of its own.
    case fused
    /// As fused, with Winograd's F(2x2, 3x3) for 3x3 convolutions over larger maps: fewer multiplications, and rounding
    /// errors of the same size.
    case winograd
  }

  /// How evaluation is carried out; training is always plain.
  public var execution = Execution.winograd

  /// - Parameters:
  ///   - graph: the network's structure.
  ///   - parameters: a tensor for every name in ``Graph/parameters``; others are ignored.
  /// - Throws: ``PullbackError`` naming the parameters that are missing, or the first of another shape.
  public init(_ graph: Graph, parameters: [String: Tensor]) throws(PullbackError) {
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
    self.graph = graph
    values = graph.nodes.map { node in node.parameters.map { parameters[node.fullName($0)]! } }
    prepared = Prepared(graph, values: values)
  }

  init(_ graph: Graph, values: [[Tensor]], execution: Execution) {
    self.execution = execution
    self.graph = graph
    self.values = values
    prepared = Prepared(graph, values: values)
  }

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
  /// - Throws: ``PullbackError`` if the inputs have another shape than the network's.
  public func callAsFunction(_ x: Tensor) throws(PullbackError) -> Tensor {
    try Trace(of: self, at: x, rules: [], keepsParameterNeeds: false, mode: .evaluation).value
  }

  /// Runs the network at `x` and keeps what `rules` need to pull cotangents back.
  ///
  /// The value does not depend on the rules, not in a single bit. Several rule sets share one forward pass.
  ///
  /// - Parameter keeping: names of nodes whose values are asked for later, by ``Trace/activation(_:)``.
  /// - Complexity: one forward pass.
  /// - Throws: ``PullbackError`` if `x` has another shape than the network's inputs, a rule set has no rule for an
  ///   operation, or there is no node of a name.
  public func trace(at x: Tensor, rules: [RuleSet], keeping: [String] = []) throws(PullbackError) -> Trace {
    try Trace(of: self, at: x, rules: rules, keeping: keeping, keepsParameterNeeds: false, mode: .evaluation)
  }

  /// Runs the network at `x` for training: batch norm uses the batch's statistics, and ``Trace/parameterGradients(_:)``
  /// is available.
  public func trainingTrace(at x: Tensor, mode: Mode = .training) throws(PullbackError) -> Trace {
    try Trace(of: self, at: x, rules: [], keepsParameterNeeds: true, mode: mode)
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
  /// - Throws: ``PullbackError`` for a class the network does not have.
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
