import Pullbacks

extension Lowering {
  /// The largest values, and where they are.
  static let ranking: [String: Operator] = [
    "TopK": { try $0.topValues($1) },
    "ArgMax": { try $0.topPlace($1, largest: true) },
    "ArgMin": { try $0.topPlace($1, largest: false) },
    "Hardmax": { try $0.hardmax($1) },
  ]

  /// An axis of a value, and the value with the first axis dropped unless it is that one.
  private func ranked(_ node: OnnxNode, _ otherwise: Int) throws -> (Slot, axis: Int, own: Int, Signal, dropped: Bool) {
    let slot = try input(node, 0)
    guard slot.rank > 0, let axis = axis(node.int("axis", otherwise), of: slot.rank) else {
      throw failure(node, "its axis is none of shape \(slot.shape)")
    }
    let (x, dropped) = try along(slot, [axis])
    return (slot, axis, axis - (dropped ? 1 : 0), x, dropped)
  }

  private func topValues(_ node: OnnxNode) throws {
    let (slot, axis, own, x, dropped) = try ranked(node, -1)
    let count = node.input(1) == nil ? node.int("k", 0) : try known(node, 1).integers().first ?? 0
    guard (1...max(1, slot.shape[axis])).contains(count) else {
      throw failure(node, "the \(count) first of \(slot.shape[axis]) values are asked for")
    }
    let largest = node.int("largest", 1) != 0
    say("its choice is held constant")
    let values = try emit(TopK(count, axis: own, largest: largest), node.name, [x], carrying: [slot.carries])
    set(node, values, dropped: dropped, from: [slot])
    guard node.outputs.count > 1, !node.outputs[1].isEmpty else { return }
    let places = try emit(TopPlaces(count, axis: own, largest: largest), "\(node.name).places", [x])
    set(node, Slot(places, dropped: dropped, kind: .int64, carries: false, type: .int64), output: 1)
  }

  private func topPlace(_ node: OnnxNode, largest: Bool) throws {
    let (_, _, own, x, dropped) = try ranked(node, 0)
    let keeps = node.int("keepdims", 1) != 0
    let operation = TopPlaces(1, axis: own, largest: largest, prefersLast: node.flag("select_last_index"))
    var places = try emit(operation, node.name, [x])
    if !keeps {
      var shape = x.shape
      shape.remove(at: own)
      places = try reshape(places, shape)
    }
    set(node, Slot(places, dropped: dropped, kind: .int64, carries: false, type: .int64))
  }

  /// 1 at the first of the largest values, 0 elsewhere.
  private func hardmax(_ node: OnnxNode) throws {
    guard node.opset >= 13 else { throw failure(node, "up to operator set 12 it is of joined axes") }
    let (slot, axis, own, x, dropped) = try ranked(node, -1)
    let places = try emit(Cast(to: .float32), nil, [try emit(TopPlaces(1, axis: own), nil, [x])])
    let shape = x.shape.indices.map { $0 == own ? slot.shape[axis] : 1 }
    let numbers = constant(Tensor(shape: shape, (0..<slot.shape[axis]).map(Float.init)))
    let result = try emit(Comparison.equal, node.name, [places, numbers])
    set(node, result, dropped: dropped, from: [slot], routing: true)
  }
}
