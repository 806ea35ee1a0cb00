import Foundation
import Pullbacks

extension Patterns {
  /// `softmax(scale q k^T + mask) v`, in the ways exporters write it: scaled before or after, the keys transposed
  /// together with the heads or apart, a mask added or chosen by.
  ///
  /// The node that stands for it has the domain `pullbacks`, the operator `Attention`, and the inputs q, k, v and
  /// perhaps mask and condition; attributes say in which order each has its axes.
  func attention(at index: Int) -> OnnxNode? {
    let node = nodes[index]
    guard node.domain.isEmpty, node.op == "MatMul", node.inputs.count == 2, constant(node.inputs[1]) == nil,
      let weights = softmax(node.inputs[0])
    else { return nil }
    var scale = 1.0
    var (masks, conditions): ([String], [String]) = ([], [])
    var fill: Double?
    var scores = weights.inputs[0]
    // From the softmax up to the product of queries and keys.
    search: while true {
      guard let step = maker(scores) else { return nil }
      switch step.op {
      case "MatMul": break search
      case "Mul", "Div":
        guard let (value, constant, isFirst) = split(step), let factor = number(constant), factor != 0,
          step.op == "Mul" || isFirst
        else { return nil }
        scale *= step.op == "Mul" ? factor : 1 / factor
        scores = value
      case "Add":
        // A mask that is added before the product is scaled would be scaled with it.
        guard scale == 1, let mask = mask(of: step, scores: shape(scores)) else { return nil }
        masks.append(mask.name)
        scores = mask.value
      case "Where":
        guard conditions.isEmpty, scale == 1, step.inputs.count == 3 else { return nil }
        if let number = number(step.inputs[2]), number <= -1e3 {
          (conditions, fill, scores) = ([step.inputs[0]], number, step.inputs[1])
        } else if let number = number(step.inputs[1]), number <= -1e3 {
          (conditions, fill, scores) = (["!" + step.inputs[0]], number, step.inputs[2])
        } else {
          return nil
        }
      case "Cast", "Identity": scores = step.inputs[0]
      default: return nil
      }
      guard masks.count <= 2 else { return nil }
    }
    guard let product = maker(scores, "MatMul"), product.inputs.count == 2 else { return nil }
    var query = Operand(product.inputs[0])
    var key = Operand(product.inputs[1])
    guard let queryShape = shape(query.name), let keyShape = shape(key.name), let valueShape = shape(node.inputs[1]),
      queryShape.count >= 3, keyShape.count == queryShape.count, valueShape.count == queryShape.count,
      queryShape.dropLast(2) == keyShape.dropLast(2), queryShape.dropLast(2) == valueShape.dropLast(2),
      constant(query.name) == nil || constant(key.name) == nil
    else { return nil }
    let rank = queryShape.count
    key.order = Array(0..<rank - 2) + [rank - 1, rank - 2]
    query.order = Array(0..<rank)
    var value = Operand(node.inputs[1])
    value.order = Array(0..<rank)
    scale *= follow(&query) * follow(&key)
    let valueScale = follow(&value)
    guard valueScale == 1 else { return nil }
    var output = node.outputs[0]
    var outputOrder = Array(0..<rank)
    if let (next, _) = user(output), next.op == "Transpose", let order = next.ints("perm"),
      order.sorted() == outputOrder
    {
      (output, outputOrder) = (next.outputs[0], order)
    }
    var inputs = [query.name, key.name, value.name]
    inputs.append(contentsOf: masks)
    inputs.append(contentsOf: conditions.map { $0.hasPrefix("!") ? String($0.dropFirst()) : $0 })
    var layer = OnnxNode(
      name: node.name, op: "Attention", domain: "pullbacks", inputs: inputs, outputs: [output], opset: 21)
    layer.set("masks", masks.count)
    layer.set("conditions", conditions.isEmpty ? 0 : conditions[0].hasPrefix("!") ? -1 : 1)
    layer.set("fill", Float(fill ?? 0))
    layer.set("scale", Float(scale))
    for (name, order) in [("q", query.order), ("k", key.order), ("v", value.order), ("y", outputOrder)] {
      layer.attributes[name] = Onnx_AttributeProto.with {
        $0.name = name
        $0.type = .ints
        $0.ints = order.map(Int64.init)
      }
    }
    return layer
  }

  /// A factor of a product, and for each of its axes in the product the axis that it has itself.
  private struct Operand {
    var name: String
    var order: [Int] = []
    init(_ name: String) { self.name = name }
  }

  /// Walks up through transpositions and scales; returns the scale.
  private func follow(_ operand: inout Operand) -> Double {
    var scale = 1.0
    while let step = maker(operand.name) {
      switch step.op {
      case "Transpose":
        guard let order = step.ints("perm"), order.count == operand.order.count else { return scale }
        operand.order = operand.order.map { order[$0] }
        operand.name = step.inputs[0]
      case "Mul", "Div":
        guard let (value, constant, isFirst) = split(step), let factor = number(constant), factor != 0,
          step.op == "Mul" || isFirst, shape(value) == shape(operand.name)
        else { return scale }
        scale *= step.op == "Mul" ? factor : 1 / factor
        operand.name = value
      case "Identity": operand.name = step.inputs[0]
      default: return scale
      }
    }
    return scale
  }

  /// The softmax along the last axis that a value is, up to dropout and a guard against rows of no number.
  private func softmax(_ value: String) -> OnnxNode? {
    var value = value
    for _ in 0..<6 {
      guard let node = maker(value), node.domain.isEmpty else { return nil }
      switch node.op {
      case "Softmax":
        guard let rank = shape(node.inputs[0])?.count,
          axis(node.int("axis", node.opset < 13 ? 1 : -1), of: rank) == rank - 1
        else { return nil }
        return node
      case "Dropout", "Identity", "Cast": value = node.inputs[0]
      case "Where":
        // Zeros for rows that are no numbers.
        guard let test = maker(node.inputs[0], "IsNaN"), test.inputs[0] == node.inputs[2], number(node.inputs[1]) == 0
        else { return nil }
        value = node.inputs[2]
      default: return nil
      }
    }
    return nil
  }

  /// The summand that is the mask: the one that does not come from the product of queries and keys.
  private func mask(of sum: OnnxNode, scores: [Int]?) -> (name: String, value: String)? {
    guard sum.inputs.count == 2, let scores else { return nil }
    for (index, candidate) in sum.inputs.enumerated() {
      let other = sum.inputs[1 - index]
      guard shape(other) == scores, leadsToProduct(other) else { continue }
      return (candidate, other)
    }
    return nil
  }

  private func leadsToProduct(_ value: String) -> Bool {
    var value = value
    for _ in 0..<8 {
      guard let node = maker(value) else { return false }
      switch node.op {
      case "MatMul": return node.inputs.count == 2 && constant(node.inputs[1]) == nil
      case "Mul", "Div", "Cast", "Identity":
        guard let next = node.inputs.first(where: { constant($0) == nil }) else { return false }
        value = next
      case "Add":
        guard let next = node.inputs.first(where: { constant($0) == nil && shape($0) == shape(value) }) else {
          return false
        }
        value = next
      case "Where":
        guard let next = node.inputs.dropFirst().first(where: { constant($0) == nil }) else { return false }
        value = next
      default: return false
      }
    }
    return false
  }
}
