import Foundation
import Pullbacks

extension Lowering {
  /// Matrices and their products.
  static let products: [String: Operator] = [
    "MatMul": { try $0.matrixProduct($1) },
    "Gemm": { try $0.gemm($1) },
    "Einsum": { try $0.einsum($1) },
  ]

  private func matrixProduct(_ node: OnnxNode) throws {
    let (a, b) = (try input(node, 0), try input(node, 1))
    guard a.rank > 0, b.rank > 0 else { throw failure(node, "a factor is a number") }
    if !a.isConstant, let weight = b.constant, weight.shape.count == 2, weight.kind.isFloat {
      // A bias that a pattern found beside it.
      return try linear(node, a, weight, transposed: true, bias: node.input(2) == nil ? nil : try self.weight(node, 2))
    }
    if node.flag("mixed") {
      say("its weights were mixed after their softmax (talking heads), which is no attention layer")
    }
    let (result, dropped) = try product(a, b, node.name)
    set(node, result, dropped: dropped, from: [a, b])
  }

  /// A layer of weights: `x W^T + b`, the weight `(outputs, K)`, or transposed.
  ///
  /// - Parameter bias: nil for none.
  func linear(
    _ node: OnnxNode, _ slot: Slot, _ weight: StoredValue, transposed: Bool, scale: Float = 1, bias: StoredValue? = nil,
    biasScale: Float = 1
  ) throws {
    let (outputs, width) = transposed ? (weight.shape[1], weight.shape[0]) : (weight.shape[0], weight.shape[1])
    let dropped = slot.canDrop && slot.rank > 1
    let x = try signal(slot, dropped: dropped)
    guard x.shape.last == width, outputs > 0 else {
      throw failure(node, "a weight of shape \(weight.shape) does not fit an input of shape \(slot.shape)")
    }
    var weights: [String: () throws -> Tensor] = [
      "weight": {
        let tensor = try weight.tensor()
        let rows = transposed ? tensor.permuted([1, 0]) : tensor
        return scale == 1 ? rows : scale * rows
      }
    ]
    if let bias {
      guard bias.count == outputs || bias.count == 1 else {
        throw failure(node, "a bias of shape \(bias.shape) does not fit \(outputs) outputs")
      }
      weights["bias"] = {
        let tensor = try bias.tensor().reshaped([bias.count])
        return biasScale * (bias.count == outputs ? tensor : tensor.tiled(outputs))
      }
    }
    let result = try emit(Linear(outputs, bias: bias != nil), node.name, [x], weights: weights)
    set(node, result, dropped: dropped, from: [slot])
  }

  /// The product of two values as numpy's matmul has it: vectors are rows or columns.
  func product(_ a: Slot, _ b: Slot, _ name: String?) throws -> (Signal, dropped: Bool) {
    let carrying = [a.carries, b.carries]
    if a.rank >= 3 && b.rank >= 3 {
      var (signals, dropped) = try aligned([a, b])
      if signals.contains(where: { $0.shape.count < 2 }) {
        signals = try [a, b].map { try signal($0, dropped: false) }
        dropped = false
      }
      return (try emit(MatrixMultiply(), name, signals, carrying: carrying), dropped)
    }
    if a.isDropped, a.rank >= 3, b.rank == 2 {
      let signals = [try signal(a, dropped: true), try signal(b, dropped: false)]
      return (try emit(MatrixMultiply(), name, signals, carrying: carrying), true)
    }
    var (x, y) = (try signal(a, dropped: false), try signal(b, dropped: false))
    if a.rank == 1 { x = try reshape(x, [1] + x.shape) }
    if b.rank == 1 { y = try reshape(y, y.shape + [1]) }
    let isPlain = a.rank > 1 && b.rank > 1
    let result = try emit(MatrixMultiply(), isPlain ? name : nil, [x, y], carrying: carrying)
    guard !isPlain else { return (result, false) }
    var shape = result.shape
    if b.rank == 1 { shape.removeLast() }
    if a.rank == 1 { shape.remove(at: shape.count - (b.rank == 1 ? 1 : 2)) }
    return (try reshape(result, shape, name), false)
  }

  private func gemm(_ node: OnnxNode) throws {
    let (a, b) = (try input(node, 0), try input(node, 1))
    guard a.rank == 2, b.rank == 2 else {
      throw failure(node, "factors of shapes \(a.shape) and \(b.shape) are no matrices")
    }
    let (alpha, beta) = (node.float("alpha", 1), node.float("beta", 1))
    let transposesB = node.flag("transB")
    let summand = optional(node, 2)
    if !a.isConstant, !node.flag("transA"), let weight = b.constant, weight.kind.isFloat {
      let outputs = weight.shape[transposesB ? 0 : 1]
      if summand == nil {
        return try linear(node, a, weight, transposed: !transposesB, scale: alpha)
      }
      if let bias = summand?.constant, bias.kind.isFloat,
        bias.count == 1 || bias.shape.last == outputs && bias.count == outputs
      {
        return try linear(node, a, weight, transposed: !transposesB, scale: alpha, bias: bias, biasScale: beta)
      }
    }
    func factor(_ slot: Slot, _ transposes: Bool) throws -> Slot {
      guard transposes else { return slot }
      let turned = try emit(Transpose([1, 0]), nil, [try signal(slot, dropped: false)])
      return Slot(turned, dropped: false, kind: slot.kind, carries: slot.carries)
    }
    var (result, dropped) = try product(try factor(a, node.flag("transA")), try factor(b, transposesB), nil)
    if alpha != 1 { result = try emit(Multiply(), nil, [result, number(alpha)]) }
    if let summand {
      var part = try signal(summand, dropped: false)
      if beta != 1 { part = try emit(Multiply(), nil, [part, number(beta)]) }
      result = try emit(Add(), node.name, [dropped ? try reshape(result, [1] + result.shape) : result, part])
      dropped = false
    }
    set(node, result, dropped: dropped, from: [a, b] + (summand.map { [$0] } ?? []))
  }

