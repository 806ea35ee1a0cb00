import Pullbacks

extension Lowering {
  /// Functions of each value by itself.
  static let activations: [String: Operator] = {
    var all: [String: Operator] = [:]
    let gates: [(String, @Sendable (OnnxNode) -> any Operation)] = [
      ("Relu", { _ in ReLU() }),
      ("LeakyRelu", { LeakyReLU(slope: Double($0.float("alpha", 0.01))) }),
      ("Elu", { ELU(alpha: Double($0.float("alpha", 1))) }),
      ("Celu", { CELU(alpha: Double($0.float("alpha", 1))) }),
      ("HardSwish", { _ in HardSwish() }),
      ("Mish", { _ in Mish() }),
      ("Softplus", { _ in Softplus() }),
      ("Softsign", { _ in Softsign() }),
      ("Sigmoid", { _ in Sigmoid() }),
      ("ThresholdedRelu", { ThresholdedReLU(threshold: Double($0.float("alpha", 1))) }),
      ("Gelu", { $0.text("approximate", "none") == "tanh" ? TanhGELU() as any Operation : GELU() }),
      ("Selu", { selu($0) }),
    ]
    for (name, operation) in gates {
      all[name] = { lowering, node in try lowering.elementwise(node, operation(node)) }
    }
    let functions: [String: UnaryFunction] = [
      "Exp": .exp, "Log": .log, "Sqrt": .sqrt, "Erf": .erf, "Tanh": .tanh, "Abs": .abs, "Neg": .negate,
      "Reciprocal": .reciprocal, "Sin": .sin, "Cos": .cos, "Floor": .floor, "Ceil": .ceil, "Round": .round,
      "Sign": .sign, "Tan": .tan, "Asin": .asin, "Acos": .acos, "Atan": .atan, "Sinh": .sinh, "Cosh": .cosh,
      "Asinh": .asinh, "Acosh": .acosh, "Atanh": .atanh,
    ]
    for (name, function) in functions {
      all[name] = { lowering, node in
        try lowering.elementwise(node, function, becoming: function == .sqrt || function == .reciprocal ? .root : nil)
      }
    }
    all["Clip"] = { try $0.clip($1) }
    all["PRelu"] = { try $0.prelu($1) }
    all["Swish"] = { try $0.swish($1) }
    all["Softmax"] = { try $0.softmax($1) { Softmax(axis: $0) } }
    all["LogSoftmax"] = { try $0.softmax($1) { LogSoftmax(axis: $0) } }
    all["HardSigmoid"] = { lowering, node in
      let (slope, offset) = (node.float("alpha", 0.2), node.float("beta", 0.5))
      guard slope != 0, slope.isFinite, offset.isFinite else {
        throw lowering.failure(node, "its slope is \(slope), its offset \(offset)")
      }
      let isUsual = abs(slope - 1 / 6) < 1e-4 && offset == 0.5
      try lowering.elementwise(
        node, isUsual ? HardSigmoid() as any Operation : SlopedHardSigmoid(slope: Double(slope), offset: Double(offset))
      )
    }
    all["Not"] = { lowering, node in
      let slot = try lowering.input(node, 0)
      let (signals, dropped) = try lowering.aligned([slot])
      let one = lowering.constant(Tensor(shape: [], [1]))
      let result = try lowering.emit(BinaryOperation.subtract, node.name, [one, signals[0]])
      lowering.set(node, result, dropped: dropped, kind: .bool, from: [slot])
    }
    all["IsNaN"] = { lowering, node in
      let slot = try lowering.input(node, 0)
      let (signals, dropped) = try lowering.aligned([slot])
      // Nothing else differs from itself.
      let same = try lowering.emit(Comparison.equal, nil, [signals[0], signals[0]])
      let one = lowering.constant(Tensor(shape: [], [1]))
      let result = try lowering.emit(BinaryOperation.subtract, node.name, [one, same])
      lowering.set(node, result, dropped: dropped, kind: .bool, from: [slot], routing: true)
    }
    all["Shrink"] = { try $0.shrink($1) }
    for name in ["Identity", "Dropout"] {
      all[name] = { lowering, node in
        let trains = lowering.optional(node, 2)
        let mode = try trains?.constant?.integers().first
        guard name == "Identity" || trains == nil || mode == 0 else {
          throw lowering.failure(
            node, "it drops values, in training mode", advice: "export the model in evaluation mode")
        }
        var slot = try lowering.input(node, 0)
        if case .signal(let signal, let dropped, .float32) = slot.content {
          let operation = name == "Dropout" ? Identity.dropout : Identity()
          let result = try lowering.emit(operation, node.name, [signal])
          slot.content = .signal(result, dropped: dropped, type: .float32)
        }
        lowering.set(node, slot)
        if node.outputs.count > 1, !node.outputs[1].isEmpty {
          let shape = slot.shape
          let kept = StoredValue(.bool, shape) {
            Tensor(shape: shape, integers: repeatElement(1, count: shape.product))
          }
          lowering.set(node, Slot(kept), output: 1)
        }
      }
    }
    return all
  }()

