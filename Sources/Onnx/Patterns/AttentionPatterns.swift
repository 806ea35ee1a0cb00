import Foundation
import Pullbacks

extension Patterns {
  /// `softmax(scale q k^T + mask) v`, in the ways exporters write it: by products of matrices or Einstein's sums, scaled
  /// before or after, the keys transposed together with the heads or apart, masks and position biases added or chosen by,
  /// for windows under another shape than the one that the product has, and a scale for each head.
  ///
  /// The node that stands for it has the domain `pullbacks`, the operator `Attention`, and the inputs q, k, v and
  /// perhaps masks, a condition and a scale for each head; attributes say in which order each has its axes.
  func attention(at index: Int) -> OnnxNode? {
    let node = nodes[index]
    guard let last = matrixProduct(node), let (weights, values) = weightsAndValues(last) else { return nil }
    guard let scores = scores(weights.inputs[0]), let product = maker(scores.product).flatMap(matrixProduct),
      let productShape = shape(scores.product)
    else { return nil }
    var (query, key, value) = (product.left, product.right, values)
    let outer = Array(productShape.dropLast(2))
    func extents(_ operand: Operand) -> [Int]? {
      guard let shape = shape(operand.name), shape.count == operand.order.count else { return nil }
      return operand.order.map { shape[$0] }
    }
    guard productShape.count >= 3, product.isPlain, let queryShape = extents(query), let keyShape = extents(key),
      let valueShape = extents(value), let weightsShape = extents(last.left),
      // Weights under other outer axes than those of the values would be multiplied with each of them.
      [queryShape, keyShape, valueShape, weightsShape].allSatisfy({ $0.dropLast(2) == outer[...] }),
      constant(query.name) == nil || constant(key.name) == nil
    else { return nil }
    let scale = scores.scale * follow(&query) * follow(&key)
    guard follow(&value) == 1 else { return nil }
    var output = node.outputs[0]
    var outputOrder = last.output
    if let (next, _) = user(output), next.op == "Transpose", let order = next.ints("perm"),
      order.sorted() == outputOrder.sorted()
    {
      (output, outputOrder) = (next.outputs[0], order.map { outputOrder[$0] })
    }
    var inputs = [query.name, key.name, value.name]
    inputs += scores.masks.map(\.name)
    inputs += scores.condition.map { [$0.mask.name] } ?? []
    inputs += scores.headScale.map { [$0.name] } ?? []
    var layer = OnnxNode(
      name: node.name, op: "Attention", domain: "pullbacks", inputs: inputs, outputs: [output], opset: 21)
    layer.set("masks", scores.masks.count)
    layer.set("conditions", scores.condition.map { $0.isOpen ? 1 : -1 } ?? 0)
    layer.set("fill", Float(scores.condition?.fill ?? 0))
    layer.set("headScales", scores.headScale == nil ? 0 : 1)
    layer.set("scale", Float(scale))
    let shaped = scores.masks + (scores.condition.map { [$0.mask] } ?? []) + (scores.headScale.map { [$0] } ?? [])
    for (number, mask) in shaped.enumerated() { layer.set("shape\(number)", mask.shape) }
    for (name, order) in [("q", query.order), ("k", key.order), ("v", value.order), ("y", outputOrder)] {
      layer.set(name, order)
    }
    return layer
  }

  /// A factor of a product, and for each of its axes in the product the axis that it has itself: those before the last
  /// two, then rows, then features.
  private struct Operand {
    var name: String
    var order: [Int]
  }

  /// A product of matrices `left right^T`, whose factors are both brought to (outer axes, rows, summed axis).
  private struct Product {
    var left, right: Operand
    /// For each axis of the output, which one of (outer axes, rows of the left, rows of the right) it is.
    var output: [Int]
    /// Whether the output has them in that order.
    var isPlain: Bool { output == Array(output.indices) }
  }

  /// A product of two values that are both computed, as a matrix product or as Einstein's sum that is one.
  private func matrixProduct(_ node: OnnxNode) -> Product? {
    guard node.domain.isEmpty, node.inputs.count == 2, node.op == "MatMul" || node.op == "Einsum",
      let rank = shape(node.inputs[0])?.count, shape(node.inputs[1])?.count == rank, rank >= 2
    else { return nil }
    let (left, right) = (node.inputs[0], node.inputs[1])
    if node.op == "MatMul" {
      return Product(
        left: Operand(name: left, order: Array(0..<rank)),
        right: Operand(name: right, order: Array(0..<rank - 2) + [rank - 1, rank - 2]), output: Array(0..<rank))
    }
    let sides = node.text("equation").filter { $0 != " " }.components(separatedBy: "->")
    let terms = sides[0].split(separator: ",").map(Array.init)
    guard sides.count == 2, terms.count == 2, terms.allSatisfy({ $0.count == rank && Set($0).count == rank }) else {
      return nil
    }
    let target = Array(sides[1])
    let outer = target.filter { terms[0].contains($0) && terms[1].contains($0) }
    let summed = terms[0].filter { !target.contains($0) && terms[1].contains($0) }
    let rows = terms.map { term in term.filter { !outer.contains($0) && !summed.contains($0) } }
    guard outer.count == rank - 2, summed.count == 1, rows.allSatisfy({ $0.count == 1 }),
      Set(target) == Set(outer + rows[0] + rows[1]), target.count == rank
    else { return nil }
    func operand(_ name: String, _ index: Int) -> Operand {
      Operand(name: name, order: (outer + rows[index] + summed).map { terms[index].firstIndex(of: $0)! })
    }
    let axes = outer + rows[0] + rows[1]
    return Product(
      left: operand(left, 0), right: operand(right, 1), output: target.map { axes.firstIndex(of: $0)! })
  }