  // MARK: Einstein's sums

  /// Letters that only one factor has are summed over in it; then both are brought to `(shared, own, summed)`.
  private func einsum(_ node: OnnxNode) throws {
    let text = node.text("equation").filter { $0 != " " }
    let slots = try inputs(node)
    let sides = text.components(separatedBy: "->")
    var terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
    guard terms.count == slots.count, sides.count <= 2, slots.count <= 2, !slots.isEmpty else {
      throw failure(node, "the equation \(text) of \(slots.count) values is not read", advice: "write it as MatMul")
    }
    // An ellipsis stands for the axes that the other letters leave, here for capital letters that no equation uses.
    let spare = (0..<16).map { Character(UnicodeScalar(UInt8(0xC0 + $0))) }
    var ellipsis: [Character] = []
    for (index, term) in terms.enumerated() where String(term).contains("...") {
      let rank = slots[index].rank - (term.count - 3)
      guard rank >= 0, rank <= spare.count else { throw failure(node, "the equation \(text) does not fit") }
      let letters = Array(spare.suffix(rank))
      terms[index] = Array(String(term).replacing("...", with: String(letters)))
      if letters.count > ellipsis.count { ellipsis = letters }
    }
    for (term, slot) in zip(terms, slots) where term.count != slot.rank || Set(term).count != term.count {
      throw failure(
        node, "the equation \(text) does not fit shapes \(slots.map(\.shape))", advice: "diagonals are not read")
    }
    let target: [Character]
    if sides.count == 2 {
      target = Array(sides[1].replacing("...", with: String(ellipsis)))
    } else {
      let all = terms.flatMap { $0 }
      target =
        ellipsis + all.filter { letter in all.count { $0 == letter } == 1 && !ellipsis.contains(letter) }.sorted()
    }
    guard Set(target).count == target.count, target.allSatisfy({ letter in terms.contains { $0.contains(letter) } })
    else {
      throw failure(node, "the equation \(text) is not read")
    }
    var signals = try slots.map { try signal($0, dropped: false) }
    // Axes that neither the result nor another factor has are summed over.
    for index in signals.indices {
      let other = signals.count == 2 ? terms[1 - index] : []
      let lone = terms[index].indices.filter { !target.contains(terms[index][$0]) && !other.contains(terms[index][$0]) }
      guard !lone.isEmpty else { continue }
      signals[index] = try emit(Reduce(.sum, axes: lone), nil, [signals[index]])
      terms[index] = terms[index].indices.filter { !lone.contains($0) }.map { terms[index][$0] }
    }
    guard signals.count == 2 else {
      let order = target.map { terms[0].firstIndex(of: $0)! }
      let result = try emit(Transpose(order), node.name, [signals[0]])
      return set(node, result, dropped: false, from: slots)
    }
    func extent(_ letter: Character) -> Int {
      (0..<2).compactMap { index in terms[index].firstIndex(of: letter).map { signals[index].shape[$0] } }.max()!
    }
    let shared = target.filter { terms[0].contains($0) && terms[1].contains($0) }
    let summed = terms[0].filter { !target.contains($0) }
    let left = target.filter { terms[0].contains($0) && !terms[1].contains($0) }
    let right = target.filter { !terms[0].contains($0) && terms[1].contains($0) }
    func brought(_ index: Int, _ first: [Character], _ second: [Character]) throws -> Signal {
      let order = (shared + first + second).map { terms[index].firstIndex(of: $0)! }
      let turned = try emit(Transpose(order), nil, [signals[index]])
      let outer = turned.shape.prefix(shared.count)
      return try reshape(
        turned,
        outer + [
          turned.shape[shared.count..<shared.count + first.count].reduce(1, *),
          turned.shape[(shared.count + first.count)...].reduce(1, *),
        ])
    }
    let factors = [try brought(0, left, summed), try brought(1, summed, right)]
    let matrix = try emit(MatrixMultiply(), nil, factors, carrying: slots.map(\.carries))
    let letters = shared + left + right
    let apart = try reshape(matrix, letters.map(extent))
    let result = try emit(Transpose(target.map { letters.firstIndex(of: $0)! }), node.name, [apart])
    set(node, result, dropped: false, from: slots)
  }
}