  private static func selu(_ node: OnnxNode) -> any Operation {
    let (alpha, gamma) = (node.float("alpha", 1.6732632), node.float("gamma", 1.0507010))
    return abs(alpha - 1.6732632) < 1e-5 && abs(gamma - 1.0507010) < 1e-5
      ? ELU.selu : ELU(alpha: Double(alpha), scale: Double(gamma))
  }

  /// A function of one input, place by place.
  func elementwise(_ node: OnnxNode, _ operation: any Operation, becoming statistic: Slot.Statistic? = nil) throws {
    let slot = try input(node, 0)
    let (signal, dropped) = try whole(slot)
    let isActivation = slot.carries && node.flag("activation")
    if isActivation { say("an activation that gates nothing, by its derivative") }
    let read: any Operation = isActivation ? Differentiated(operation) : operation
    let result = try emit(read, node.name, [signal], carrying: [slot.carries])
    var out = Slot(result, dropped: dropped, kind: slot.kind, carries: slot.carries && read.character != .routing)
    if slot.statistic != .none { out.statistic = statistic ?? slot.statistic }
    set(node, out)
  }

  /// A value as it is, with or without its first axis.
  func whole(_ slot: Slot) throws -> (Signal, dropped: Bool) {
    let dropped = slot.isDropped
    return (try signal(slot, dropped: dropped), dropped)
  }

  /// `x + bias` below `-lambd`, `x - bias` above lambd, 0 between.
  private func shrink(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let (x, dropped) = try whole(slot)
    let (bias, limit) = (node.float("bias", 0), node.float("lambd", 0.5))
    let above = try emit(Comparison.greater, nil, [x, number(limit)])
    let below = try emit(Comparison.less, nil, [x, number(-limit)])
    let minus = try emit(BinaryOperation.subtract, nil, [x, number(bias)])
    let plus = try emit(Add(), nil, [x, number(bias)])
    let lower = try emit(Where(), nil, [below, plus, number(0)])
    set(node, try emit(Where(), node.name, [above, minus, lower]), dropped: dropped, from: [slot])
  }

  private func clip(_ node: OnnxNode) throws {
    func bound(_ index: Int, _ attribute: String, _ otherwise: Float) throws -> Float {
      if node.input(index) != nil { return try known(node, index).floats().first ?? otherwise }
      return node.float(attribute, otherwise)
    }
    let low = try bound(1, "min", -.infinity)
    let high = try bound(2, "max", .infinity)
    if low == 0, high == 6 { return try elementwise(node, ReLU6()) }
    if low == 0, high >= Float.greatestFiniteMagnitude { return try elementwise(node, ReLU()) }
    if low < high { return try elementwise(node, Clip(Double(low), Double(high))) }
    // Every value becomes the upper bound.
    let slot = try input(node, 0)
    let shape = slot.shape
    set(node, Slot(StoredValue(slot.kind, shape) { Tensor(shape: shape, repeating: high) }))
  }