  /// Which factor of the last product is the attention matrix, and which the values, as (outer axes, keys, features).
  private func weightsAndValues(_ product: Product) -> (OnnxNode, Operand)? {
    let rank = product.output.count
    let plain = Array(0..<rank)
    // The matrix's rows are queries, its last axis the keys that are summed over.
    guard product.left.order == plain, constant(product.right.name) == nil, let weights = softmax(product.left.name)
    else { return nil }
    var values = product.right
    values.order.swapAt(rank - 2, rank - 1)
    return (weights, values)
  }

  /// Whether a node is a product whose one factor comes from a softmax by way of a layer with weights, so that it is no
  /// attention matrix: talking heads.
  func hasMixedWeights(_ node: OnnxNode) -> Bool { matrixProduct(node) != nil && node.inputs.contains(where: isMixed) }

  /// Whether a value is a softmax whose weights were mixed by a layer.
  private func isMixed(_ value: String) -> Bool {
    var value = value
    var isMixed = false
    for _ in 0..<12 {
      guard let node = maker(value), node.domain.isEmpty else { return false }
      switch node.op {
      case "Softmax": return isMixed
      case "Transpose", "Reshape", "Identity", "Cast", "Dropout", "Unsqueeze", "Squeeze": value = node.inputs[0]
      case "MatMul", "Gemm", "Conv":
        guard node.inputs.count > 1, constant(node.inputs[1]) != nil else { return false }
        isMixed = true
        value = node.inputs[0]
      case "Add", "Mul":
        guard let (next, _, _) = split(node) else { return false }
        value = next
      default: return false
      }
    }
    return false
  }

  /// A mask, and the shape that it is broadcast to where it is added.
  private struct Mask {
    let name: String
    let shape: [Int]
  }

  /// What lies between a softmax and the product of queries and keys.
  private struct Scores {
    var product: String
    var scale = 1.0
    var masks: [Mask] = []
    /// Where its condition holds, a place is open or closed; `fill` is added to closed ones.
    var condition: (mask: Mask, isOpen: Bool, fill: Double)?
    /// A known factor for each head.
    var headScale: Mask?
  }

  /// From the softmax up to the product of queries and keys.
  private func scores(_ value: String) -> Scores? {
    var scores = Scores(product: value)
    for _ in 0..<16 {
      guard let step = maker(scores.product), step.domain.isEmpty, let shape = shape(scores.product), shape.count > 2
      else { return nil }
      // A mask that is added before the product is scaled would be scaled with it.
      let isScaled = scores.scale != 1 || scores.headScale != nil
      switch step.op {
      case "MatMul", "Einsum": return scores
      case "Mul", "Div":
        guard let (value, constant, isFirst) = split(step), step.op == "Mul" || isFirst, self.shape(value) == shape
        else {
          return nil
        }
        if let factor = number(constant), factor != 0 {
          scores.scale *= step.op == "Mul" ? factor : 1 / factor
        } else {
          guard step.op == "Mul", scores.headScale == nil, let own = self.shape(constant), own.count >= 2,
            own.suffix(2) == [1, 1]
          else { return nil }
          scores.headScale = Mask(name: constant, shape: shape.dropLast(2) + [1, 1])
        }
        scores.product = value
      case "Add":
        guard !isScaled, scores.masks.count < 4, let mask = mask(of: step, scores: shape) else { return nil }
        scores.masks.append(Mask(name: mask.name, shape: shape))
        scores.product = mask.value
      case "Where":
        guard scores.condition == nil, !isScaled, step.inputs.count == 3 else { return nil }
        let condition = Mask(name: step.inputs[0], shape: shape)
        if let number = number(step.inputs[2]), number <= -1e3, self.shape(step.inputs[1]) == shape {
          scores.condition = (condition, true, number)
          scores.product = step.inputs[1]
        } else if let number = number(step.inputs[1]), number <= -1e3, self.shape(step.inputs[2]) == shape {
          scores.condition = (condition, false, number)
          scores.product = step.inputs[2]
        } else {
          return nil
        }
      case "Reshape", "Unsqueeze", "Squeeze":
        guard let source = reshaped(scores.product) else { return nil }
        scores.product = source
      case "Cast", "Identity": scores.product = step.inputs[0]
      default: return nil
      }
    }
    return nil
  }

  /// The value that matrices are taken from by nothing but other outer axes: windows apart from images, heads apart
  /// from examples. tf2onnx's sums by Einstein come here by way of one axis more.
  private func reshaped(_ value: String) -> String? {
    guard let matrix = shape(value)?.suffix(2) else { return nil }
    var current = value
    for _ in 0..<4 {
      guard let node = maker(current, "Reshape", "Unsqueeze", "Squeeze") else { return nil }
      current = node.inputs[0]
      if let source = shape(current), source.count > 2, source.suffix(2) == matrix { return current }
    }
    return nil
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
      case "Reshape", "Unsqueeze", "Squeeze":
        guard let source = reshaped(value) else { return nil }
        value = source
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
      case "MatMul", "Einsum": return matrixProduct(node) != nil && constant(node.inputs[1]) == nil
      case "Mul", "Div", "Cast", "Identity", "Reshape", "Unsqueeze", "Squeeze":
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
