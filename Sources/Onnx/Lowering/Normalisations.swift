import Pullbacks

extension Lowering {
  /// Layers that divide by a statistic, and batch normalisation.
  static let normalisations: [String: Operator] = [
    "BatchNormalization": { try $0.batchNorm($1) },
    "LayerNormalization": { try $0.layerNorm($1) },
    "RMSNormalization": { try $0.rmsNorm($1) },
    "SimplifiedLayerNormalization": { try $0.rmsNorm($1) },
    "InstanceNormalization": { try $0.instanceNorm($1) },
    "GroupNormalization": { try $0.groupNorm($1) },
    "LpNormalization": { try $0.lpNormalisation($1) },
    "MeanVarianceNormalization": { try $0.meanVariance($1) },
  ]

  /// A vector of `count` values, with those of one value repeated.
  private func vector(_ node: OnnxNode, _ value: StoredValue, _ count: Int, parts: Int = 1) throws -> () throws ->
    Tensor
  {
    guard value.count == count || value.count == 1 else {
      throw failure(node, "parameters of shape \(value.shape) do not fit \(count) channels")
    }
    return {
      let tensor = try value.tensor().reshaped([value.count])
      return (value.count == count ? tensor : tensor.tiled(count)).tiled(parts)
    }
  }

  private func batchNorm(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    guard !node.flag("training_mode"), node.outputs.dropFirst().allSatisfy(\.isEmpty) else {
      throw failure(node, "it is in training mode", advice: "export the model in evaluation mode")
    }
    guard slot.rank >= 2 else { throw failure(node, "its input has the shape \(slot.shape)") }
    let (x, parts) = try images(node, slot, rank: 2...8)
    var weights: [String: () throws -> Tensor] = [:]
    for (index, name) in ["weight", "bias", "running_mean", "running_var"].enumerated() {
      weights[name] = try vector(node, try weight(node, index + 1), slot.shape[1], parts: parts)
    }
    let result = try emit(BatchNorm(epsilon: node.float("epsilon", 1e-5)), node.name, [x], weights: weights)
    try set(node, images: result, parts: parts, from: [slot])
  }

  /// The axes from a first one on as one, at the end.
  private func featuresLast(_ node: OnnxNode, _ slot: Slot, _ first: Int) throws -> (
    Signal, shape: [Int], dropped: Bool
  ) {
    guard let axis = axis(first, of: slot.rank), slot.rank > 0 else {
      throw failure(node, "axis \(first) is none of shape \(slot.shape)")
    }
    let (x, dropped) = try along(slot, Array(axis..<slot.rank))
    let outer = x.shape.prefix(axis - (dropped ? 1 : 0))
    return (try reshape(x, outer + [x.shape.dropFirst(outer.count).reduce(1, *)]), x.shape, dropped)
  }

  private func layerNorm(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let (x, shape, dropped) = try featuresLast(node, slot, node.int("axis", -1))
    let width = x.shape.last!
    let gamma = try factor(node, width)
    try statistics(node, slot, x, shape, dropped)
    let beta = node.input(2) == nil ? { Tensor(shape: [width]) } : try vector(node, try weight(node, 2), width)
    let operation = LayerNorm(epsilon: node.float("epsilon", 1e-5))
    let isWhole = shape == x.shape
    let result = try emit(operation, node.name, [x], weights: ["weight": gamma, "bias": beta])
    set(node, isWhole ? result : try reshape(result, shape), dropped: dropped, from: [slot])
  }

  /// The factor of each feature, 1 where there is none.
  private func factor(_ node: OnnxNode, _ width: Int) throws -> () throws -> Tensor {
    node.input(1) == nil ? { Tensor(shape: [width], repeating: 1) } : try vector(node, try weight(node, 1), width)
  }

  /// Mean and reciprocal deviation, where they are asked for.
  private func statistics(_ node: OnnxNode, _ slot: Slot, _ x: Signal, _ shape: [Int], _ dropped: Bool) throws {
    guard node.outputs.dropFirst().contains(where: { !$0.isEmpty }) else { return }
    let last = x.shape.count - 1
    let kept = shape.prefix(last) + [Int](repeating: 1, count: shape.count - last)
    let mean = try emit(Reduce(.mean, axes: [last], keepingAxes: true), nil, [x])
    let centred = try emit(BinaryOperation.subtract, nil, [x, mean])
    let square = try emit(Multiply(), nil, [centred, centred], carrying: [slot.carries, slot.carries])
    let variance = try emit(Reduce(.mean, axes: [last], keepingAxes: true), nil, [square])
    let shifted = try emit(Add(), nil, [variance, number(node.float("epsilon", 1e-5))])
    let root = try emit(UnaryFunction.sqrt, nil, [shifted], carrying: [slot.carries])
    let reciprocal = try emit(UnaryFunction.reciprocal, nil, [root], carrying: [slot.carries])
    for (index, value) in [mean, reciprocal].enumerated() {
      set(
        node, Slot(try reshape(value, Array(kept)), dropped: dropped, kind: .float, carries: slot.carries),
        output: index + 1)
    }
  }

