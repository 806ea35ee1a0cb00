import Pullbacks

/// Finds layers that a graph writes out in primitives, and puts one node in the place of each.
struct Patterns {
  private(set) var nodes: [OnnxNode]
  /// The values by name: their shapes, and their elements if known.
  private(set) var slots: [String: Slot]
  private let outputs: Set<String>
  private var makers: [String: Int] = [:]
  private var users: [String: [Int]] = [:]

  init(_ nodes: [OnnxNode], _ slots: [String: Slot], outputs: [String]) {
    self.nodes = nodes
    self.slots = slots
    self.outputs = Set(outputs)
    index()
  }

  private mutating func index() {
    makers = [:]
    users = [:]
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { makers[output] = index }
      for input in node.inputs where !input.isEmpty { users[input, default: []].append(index) }
    }
  }

  /// The nodes with layers in the place of primitives, without those that nothing depends on any more.
  ///
  /// - Parameter endingAtLogits: whether a softmax or a sigmoid that is an output, and nothing else, is left out.
  static func applied(
    to nodes: [OnnxNode], _ slots: [String: Slot], outputs: [String], endingAtLogits: Bool
  ) -> [OnnxNode] {
    var patterns = Patterns(nodes, slots, outputs: outputs)
    for find in [
      { $0.channelAffine(at: $1) }, { $0.gate(at: $1) }, { $0.normalisation(at: $1) }, { $0.factoredNorm(at: $1) },
      { $0.groupNorm(at: $1) }, { $0.bias(at: $1) }, { $0.softmax(at: $1) }, { $0.attention(at: $1) },
    ] as [(Patterns, Int) -> OnnxNode?] {
      patterns.replace(find)
    }
    if endingAtLogits { patterns.endAtLogits() }
    patterns.markActivations()
    for index in patterns.nodes.indices where patterns.hasMixedWeights(patterns.nodes[index]) {
      patterns.nodes[index].set("mixed", 1)
    }
    return patterns.nodes
  }

  /// Puts what it takes in the place of a softmax or a sigmoid at the very end.
  private mutating func endAtLogits() {
    for index in nodes.indices where nodes[index].domain.isEmpty {
      let node = nodes[index]
      guard ["Softmax", "LogSoftmax", "Sigmoid"].contains(node.op), slots[node.inputs[0]]?.isConstant == false,
        isLast(node.outputs[0])
      else { continue }
      nodes[index] = layer("Identity", node, inputs: [node.inputs[0]], output: node.outputs[0])
      nodes[index].absorbed = [node] + node.absorbed
      nodes[index].set("logits", 1)
    }
  }

  /// Whether a value is an output and taken by no node, up to those that only name it anew or lay it out differently.
  private func isLast(_ value: String) -> Bool {
    let users = users[value] ?? []
    if outputs.contains(value) { return users.isEmpty }
    let laying: Set = ["Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"]
    guard users.count == 1, laying.contains(nodes[users[0]].op), nodes[users[0]].inputs[0] == value else {
      return false
    }
    return isLast(nodes[users[0]].outputs[0])
  }

  /// Bounded functions that no product takes are activations like others, and no gates.
  private mutating func markActivations() {
    for index in nodes.indices {
      guard let gating = Self.gating(nodes[index]) else { continue }
      let value = nodes[index].outputs[0]
      // Probabilities that are asked for in the place of logits stay routing.
      let isProbability = outputs.contains(value) && ["Sigmoid", "Softmax"].contains(nodes[index].op)
      if !isProbability, isActivation(value, gating) { nodes[index].set("activation", 1) }
    }
  }

  /// How much of a gate a bounded function is; nil for other nodes.
  private static func gating(_ node: OnnxNode) -> Int? {
    guard node.domain.isEmpty else { return nil }
    return ["Tanh": 0, "Erf": 0, "Sigmoid": 1, "HardSigmoid": 1, "Softmax": 2][node.op]
  }

  private static let moving: Set = [
    "Reshape", "Flatten", "Transpose", "Unsqueeze", "Squeeze", "Expand", "Slice", "Split", "Gather", "Concat", "Cast",
    "Identity", "Dropout", "Add", "Sub", "Mul", "Div", "Neg", "Where", "Tile", "Pad", "Resize", "Pow", "ReduceMean",
    "ReduceSum",
  ]

  /// How much of a gate the bounded function is that a value comes from; nil where it comes from none.
  private func gating(of value: String) -> Int? {
    var current = value
    for _ in 0..<16 {
      guard let node = maker(current) else { return nil }
      if let gating = Self.gating(node) { return gating }
      let inputs = node.inputs.filter { !$0.isEmpty && constant($0) == nil }
      guard node.domain.isEmpty, Self.moving.contains(node.op), inputs.count == 1 else { return nil }
      current = inputs[0]
    }
    return nil
  }

  /// Whether a value reaches a layer or the end, and no product that it gates before that: of two bounded functions the
  /// one that is less of a gate is what the other gates, and of equals each is.
  private func isActivation(_ value: String, _ own: Int) -> Bool {
    var seen: Set<String> = [value]
    var queue = [value]
    var layers = 0
    while let current = queue.popLast() {
      if outputs.contains(current) { layers += 1 }
      for index in users[current] ?? [] {
        let node = nodes[index]
        let others = node.inputs.filter { !$0.isEmpty && $0 != current && constant($0) == nil }
        if ["Mul", "Div", "MatMul", "Einsum"].contains(node.op), !others.isEmpty {
          guard node.op != "Div", others.count == 1, let other = gating(of: others[0]), own <= other else {
            return false
          }
          layers += 1
          continue
        }
        guard node.domain.isEmpty, Self.moving.contains(node.op), seen.count < 64 else {
          layers += 1
          continue
        }
        for output in node.outputs where !output.isEmpty && seen.insert(output).inserted { queue.append(output) }
      }
    }
    return layers > 0
  }

  /// Puts what `find` makes of each node in its place.
  private mutating func replace(_ find: (Patterns, Int) -> OnnxNode?) {
    for index in nodes.indices where !nodes[index].outputs.isEmpty {
      guard var layer = find(self, index) else { continue }
      layer.absorbed = parts(of: layer, at: index)
      for output in layer.outputs {
        // A node behind this one whose value the layer now makes.
        if let other = makers[output], other != index {
          layer.absorbed.append(nodes[other])
          nodes[other].outputs = []
        }
        makers[output] = index
      }
      nodes[index] = layer
    }
    prune()
    index()
  }

  /// The nodes that the layer stands for: those between its inputs and its place.
  private func parts(of layer: OnnxNode, at index: Int) -> [OnnxNode] {
    var seen: Set<Int> = []
    var stack = [index]
    while let next = stack.popLast() {
      guard seen.count < 200 else { break }
      for input in nodes[next].inputs where !input.isEmpty && !layer.inputs.contains(input) {
        guard let maker = makers[input], maker != index, seen.insert(maker).inserted else { continue }
        stack.append(maker)
      }
    }
    // A value that other nodes use as well stays a node of its own.
    let inside = seen.union([index])
    let own = seen.filter { part in
      nodes[part].outputs.allSatisfy { !outputs.contains($0) && (users[$0] ?? []).allSatisfy(inside.contains) }
    }
    return own.sorted().flatMap { [nodes[$0]] + nodes[$0].absorbed } + nodes[index].absorbed
      + (layer.name == nodes[index].name ? [] : [nodes[index]])
  }

  private mutating func prune() { nodes = nodes.needed(for: outputs) }

  // MARK: Looking around

  func maker(_ value: String?) -> OnnxNode? { value.flatMap { makers[$0] }.map { nodes[$0] } }

  /// The node that makes a value, if it is of one of these operators.
  func maker(_ value: String?, _ ops: String...) -> OnnxNode? {
    maker(value).flatMap { $0.domain.isEmpty && ops.contains($0.op) ? $0 : nil }
  }

  /// The one node that takes a value.
  func user(_ value: String) -> (node: OnnxNode, index: Int)? {
    guard let all = users[value], all.count == 1, !outputs.contains(value) else { return nil }
    return (nodes[all[0]], all[0])
  }

  func shape(_ value: String?) -> [Int]? { value.flatMap { slots[$0]?.shape } }
  func constant(_ value: String?) -> StoredValue? { value.flatMap { slots[$0]?.constant } }

  /// A known single number.
  func number(_ value: String?) -> Double? {
    guard let constant = constant(value), constant.count == 1, let number = try? constant.floats().first else {
      return nil
    }
    return Double(number)
  }

  /// The operands of a sum, difference, product or quotient where one is known and the other is not.
  func split(_ node: OnnxNode) -> (value: String, constant: String, isFirst: Bool)? {
    // Before operator set 7 an axis said along which one the second operand lies.
    guard node.inputs.count == 2, node.opset >= 7 || node.attributes["axis"] == nil else { return nil }
    let known = node.inputs.map { constant($0) != nil }
    if known == [false, true] { return (node.inputs[0], node.inputs[1], true) }
    if known == [true, false] { return (node.inputs[1], node.inputs[0], false) }
    return nil
  }

  /// A node that stands for a layer.
  func layer(
    _ op: String, _ node: OnnxNode, domain: String = "", inputs: [String], output: String, opset: Int = 21
  ) -> OnnxNode {
    OnnxNode(name: node.name, op: op, domain: domain, inputs: inputs, outputs: [output], opset: opset)
  }
}
