import Pullbacks

extension Lowering {
  /// One number of all values along some axes, and running sums.
  static let reductions: [String: Operator] = {
    var all: [String: Operator] = [:]
    let plain: [String: Reduce.Reduction] = [
      "ReduceMean": .mean, "ReduceSum": .sum, "ReduceMax": .max, "ReduceMin": .min, "ReduceProd": .prod,
      "ReduceL1": .l1, "ReduceL2": .l2, "ReduceLogSumExp": .logsumexp,
    ]
    for (name, reduction) in plain { all[name] = { try $0.reduce($1, reduction) } }
    all["ReduceSumSquare"] = { try $0.reduce($1, .sum, squaring: true) }
    all["ReduceLogSum"] = { try $0.reduce($1, .sum, then: .log) }
    all["CumSum"] = { try $0.cumulativeSum($1) }
    return all
  }()

  private func reduce(
    _ node: OnnxNode, _ reduction: Reduce.Reduction, squaring: Bool = false, then function: UnaryFunction? = nil
  ) throws {
    let slot = try input(node, 0)
    let numbers = try integers(node, 1, or: "axes") ?? []
    if numbers.isEmpty, node.flag("noop_with_empty_axes") {
      // Nothing is summed, and what is done to each number is done.
      if squaring {
        let (x, dropped) = try whole(slot)
        let square = try emit(Multiply(), node.name, [x, x], carrying: [slot.carries, slot.carries])
        return set(node, square, dropped: dropped, from: [slot])
      }
      if let function { return try elementwise(node, function) }
      return try elementwise(node, reduction == .l1 || reduction == .l2 ? UnaryFunction.abs : Identity())
    }
    let axes =
      numbers.isEmpty
      ? Array(0..<slot.rank)
      : try numbers.map { number in
        guard slot.rank > 0, let axis = axis(number, of: slot.rank) else {
          throw failure(node, "axis \(number) is none of shape \(slot.shape)")
        }
        return axis
      }
    // A batch of one image leaves nothing to reduce, but the axis may be removed.
    let keeps = node.int("keepdims", 1) != 0
    let (x, dropped) = try along(slot, keeps ? axes.filter { $0 > 0 || !slot.canDrop } : axes)
    var value = x
    if squaring { value = try emit(Multiply(), nil, [x, x], carrying: [slot.carries, slot.carries]) }
    let own = axes.filter { $0 > 0 || !dropped }.map { $0 - (dropped ? 1 : 0) }
    let operation = Reduce(reduction, axes: own, keepingAxes: keeps)
    value = try emit(operation, function == nil ? node.name : nil, [value], carrying: [slot.carries])
    if let function { value = try emit(function, node.name, [value], carrying: [slot.carries]) }
    var out = Slot(value, dropped: dropped, kind: slot.kind, carries: slot.carries)
    out.statistic = reduction == .l2 || reduction == .l1 ? .root : .reduced
    set(node, out)
  }

  private func cumulativeSum(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    guard slot.rank > 0, let axis = axis(try known(node, 1).integers().first ?? 0, of: slot.rank) else {
      throw failure(node, "its axis is none of shape \(slot.shape)")
    }
    let (x, dropped) = try along(slot, [axis])
    let operation = CumulativeSum(
      axis: axis - (dropped ? 1 : 0), exclusive: node.flag("exclusive"), reverse: node.flag("reverse"))
    set(node, try emit(operation, node.name, [x]), dropped: dropped, from: [slot])
  }
}
