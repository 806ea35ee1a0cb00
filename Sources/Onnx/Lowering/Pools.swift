import Pullbacks

extension Lowering {
  /// Pooling over windows, and over whole maps.
  static let pools: [String: Operator] = [
    "MaxPool": { try $0.maxPool($1) },
    "AveragePool": { try $0.averagePool($1) },
    "GlobalAveragePool": { try $0.globalPool($1, .mean) },
    "GlobalMaxPool": { try $0.globalPool($1, .max) },
    "GlobalLpPool": { try $0.globalPool($1, .l2) },
    "LpPool": { try $0.lpPool($1) },
    "LRN": { try $0.localResponse($1) },
  ]

  private func maxPool(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    if node.outputs.count > 1, !node.outputs[1].isEmpty {
      throw failure(node, "the places of the maxima are asked for", advice: "export a model without MaxUnpool")
    }
    let (x, parts) = try images(node, slot, rank: 3...5)
    let windows = try Windows(self, node, Array(slot.shape.dropFirst(2)))
    let operation: any Operation
    switch windows.axes {
    case 1:
      operation = MaxPool.sequence(
        kernel: windows.kernel[0], stride: windows.stride[0], padding: windows.padding, dilation: windows.dilation[0],
        ceilMode: windows.roundsUp)
    case 2:
      operation = MaxPool(
        kernel: windows.extent(windows.kernel), stride: windows.extent(windows.stride), padding: windows.padding,
        dilation: windows.extent(windows.dilation), ceilMode: windows.roundsUp)
    default: operation = VolumeMaxPool(windows.sliding)
    }
    try set(node, images: try emit(operation, node.name, [x]), parts: parts, from: [slot])
  }

  private func averagePool(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let (x, parts) = try images(node, slot, rank: 3...5)
    let windows = try Windows(self, node, Array(slot.shape.dropFirst(2)))
    try set(
      node, images: try mean(node, x, windows, countsPadding: node.flag("count_include_pad"), node.name), parts: parts,
      from: [slot])
  }

  private func mean(
    _ node: OnnxNode, _ x: Signal, _ windows: Windows, countsPadding: Bool, _ name: String?
  ) throws -> Signal {
    let isDilated = windows.dilation.contains { $0 != 1 }
    let operation: any Operation
    switch windows.axes {
    case 1 where !isDilated:
      operation = AveragePool.slidingSequence(
        kernel: windows.kernel[0], stride: windows.stride[0], padding: windows.padding, ceilMode: windows.roundsUp,
        countIncludePad: countsPadding)
    case 2 where !isDilated:
      operation = AveragePool.sliding(
        kernel: windows.extent(windows.kernel), stride: windows.extent(windows.stride), padding: windows.padding,
        ceilMode: windows.roundsUp, countIncludePad: countsPadding)
    default: operation = VolumeAveragePool(.sliding(windows.sliding, countsPadding: countsPadding))
    }
    return try emit(operation, name, [x])
  }

  private func globalPool(_ node: OnnxNode, _ reduction: Reduce.Reduction) throws {
    let slot = try input(node, 0)
    guard slot.rank >= 3 else { throw failure(node, "its input has the shape \(slot.shape)") }
    if node.op == "GlobalLpPool", node.int("p", 2) == 1 { return try globalPool(retitled(node, "Reduce"), .l1) }
    guard node.op != "GlobalLpPool" || node.int("p", 2) == 2 else {
      throw failure(node, "its norm is of order \(node.int("p", 2))", advice: "orders 1 and 2 are read")
    }
    let (x, dropped) = try along(slot, Array(2..<slot.rank))
    let isPlane = reduction == .mean && dropped && slot.rank == 4
    let first = dropped ? 1 : 2
    let operation: any Operation =
      isPlane ? AveragePool.adaptive(1) : Reduce(reduction, axes: Array(first..<x.shape.count), keepingAxes: true)
    let result = try emit(operation, node.name, [x], carrying: [slot.carries])
    var out = Slot(result, dropped: dropped, kind: slot.kind, carries: slot.carries)
    out.statistic = .reduced
    set(node, out)
  }

  func retitled(_ node: OnnxNode, _ op: String) -> OnnxNode {
    var copy = node
    copy.op = op
    return copy
  }

  /// `(sum |x|^p)^(1 / p)` over windows.
  private func lpPool(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let order = Float(node.int("p", 2))
    guard order > 0 else { throw failure(node, "its norm is of order \(order)") }
    let (x, parts) = try images(node, slot, rank: 3...5)
    let windows = try Windows(self, node, Array(slot.shape.dropFirst(2)))
    let carrying = [slot.carries, slot.carries]
    let powers =
      order == 2
      ? try emit(Multiply(), nil, [x, x], carrying: carrying)
      : try emit(
        BinaryOperation.power, nil, [try emit(UnaryFunction.abs, nil, [x], carrying: [slot.carries]), number(order)],
        carrying: [slot.carries, false])
    let mean = try mean(node, powers, windows, countsPadding: true, nil)
    // If a window hangs over the edge, its mean divides by less; no exporter writes such a window.
    guard !windows.roundsUp else { throw failure(node, "its windows hang over the edge (ceil_mode)") }
    let sum = try emit(Multiply(), nil, [mean, number(Float(windows.kernel.product))])
    let root = try emit(
      BinaryOperation.power, node.name, [sum, number(1 / order)], carrying: [slot.carries, false])
    try set(node, images: root, parts: parts, from: [slot])
  }

  func number(_ value: Float) -> Signal { constant(Tensor(shape: [], [value])) }

  /// Local response normalisation: `x / (k + alpha / n sum x^2)^beta`, the sum over n neighbouring channels.
  private func localResponse(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let size = node.int("size", 1)
    guard slot.rank >= 3, (1...1 << 16).contains(size) else {
      throw failure(node, "its input has the shape \(slot.shape), its window \(size) channels")
    }
    let dropped = slot.canDrop
    let x = try signal(slot, dropped: dropped)
    let square = try emit(Multiply(), nil, [x, x], carrying: [slot.carries, slot.carries])
    let rows = try reshape(square, [slot.shape[0], slot.shape[1], slot.shape.dropFirst(2).reduce(1, *)])
    let padded = try emit(Pad([0, (size - 1) / 2, 0], [0, size / 2, 0]), nil, [rows])
    let mean = try emit(AveragePool.sliding(kernel: Extent(size, 1), stride: 1), nil, [padded])
    let scaled = try emit(Multiply(), nil, [try reshape(mean, x.shape), number(node.float("alpha", 1e-4))])
    let shifted = try emit(Add(), nil, [scaled, number(node.float("bias", 1))])
    let power = try emit(
      BinaryOperation.power, nil, [shifted, number(node.float("beta", 0.75))], carrying: [slot.carries, false])
    let result = try emit(
      BinaryOperation.divide, node.name, [x, slot.carries ? try hold(power) : power], carrying: [slot.carries, false])
    set(node, result, dropped: dropped, from: [slot])
  }
}
