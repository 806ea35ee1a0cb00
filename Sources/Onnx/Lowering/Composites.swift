import Pullbacks

extension Lowering {
  /// Layers that patterns put together, and attention as an operator.
  static let composites: [String: Operator] = [
    "pullbacks.Attention": { try $0.attention($1) },
    "pullbacks.ChannelNorm": { try $0.channelNorm($1) },
    "pullbacks.ChannelAffine": { try $0.channelAffine($1) },
    "Attention": { try $0.wholeAttention($1) },
  ]

  private func channelNorm(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let (x, parts) = try images(node, slot, rank: 3...8)
    guard parts == 1 else { throw failure(node, "its input has the shape \(slot.shape)") }
    let width = slot.shape[1]
    func vector(_ index: Int, _ otherwise: Float) throws -> () throws -> Tensor {
      guard node.input(index) != nil else { return { Tensor(shape: [width], repeating: otherwise) } }
      let value = try weight(node, index)
      return { try value.tensor().reshaped([width]) }
    }
    let result = try emit(
      LayerNorm(epsilon: node.float("epsilon", 1e-5), axis: .channels), node.name, [x],
      weights: ["weight": try vector(1, 1), "bias": try vector(2, 0)])
    set(node, result, dropped: true, from: [slot])
  }

  private func channelAffine(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let (x, dropped) = try along(slot, Array(1..<slot.rank))
    guard dropped else { throw failure(node, "its input has the shape \(slot.shape)") }
    let (scale, shift) = (try weight(node, 1).floats(), try weight(node, 2).floats())
    set(node, try emit(ChannelAffine(scale: scale, shift: shift), node.name, [x]), dropped: true, from: [slot])
  }

  /// A signal that keeps all axes with its axes in another order; axes of one place go for nothing.
  private func turned(_ x: Signal, _ order: [Int], _ name: String? = nil) throws -> Signal {
    let moved = order.filter { x.shape[$0] != 1 }
    let target = order.map { x.shape[$0] }
    if moved == moved.sorted() { return try reshape(x, target, name) }
    return try emit(Transpose(order), name, [x])
  }

  private func attention(_ node: OnnxNode) throws {
    let slots = try inputs(node)
    let orders = ["q", "k", "v"].map { node.ints($0)! }
    let rank = orders[0].count
    guard slots.prefix(3).allSatisfy({ $0.rank == rank }) else { throw failure(node, "its inputs do not fit together") }
    let outer = orders[0].dropLast(2).map { slots[0].shape[$0] }
    let heads = outer.product
    // Each as (T, heads d).
    var tokens = try zip(slots, orders).map { slot, order in
      let x = try signal(slot, dropped: false)
      let turned = try turned(x, [order[rank - 2]] + order.dropLast(2) + [order[rank - 1]])
      return try reshape(turned, [turned.shape[0], turned.shape.dropFirst().reduce(1, *)])
    }
    let scores = [tokens[0].shape[0], tokens[1].shape[0]]
    let maskCount = node.int("masks", 0)
    func shaped(_ index: Int) throws -> Signal {
      let matrices = node.int("headScales", 0) == 1 && index == slots.count - 4 ? [1, 1] : scores
      return try mask(slots[3 + index], node.ints("shape\(index)")!, heads, matrices)
    }
    var masks = try (0..<maskCount).map(shaped)
    if node.int("conditions", 0) != 0 {
      let condition = try shaped(maskCount)
      let (fill, none) = (number(node.float("fill", 0)), number(0))
      masks.append(
        try emit(Where(), nil, node.int("conditions", 0) > 0 ? [condition, none, fill] : [condition, fill, none]))
    }
    if node.int("headScales", 0) == 1 {
      // Queries are scaled in the place of scores.
      let factors = try reshape(
        try emit(Expand(to: [heads, 1, 1]), nil, [try shaped(slots.count - 4)]), [1, heads, 1])
      let apart = try reshape(tokens[0], [scores[0], heads, tokens[0].shape[1] / heads])
      let scaled = try emit(Multiply(), nil, [apart, factors], carrying: [slots[0].carries, false])
      tokens[0] = try reshape(scaled, tokens[0].shape)
    }
    while masks.count > 1 { masks = [try emit(Add(), nil, Array(masks.prefix(2)))] + masks.dropFirst(2) }
    if let sum = masks.first, sum.shape.count == 3, sum.shape[0] != heads {
      masks = [try emit(Expand(to: [heads] + scores), nil, [sum])]
    }
    let operation = ScaledDotProductAttention(heads: heads, scale: node.float("scale", 1))
    let y = node.ints("y")!
    let result = try emit(operation, node.name, tokens + masks)
    let apart = try reshape(result, [scores[0]] + outer + [result.shape[1] / heads])
    let axes = [rank - 2] + Array(0..<rank - 2) + [rank - 1]
    try set(node, attended: try turned(apart, y.map { axes.firstIndex(of: $0)! }), slots)
  }