  private func rmsNorm(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let (x, shape, dropped) = try featuresLast(node, slot, node.int("axis", -1))
    let width = x.shape.last!
    let gamma = try factor(node, width)
    let result = try emit(RMSNorm(epsilon: node.float("epsilon", 1e-5)), node.name, [x], weights: ["weight": gamma])
    set(node, try reshape(result, shape), dropped: dropped, from: [slot])
  }

  private func instanceNorm(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let (x, parts) = try images(node, slot, rank: 3...8)
    let weights = [
      "weight": try vector(node, try weight(node, 1), slot.shape[1], parts: parts),
      "bias": try vector(node, try weight(node, 2), slot.shape[1], parts: parts),
    ]
    let result = try emit(
      GroupNorm.instance(epsilon: node.float("epsilon", 1e-5)), node.name, [x], weights: weights)
    try set(node, images: result, parts: parts, from: [slot])
  }

  private func groupNorm(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let groups = node.int("num_groups", 1)
    let (x, parts) = try images(node, slot, rank: 2...8)
    guard groups > 0, slot.shape[1] % groups == 0 else {
      throw failure(node, "\(groups) groups do not share \(slot.shape[1]) channels evenly")
    }
    let (gamma, beta) = (try weight(node, 1), try weight(node, 2))
    // Before operator set 21 there is a factor for each group.
    let perGroup = gamma.count == groups && groups != slot.shape[1]
    func spread(_ value: StoredValue) throws -> () throws -> Tensor {
      guard perGroup else { return try vector(node, value, slot.shape[1], parts: parts) }
      guard value.count == groups else { throw failure(node, "parameters of shape \(value.shape) do not fit") }
      let size = slot.shape[1] / groups
      return {
        let values = try value.floats()
        return Tensor(shape: [groups * size], (0..<groups * size).map { values[$0 / size] }).tiled(parts)
      }
    }
    let operation = GroupNorm(groups: groups * parts, epsilon: node.float("epsilon", 1e-5))
    let result = try emit(operation, node.name, [x], weights: ["weight": spread(gamma), "bias": spread(beta)])
    try set(node, images: result, parts: parts, from: [slot])
  }

  private func lpNormalisation(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    guard let axis = axis(node.int("axis", -1), of: slot.rank), slot.rank > 0, [1, 2].contains(node.int("p", 2)) else {
      throw failure(node, "its axis or its order does not fit the shape \(slot.shape)")
    }
    let (x, dropped) = try along(slot, [axis])
    let reduce = Reduce(node.int("p", 2) == 1 ? .l1 : .l2, axes: [axis - (dropped ? 1 : 0)], keepingAxes: true)
    // An input of zeros gives zeros, and not a quotient of zeros.
    let norm = try emit(
      BinaryOperation.maximum, nil,
      [try emit(reduce, nil, [x], carrying: [slot.carries]), number(.leastNormalMagnitude)])
    let result = try emit(
      BinaryOperation.divide, node.name, [x, slot.carries ? try hold(norm) : norm], carrying: [slot.carries, false])
    set(node, result, dropped: dropped, from: [slot])
  }

  /// To mean 0 and variance 1 over some axes.
  private func meanVariance(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let axes = try (node.ints("axes") ?? [0, 2, 3]).map { number in
      guard slot.rank > 0, let axis = axis(number, of: slot.rank) else {
        throw failure(node, "axis \(number) is none of shape \(slot.shape)")
      }
      return axis
    }
    // A batch of one image has no mean over images of its own.
    let own = slot.canDrop ? axes.filter { $0 > 0 } : axes
    let (x, dropped) = try along(slot, own)
    let places = own.map { $0 - (dropped ? 1 : 0) }
    let mean = try emit(Reduce(.mean, axes: places, keepingAxes: true), nil, [x])
    let centred = try emit(BinaryOperation.subtract, nil, [x, mean])
    let square = try emit(Multiply(), nil, [centred, centred], carrying: [slot.carries, slot.carries])
    let variance = try emit(Reduce(.mean, axes: places, keepingAxes: true), nil, [square])
    let shifted = try emit(Add(), nil, [variance, number(1e-9)])
    let root = try emit(UnaryFunction.sqrt, nil, [shifted], carrying: [slot.carries])
    let result = try emit(
      BinaryOperation.divide, node.name, [centred, slot.carries ? try hold(root) : root],
      carrying: [slot.carries, false])
    set(node, result, dropped: dropped, from: [slot])
  }
}
