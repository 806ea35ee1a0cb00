import Pullbacks

extension Patterns {
  /// Layer normalisation and root-mean-square normalisation written out, with their factors and summands.
  func normalisation(at index: Int) -> OnnxNode? {
    let node = nodes[index]
    guard node.domain.isEmpty, ["Add", "Mul", "Div"].contains(node.op) else { return nil }
    // The last node of the layer is looked for from its end: the summand, the factor, the quotient.
    var (output, beta, gamma): (String, String?, String?) = (node.outputs[0], nil, nil)
    var current = node
    if current.op == "Add" {
      guard let (value, constant, _) = split(current), let inner = single(value) else { return nil }
      beta = constant
      current = inner
    } else if usedByNormPart(output) {
      return nil
    }
    if current.op == "Mul", let (value, constant, _) = split(current), let inner = single(value) {
      gamma = constant
      current = inner
    }
    guard let quotient = quotient(current) else { return nil }
    output = node.outputs[0]
    return layerNorm(node, quotient, gamma, beta, output) ?? (beta == nil ? rms(node, quotient, gamma, output) : nil)
  }

  /// The node of a value that one other node takes.
  private func single(_ value: String) -> OnnxNode? {
    guard let node = maker(value), user(value) != nil else { return nil }
    return node
  }

  /// Whether the one user of a value is a known factor or summand, so that the layer ends later.
  private func usedByNormPart(_ value: String) -> Bool {
    guard let (next, _) = user(value), ["Mul", "Add"].contains(next.op), let (own, constant, _) = split(next),
      own == value,
      let extents = self.constant(constant)?.shape, let shape = shape(value), extents.count <= shape.count
    else { return false }
    return extents.contains { $0 > 1 }
  }

  /// Layer normalisation as Keras writes it, `x s + (β - μ s)` where `s = γ / sqrt(σ² + ε)`.
  func factoredNorm(at index: Int) -> OnnxNode? {
    let node = nodes[index]
    guard node.domain.isEmpty, node.op == "Add", node.inputs.count == 2 else { return nil }
    for side in 0..<2 {
      guard let scaled = maker(node.inputs[side], "Mul"), let shift = shift(node.inputs[1 - side]),
        let x = other(scaled, than: shift.factor), let mean = mean(shift.mean), mean.source == x, let shape = shape(x)
      else { continue }
      var (factor, gamma): (String, String?) = (shift.factor, nil)
      if let product = maker(factor, "Mul"), let (value, constant, _) = split(product) {
        (factor, gamma) = (value, constant)
      }
      guard let root = reciprocalRoot(factor), let squares = squares(under: root), squares.axes == mean.axes,
        centred(squares.squared, mean.axes) == x
      else { continue }
      let quotient = Quotient(
        numerator: squares.squared, epsilon: squares.epsilon, squared: squares.squared, axes: mean.axes)
      return norm("LayerNormalization", node, quotient, x, shape, [gamma, shift.beta], node.outputs[0])
    }
    return nil
  }

  /// The parts of `β - μ s`, as a difference, as a sum with `-μ s`, or without β.
  private func shift(_ value: String) -> (mean: String, factor: String, beta: String?)? {
    if let difference = maker(value, "Sub"), difference.inputs.count == 2, constant(difference.inputs[0]) != nil,
      let product = maker(difference.inputs[1], "Mul")
    {
      let (first, second) = (product.inputs[0], product.inputs[1])
      return mean(first) != nil ? (first, second, difference.inputs[0]) : (second, first, difference.inputs[0])
    }
    var (value, beta): (String, String?) = (value, nil)
    if let sum = maker(value, "Add"), let (inner, constant, _) = split(sum) { (value, beta) = (inner, constant) }
    guard let product = maker(value, "Mul") else { return nil }
    for (index, input) in product.inputs.enumerated() {
      if let negative = maker(input, "Neg") { return (negative.inputs[0], product.inputs[1 - index], beta) }
    }
    return nil
  }

  /// The operand of a product that is not this one.
  private func other(_ product: OnnxNode, than value: String) -> String? {
    product.inputs.firstIndex(of: value).map { product.inputs[1 - $0] }
  }

  /// `numerator / sqrt(squares + epsilon)`, the squares a mean over some axes.
  private struct Quotient {
    let numerator: String
    let epsilon: Double
    /// The name of the squared value.
    let squared: String
    let axes: [Int]
  }

  private func quotient(_ node: OnnxNode) -> Quotient? {
    guard node.inputs.count == 2 else { return nil }
    var root: String?
    var numerator = node.inputs[0]
    if node.op == "Div" {
      if let sqrt = maker(node.inputs[1], "Sqrt") { root = sqrt.inputs[0] }
      if let power = maker(node.inputs[1], "Pow"), number(power.inputs[1]) == 0.5 { root = power.inputs[0] }
    } else if node.op == "Mul" {
      for (index, factor) in node.inputs.enumerated() where root == nil {
        numerator = node.inputs[1 - index]
        root = reciprocalRoot(factor)
      }
    }
    guard let root, let squares = squares(under: root) else { return nil }
    return Quotient(numerator: numerator, epsilon: squares.epsilon, squared: squares.squared, axes: squares.axes)
  }