  private func set(_ node: OnnxNode, attended: Signal, _ slots: [Slot]) throws {
    let drops = attended.shape.count > 1 && attended.shape[0] == 1
    let result = drops ? try reshape(attended, Array(attended.shape.dropFirst())) : attended
    set(node, result, dropped: drops, from: Array(slots.prefix(3)))
  }

  /// The mask added to scores: `(T, S)` if it is the same for all heads, else `(heads, T, S)`.
  ///
  /// - Parameters:
  ///   - shape: of the scores where it is added; the axes before the last two hold the heads.
  ///   - matrices: the extents of its last two axes.
  private func mask(_ slot: Slot, _ shape: [Int], _ heads: Int, _ matrices: [Int]) throws -> Signal {
    let x = try signal(slot, dropped: false)
    let full = [Int](repeating: 1, count: max(0, shape.count - x.shape.count)) + x.shape
    let target = shape.dropLast(2) + matrices
    if full.dropLast(2).allSatisfy({ $0 == 1 }) {
      let matrix = try reshape(x, Array(full.suffix(2)))
      return matrix.shape == matrices ? matrix : try emit(Expand(to: matrices), nil, [matrix])
    }
    let all = try reshape(x, full)
    let expanded = full == Array(target) ? all : try emit(Expand(to: Array(target)), nil, [all])
    return try reshape(expanded, [heads] + matrices)
  }

  /// The operator of set 23: heads apart, or `(1, T, heads d)`.
  private func wholeAttention(_ node: OnnxNode) throws {
    let slots = try (0..<3).map { try input(node, $0) }
    let known: Set = ["q_num_heads", "kv_num_heads", "scale", "is_causal", "softcap", "qk_matmul_output_mode"]
    guard node.inputs.dropFirst(4).allSatisfy(\.isEmpty), node.outputs.dropFirst().allSatisfy(\.isEmpty),
      node.float("softcap", 0) == 0, known.isSuperset(of: node.attributes.keys.filter { $0 != "softmax_precision" })
    else {
      throw failure(
        node, "it has a cache, a softcap, a window or further outputs", advice: "export the model without a cache")
    }
    let isApart = slots[0].rank == 4
    guard slots.allSatisfy({ $0.rank == (isApart ? 4 : 3) }) else {
      throw failure(node, "its inputs have the shapes \(slots.map(\.shape))")
    }
    let images = slots[0].shape[0]
    let heads = isApart ? slots[0].shape[1] : node.int("q_num_heads", 1)
    let keyHeads = isApart ? slots[1].shape[1] : node.int("kv_num_heads", heads)
    // Each as (T, images heads d).
    let tokens = try zip(slots, [heads, keyHeads, keyHeads]).map { slot, heads in
      let shape = slot.shape
      guard shape[0] == images, heads > 0, isApart || shape[2] % heads == 0 else {
        throw failure(node, "\(heads) heads do not share the shape \(shape)")
      }
      let parts = isApart ? shape : [shape[0], shape[1], heads, shape[2] / heads]
      let x = try reshape(try signal(slot, dropped: false), parts)
      let turned = try turned(x, isApart ? [2, 0, 1, 3] : [1, 0, 2, 3])
      return try reshape(turned, [turned.shape[0], turned.shape.dropFirst().reduce(1, *)])
    }
    let scores = [tokens[0].shape[0], tokens[1].shape[0]]
    var all = tokens
    var open: Signal?
    if let given = optional(node, 3) {
      var mask = try mask(given, [images, heads] + scores, images * heads, scores)
      if given.kind == .bool {
        guard !node.flag("is_causal"), mask.shape.count == 2 else {
          throw failure(node, "its mask of conditions is causal, or one for each head", advice: "give it as numbers")
        }
        // A query without an open place has the value 0.
        open = try emit(Reduce(.max, axes: [1], keepingAxes: true), nil, [mask])
        mask = try emit(
          Where(), nil, [try emit(Comparison.greater, nil, [open!, mask]), number(-.infinity), number(0)])
      }
      all.append(mask)
    }
    let scale = node.has("scale") ? node.float("scale", 1) : nil
    let operation = ScaledDotProductAttention(
      heads: images * heads, keyHeads: images * keyHeads, scale: scale, causal: node.flag("is_causal"))
    var result = try emit(operation, node.name, all)
    if let open { result = try emit(Where(), nil, [open, result, number(0)]) }
    let width = result.shape[1] / (images * heads)
    let apart = try reshape(result, [scores[0], images, heads, width])
    let last = try turned(apart, isApart ? [1, 2, 0, 3] : [1, 0, 2, 3])
    try set(node, attended: isApart ? last : try reshape(last, [images, scores[0], heads * width]), slots)
  }
}
