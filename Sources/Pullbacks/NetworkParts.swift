// Networks made of parts of others: up to a node, from a node on, with inputs held, with other parameters.

extension Graph {
  /// The part of the network that one of its nodes is computed by, with that node as the output: to explain a channel
  /// or a neuron of an inner layer, and to see what an explainer of logits sees there.
  ///
  /// - Throws: `PullbackError` if there is no node of this name.
  public func truncated(at name: String) throws(PullbackError) -> Graph {
    let last = try node(name)
    return part("\(self.name) up to \(name)", outputs: [Output(name: name, node: last)]) { _ in nil }
  }

  /// The part of the network after one of its nodes, with that node's value as the first input: to explain what
  /// follows an inner layer, or an embedding of tokens. Other inputs that the outputs depend on stay inputs.
  ///
  /// - Throws: `PullbackError` if there is no node of this name, or no output depends on it.
  public func starting(at name: String) throws(PullbackError) -> Graph {
    let first = try node(name)
    var depends = nodes.indices.map { $0 == first }
    for (index, node) in nodes.enumerated() where node.inputs.contains(where: { depends[$0] }) { depends[index] = true }
    guard outputs.contains(where: { depends[$0.node] }) else {
      throw PullbackError(.usage, "node \(name)", "no output of \(self.name) depends on it")
    }
    let source = nodes[first]
    let input = Node(
      name: source.name, operation: Input(shape: source.shape, type: source.type), inputs: [], shape: source.shape,
      type: source.type, isBatched: true, parameters: [])
    return part("\(self.name) from \(name)", outputs: outputs, first: first) { $0 == first ? input : nil }
  }

  /// The network with an input replaced by a constant: a table beside a picture, a mask beside tokens.
  ///
  /// - Parameters:
  ///   - name: the name of the input.
  ///   - value: a value of the input's shape, without a batch axis.
  /// - Throws: `PullbackError` if there is no such input, it is the only one, or the value does not fit it.
  public func holding(_ name: String, at value: Tensor) throws(PullbackError) -> Graph {
    guard let held = nodes.firstIndex(where: { $0.isInput && $0.name == name }) else {
      throw PullbackError(
        .usage, "input \(name)", "\(self.name) has no input of this name",
        advice: "it has \(inputs.map(\.name).joined(separator: ", "))")
    }
    guard inputs.count > 1 else { throw PullbackError(.usage, "input \(name)", "nothing else comes in") }
    guard value.shape == nodes[held].shape, value.type == nodes[held].type else {
      throw PullbackError(
        .usage, "input \(name)",
        "expected \(nodes[held].type) of shape \(nodes[held].shape), found \(value.type) of shape \(value.shape)")
    }
    let constant = Node(
      name: name, operation: Constant(value), inputs: [], shape: value.shape, type: value.type, isBatched: false,
      parameters: [])
    return part(self.name, outputs: outputs) { $0 == held ? constant : nil }
  }

  /// The nodes that `outputs` depend on, with some replaced, whose own inputs are then no longer needed. Inputs of the
  /// network come first, `first` before the others.
  private func part(_ name: String, outputs: [Output], first: Int = 0, replacing: (Int) -> Node?) -> Graph {
    var isNeeded = [Bool](repeating: false, count: nodes.count)
    for output in outputs { isNeeded[output.node] = true }
    var found = nodes
    for index in nodes.indices.reversed() {
      if let replacement = replacing(index) { found[index] = replacement }
      if isNeeded[index] { for input in found[index].inputs { isNeeded[input] = true } }
    }
    // A network keeps an input although nothing depends on it.
    if !nodes.indices.contains(where: { isNeeded[$0] && found[$0].isInput }) {
      isNeeded[found[first].isInput ? first : found.firstIndex(where: \.isInput)!] = true
    }
    let needed = nodes.indices.filter { isNeeded[$0] }
    let sources = needed.filter { found[$0].isInput }
    let order =
      sources.filter { $0 == first } + sources.filter { $0 != first }
      + needed.filter { !found[$0].isInput }
    var place = [Int](repeating: 0, count: nodes.count)
    for (position, index) in order.enumerated() { place[index] = position }
    var kept: [Node] = []
    for index in order {
      let node = found[index]
      let inputs = node.inputs.map { place[$0] }
      let isBatched = node.isInput || inputs.contains { kept[$0].isBatched }
      kept.append(
        Node(
          name: node.name, operation: node.operation, inputs: inputs, shape: node.shape, type: node.type,
          isBatched: isBatched, parameters: node.parameters))
    }
    return Graph(
      name: name, nodes: kept, outputs: outputs.map { Output(name: $0.name, node: place[$0.node]) }, partOf: self)
  }
}

extension Network {
  /// The network up to a node, whose value becomes the output; parameters are shared.
  ///
  /// - Throws: `PullbackError` if there is no node of this name.
  public func truncated(at name: String) throws(PullbackError) -> Network { part(try graph.truncated(at: name)) }

  /// The network from a node on, whose value becomes the first input; parameters are shared.
  ///
  /// - Throws: `PullbackError` if there is no node of this name, or no output depends on it.
  public func starting(at name: String) throws(PullbackError) -> Network { part(try graph.starting(at: name)) }

  /// The network with an input held at a value, the same for every image; parameters are shared.
  ///
  /// - Throws: `PullbackError` if there is no such input, it is the only one, or the value does not fit it.
  public func holding(_ name: String, at value: Tensor) throws(PullbackError) -> Network {
    part(try graph.holding(name, at: value))
  }

  private func part(_ graph: Graph) -> Network {
    let known = Dictionary(uniqueKeysWithValues: zip(self.graph.nodes.map(\.name), values))
    return Network(
      graph, values: graph.nodes.map { $0.parameters.isEmpty ? [] : known[$0.name]! }, executor: executor)
  }

  /// The network with every learnable parameter replaced by what `change` makes of it.
  ///
  /// - Precondition: `change` keeps the shape.
  public func mapParameters(_ change: (_ name: String, _ value: Tensor) -> Tensor) -> Network {
    let changed = zip(graph.nodes, values).map { node, values in
      zip(node.parameters, values).map { description, value in
        guard description.isLearnable else { return value }
        let result = change(node.fullName(description), value)
        precondition(result.shape == value.shape, "\(node.fullName(description)) changed its shape")
        return result
      }
    }
    return Network(graph, values: changed, executor: executor)
  }
}