  /// The value that a factor is one over the square root of.
  private func reciprocalRoot(_ factor: String) -> String? {
    if let reciprocal = maker(factor, "Reciprocal"), let sqrt = maker(reciprocal.inputs[0], "Sqrt") {
      return sqrt.inputs[0]
    }
    if let power = maker(factor, "Pow"), number(power.inputs[1]) == -0.5 { return power.inputs[0] }
    if let division = maker(factor, "Div"), number(division.inputs[0]) == 1 {
      return maker(division.inputs[1], "Sqrt")?.inputs[0]
    }
    return nil
  }

  /// The parts of a mean of squares and an epsilon.
  private func squares(under root: String) -> (squared: String, axes: [Int], epsilon: Double)? {
    guard let sum = maker(root, "Add"), let (value, constant, _) = split(sum), let epsilon = number(constant),
      epsilon >= 0, let mean = mean(value), let square = maker(mean.source, "Pow", "Mul"),
      square.op == "Pow" ? number(square.inputs[1]) == 2 : square.inputs[0] == square.inputs[1]
    else { return nil }
    return (square.inputs[0], mean.axes, epsilon)
  }

  /// The value that a mean was taken from, and over which axes, in order; the mean keeps them.
  private func mean(_ value: String) -> (source: String, axes: [Int])? {
    guard let reduce = maker(value, "ReduceMean", "GlobalAveragePool"), let rank = shape(reduce.inputs[0])?.count else {
      return nil
    }
    if reduce.op == "GlobalAveragePool" { return rank > 2 ? (reduce.inputs[0], Array(2..<rank)) : nil }
    guard reduce.int("keepdims", 1) != 0 else { return nil }
    let numbers = reduce.input(1) != nil ? try? constant(reduce.inputs[1])?.integers() : reduce.ints("axes")
    return numbers.map { (reduce.inputs[0], $0.compactMap { axis($0, of: rank) }.sorted()) }
  }

  /// The value that a mean was taken from, over these axes.
  private func centred(_ value: String, _ axes: [Int]) -> String? {
    guard let difference = maker(value, "Sub"), difference.inputs.count == 2, let mean = mean(difference.inputs[1]),
      mean.source == difference.inputs[0], mean.axes == axes
    else { return nil }
    return difference.inputs[0]
  }

  private func layerNorm(
    _ node: OnnxNode, _ quotient: Quotient, _ gamma: String?, _ beta: String?, _ output: String
  ) -> OnnxNode? {
    guard let x = centred(quotient.numerator, quotient.axes),
      quotient.squared == quotient.numerator || centred(quotient.squared, quotient.axes) == x,
      let shape = shape(x)
    else { return nil }
    return norm("LayerNormalization", node, quotient, x, shape, [gamma, beta], output)
  }

  private func rms(_ node: OnnxNode, _ quotient: Quotient, _ gamma: String?, _ output: String) -> OnnxNode? {
    guard quotient.numerator == quotient.squared, let shape = shape(quotient.squared) else { return nil }
    return norm("RMSNormalization", node, quotient, quotient.squared, shape, [gamma], output)
  }

  /// - Parameter parameters: the names of factor and summand, nil where there is none.
  private func norm(
    _ op: String, _ node: OnnxNode, _ quotient: Quotient, _ x: String, _ shape: [Int], _ parameters: [String?],
    _ output: String
  ) -> OnnxNode? {
    let rank = shape.count
    let trailing = quotient.axes == Array((rank - quotient.axes.count)..<rank)
    let channels = op == "LayerNormalization" && quotient.axes == [1] && rank > 2
    // A constant of many axes can give the file's value more of them than x has.
    guard trailing || channels, !quotient.axes.isEmpty, self.shape(output) == shape else { return nil }
    let normalised = quotient.axes.map { shape[$0] }
    for parameter in parameters.compactMap({ $0 }) {
      guard let own = constant(parameter)?.shape else { return nil }
      let full = [Int](repeating: 1, count: max(0, rank - own.count)) + own
      guard full.count == rank,
        full.indices.allSatisfy({ full[$0] == 1 || quotient.axes.contains($0) && full[$0] == shape[$0] }),
        own.reduce(1, *) == normalised.reduce(1, *)
      else { return nil }
    }
    var layer = layer(
      channels && !trailing ? "ChannelNorm" : op, node, domain: channels && !trailing ? "pullbacks" : "",
      inputs: [x] + parameters.map { $0 ?? "" }, output: output)
    layer.set("epsilon", Float(quotient.epsilon))
    layer.set("axis", -quotient.axes.count)
    return layer
  }