  private func prelu(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    var slope = try weight(node, 1)
    let (signal, dropped) = try whole(slot)
    if node.opset < 9, slope.shape.count == 1, slot.rank > 2, slope.count == slot.shape[1] {
      // One for each channel, before slopes were broadcast.
      let (old, shape) = (slope, [slope.count] + [Int](repeating: 1, count: slot.rank - 2))
      slope = StoredValue(old.kind, shape, name: old.name) { try old.tensor().reshaped(shape) }
    }
    // Slopes lie along the channels, axis 1 of the file.
    let aligned = [Int](repeating: 1, count: max(0, slot.rank - slope.shape.count)) + slope.shape
    let isChannelwise =
      slot.rank > 1 && dropped && aligned.enumerated().allSatisfy { $0.offset == 1 || $0.element == 1 }
    guard slope.count == 1 || isChannelwise else { return try slopes(node, slot, slope) }
    if signal.shape.isEmpty { return try slopes(node, slot, slope) }
    let operation = PReLU(slopes: slope.count)
    let (count, weight) = (slope.count, slope)
    let result = try emit(
      operation, node.name, [signal], weights: ["weight": { try weight.tensor().reshaped([count]) }])
    set(node, result, dropped: dropped, from: [slot])
  }

  /// A slope for every place: `max(x, 0) + slope min(x, 0)`.
  private func slopes(_ node: OnnxNode, _ slot: Slot, _ slope: StoredValue) throws {
    let slope = Slot(slope)
    let (signals, dropped) = try aligned([slot, slope])
    let positive = try emit(ReLU(), nil, [signals[0]])
    let negative = try emit(BinaryOperation.subtract, nil, [signals[0], positive])
    let scaled = try emit(Multiply(), nil, [negative, signals[1]], carrying: [slot.carries, slope.carries])
    let result = try emit(Add(), node.name, [positive, scaled])
    set(node, result, dropped: dropped, from: [slot])
  }

  private func swish(_ node: OnnxNode) throws {
    let alpha = node.float("alpha", 1)
    if alpha == 1 { return try elementwise(node, SiLU()) }
    let slot = try input(node, 0)
    let (signal, dropped) = try whole(slot)
    let scaled = try emit(Multiply(), nil, [signal, constant(Tensor(shape: [], [alpha]))])
    let gate = try emit(Sigmoid(), nil, [scaled])
    let result = try emit(Multiply(), node.name, [signal, gate], carrying: [slot.carries, false])
    set(node, result, dropped: dropped, from: [slot])
  }

  /// The axis of a softmax, the first of them before operator set 13; nil where its value has no such axis.
  func softmaxAxis(of node: OnnxNode, _ slot: Slot) -> Int? {
    slot.rank > 0 ? axis(node.int("axis", node.opset < 13 ? 1 : -1), of: slot.rank) : nil
  }

  /// Up to operator set 12 the axis splits the shape in two, and all axes behind it are one.
  private func softmax(_ node: OnnxNode, _ make: @escaping (Int) -> any Operation) throws {
    let slot = try input(node, 0)
    let isActivation = slot.carries && node.flag("activation")
    if isActivation { say("weights that weigh nothing, by their derivative") }
    let operation: (Int) -> any Operation = { isActivation ? Differentiated(make($0)) : make($0) }
    let isRouting = node.op == "Softmax" && !isActivation
    guard let axis = softmaxAxis(of: node, slot) else {
      throw failure(node, "axis \(node.int("axis", -1)) is none of shape \(slot.shape)")
    }
    let joins = node.opset < 13 && axis < slot.rank - 1 && slot.shape[(axis + 1)...].contains { $0 != 1 }
    if joins {
      let shape = [slot.shape[..<axis].reduce(1, *), slot.shape[axis...].reduce(1, *)]
      let flat = try reshape(try signal(slot, dropped: false), shape)
      let result = try emit(operation(1), node.name, [flat], carrying: [slot.carries])
      let back = try reshape(result, slot.isDropped ? Array(slot.shape.dropFirst()) : slot.shape)
      return set(node, back, dropped: slot.isDropped, from: [slot], routing: isRouting)
    }
    let (signal, dropped) = try along(slot, [axis])
    let result = try emit(operation(axis - (dropped ? 1 : 0)), node.name, [signal], carrying: [slot.carries])
    set(node, result, dropped: dropped, from: [slot], routing: isRouting)
  }
}
