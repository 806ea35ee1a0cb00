extension Graph {
  /// The part of the network that one of its nodes is computed by, with that node as the output: to explain a channel
  /// or a neuron of an inner layer, and to see what an explainer of logits sees there.
  ///
  /// - Throws: ``PullbackError`` if there is no node of this name.
  public func truncated(at name: String) throws(PullbackError) -> Graph {
    let last = try node(name)
    var isNeeded = [Bool](repeating: false, count: nodes.count)
    isNeeded[0] = true
    isNeeded[last] = true
    for index in nodes.indices.reversed() where isNeeded[index] {
      for input in nodes[index].inputs { isNeeded[input] = true }
    }
    var place = [Int](repeating: 0, count: nodes.count)
    var kept: [Node] = []
    for index in nodes.indices where isNeeded[index] {
      place[index] = kept.count
      let node = nodes[index]
      kept.append(
        Node(
          name: node.name, operation: node.operation, inputs: node.inputs.map { place[$0] }, shape: node.shape,
          parameters: node.parameters))
    }
    return Graph(name: "\(self.name) up to \(name)", nodes: kept, output: place[last])
  }

  /// The index of the node called `name`.
  ///
  /// - Throws: ``PullbackError`` if there is none.
  func node(_ name: String) throws(PullbackError) -> Int {
    if let index = index(of: name) { return index }
    let ending = name.split(separator: ".").last.map(String.init) ?? name
    let similar = nodes.map(\.name).filter { $0.hasSuffix(ending) }.suffix(3)
    throw PullbackError(
      .usage, "node \(name)", "\(self.name) has no node of this name",
      advice: similar.isEmpty
        ? "pullbacks rules --nodes lists the nodes" : "similar names are \(similar.joined(separator: ", "))")
  }
}

extension Network {
  /// The network up to a node, whose value becomes the output; parameters are shared.
  ///
  /// - Throws: ``PullbackError`` if there is no node of this name.
  public func truncated(at name: String) throws(PullbackError) -> Network {
    let graph = try graph.truncated(at: name)
    let wanted = Set(graph.nodes.map(\.name))
    return Network(
      graph, values: zip(self.graph.nodes, values).filter { wanted.contains($0.0.name) }.map(\.1), execution: execution)
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
    return Network(graph, values: changed, execution: execution)
  }
}