  /// Group normalisation as torch writes it: an instance normalisation of groups that were made channels, then a factor
  /// and a summand for each channel.
  func groupNorm(at index: Int) -> OnnxNode? {
    let node = nodes[index]
    guard node.domain.isEmpty, node.op == "Add", let (product, beta, _) = split(node),
      let factor = maker(product, "Mul"),
      let (back, gamma, _) = split(factor), let last = maker(back, "Reshape"),
      let norm = maker(last.inputs[0], "InstanceNormalization"), let first = maker(norm.inputs[0], "Reshape"),
      let shape = shape(first.inputs[0]), self.shape(back) == shape, let groups = self.shape(norm.inputs[0])?[1],
      shape.count > 1, let scale = constant(norm.input(1)), let shift = constant(norm.input(2)),
      (try? scale.floats().allSatisfy { $0 == 1 }) == true, (try? shift.floats().allSatisfy { $0 == 0 }) == true,
      constant(gamma)?.count == shape[1], constant(beta)?.count == shape[1], groups > 0, shape[1] % groups == 0
    else { return nil }
    var layer = layer("GroupNormalization", node, inputs: [first.inputs[0], gamma, beta], output: node.outputs[0])
    layer.set("num_groups", groups)
    layer.set("epsilon", norm.float("epsilon", 1e-5))
    return layer
  }

  /// A softmax written out: `exp(x - max x)` over its sum.
  func softmax(at index: Int) -> OnnxNode? {
    let node = nodes[index]
    guard node.domain.isEmpty, node.op == "Div", node.inputs.count == 2, let exponential = maker(node.inputs[0], "Exp"),
      let sum = moved(node.inputs[1], "ReduceSum"), sum.inputs[0] == node.inputs[0],
      let difference = maker(exponential.inputs[0], "Sub"), let largest = moved(difference.inputs[1], "ReduceMax"),
      largest.inputs[0] == difference.inputs[0], let shape = shape(difference.inputs[0]), !shape.isEmpty,
      let axis = lone(sum), axis == lone(largest), self.shape(node.outputs[0]) == shape
    else { return nil }
    // A reduced value must lie along the same axes again when the quotient is taken.
    let kept = shape.indices.map { $0 == axis ? 1 : shape[$0] }
    guard [node.inputs[1], difference.inputs[1]].allSatisfy({ self.shape($0) == kept || self.shape($0) == shape })
    else {
      return nil
    }
    var layer = layer("Softmax", node, inputs: [difference.inputs[0]], output: node.outputs[0], opset: 13)
    layer.set("axis", axis)
    return layer
  }

  /// The node of one operator that a value comes from, by nothing but other shapes.
  private func moved(_ value: String, _ op: String) -> OnnxNode? {
    var value = value
    for _ in 0..<4 {
      guard let node = maker(value), node.domain.isEmpty else { return nil }
      if node.op == op { return node }
      guard ["Reshape", "Expand", "Identity", "Unsqueeze"].contains(node.op) else { return nil }
      value = node.inputs[0]
    }
    return nil
  }

  /// The one axis of a reduction.
  private func lone(_ reduce: OnnxNode) -> Int? {
    guard let rank = shape(reduce.inputs[0])?.count else { return nil }
    let numbers = reduce.input(1) != nil ? try? constant(reduce.inputs[1])?.integers() : reduce.ints("axes")
    guard let numbers, numbers.count == 1 else { return nil }
    return axis(numbers[0], of: rank)
  }

  /// A factor and a summand for each channel of what comes in: the normalisation that a network begins with.
  func channelAffine(at index: Int) -> OnnxNode? {
    let node = nodes[index]
    guard node.domain.isEmpty, node.op == "Add", let (value, shift, _) = split(node),
      let product = maker(value, "Mul"), user(value) != nil, let (source, scale, _) = split(product),
      maker(source) == nil, let shape = shape(source), shape.count > 1, slots[source]?.kind.isFloat == true
    else { return nil }
    let perChannel = [shape[1]] + [Int](repeating: 1, count: shape.count - 2)
    guard [scale, shift].allSatisfy({ self.shape($0) == perChannel }) else { return nil }
    return OnnxNode(
      name: node.name, op: "ChannelAffine", domain: "pullbacks", inputs: [source, scale, shift], outputs: node.outputs,
      opset: node.opset)
  }

  /// A matrix of weights and the summand behind it.
  func bias(at index: Int) -> OnnxNode? {
    let node = nodes[index]
    guard node.domain.isEmpty, node.op == "Add", let (value, bias, _) = split(node),
      let product = maker(value, "MatMul"), product.inputs.count == 2, user(value) != nil,
      constant(product.inputs[0]) == nil, let weight = constant(product.inputs[1]), weight.shape.count == 2,
      let own = constant(bias)?.shape, own == [weight.shape[1]]
    else { return nil }
    return OnnxNode(
      name: product.name, op: "MatMul", domain: "", inputs: product.inputs + [bias], outputs: node.outputs,
      opset: node.opset)
  }
}
