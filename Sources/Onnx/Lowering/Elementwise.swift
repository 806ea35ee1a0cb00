import Pullbacks

extension Lowering {
  /// Several values combined place by place.
  static let elementwise: [String: Operator] = {
    var all: [String: Operator] = [
      "Add": { try $0.add($1) },
      "Sum": { try $0.add($1) },
      "Mean": { try $0.mean($1) },
      "Sub": { try $0.combine($1, .subtract) },
      "Mul": { try $0.multiply($1) },
      "Div": { try $0.divide($1) },
      "Pow": { try $0.power($1) },
      "Max": { try $0.combine($1, .maximum) },
      "Min": { try $0.combine($1, .minimum) },
      "Where": { try $0.choose($1) },
      "Mod": { try $0.remainder($1) },
      "And": { try $0.conditions($1) { a, b, lowering, name in try lowering.emit(Multiply(), name, [a, b]) } },
      "Or": {
        try $0.conditions($1) { a, b, lowering, name in try lowering.emit(BinaryOperation.maximum, name, [a, b]) }
      },
      "Xor": {
        try $0.conditions($1) { a, b, lowering, name in
          try lowering.emit(UnaryFunction.abs, name, [try lowering.emit(BinaryOperation.subtract, nil, [a, b])])
        }
      },
      "Cast": { try $0.cast($1, to: ElementKind(rawValue: $1.int("to", 1))) },
      "CastLike": { try $0.cast($1, to: $0.input($1, 1).kind) },
    ]
    let comparisons: [String: Comparison] = [
      "Equal": .equal, "Less": .less, "Greater": .greater, "LessOrEqual": .lessOrEqual,
      "GreaterOrEqual": .greaterOrEqual,
    ]
    for (name, comparison) in comparisons {
      all[name] = { lowering, node in
        let slots = try lowering.inputs(node, atLeast: 2)
        let (signals, dropped) = try lowering.aligned(slots)
        let result = try lowering.emit(comparison, node.name, signals)
        lowering.set(node, result, dropped: dropped, kind: .bool, from: slots, routing: true)
      }
    }
    return all
  }()

  private func add(_ node: OnnxNode) throws {
    let slots = try operands(node)
    let (signals, dropped) = try aligned(slots)
    let result = try emit(signals.count == 1 ? Identity() : Add(), node.name, signals)
    set(
      node, kept(slots, Slot(result, dropped: dropped, kind: slots[0].kind, carries: slots.contains(where: \.carries))))
  }

  private func mean(_ node: OnnxNode) throws {
    let slots = try inputs(node)
    let (signals, dropped) = try aligned(slots)
    let sum = try emit(signals.count == 1 ? Identity() : Add(), nil, signals)
    let share = constant(Tensor(shape: [], [1 / Float(signals.count)]))
    set(node, try emit(Multiply(), node.name, [sum, share]), dropped: dropped, from: slots)
  }

  /// The operands of a node. Before operator set 7 the second one's axes begin at a stated axis of the first.
  private func operands(_ node: OnnxNode) throws -> [Slot] {
    var slots = try inputs(node, atLeast: ["Sub", "Mul", "Div"].contains(node.op) ? 2 : 1)
    guard node.opset < 7, slots.count == 2, node.has("axis") else { return slots }
    let (rank, start) = (slots[0].rank, node.int("axis", 0))
    let own = slots[1].shape
    let first = start < 0 ? start + rank : start
    guard first >= 0, first + own.count <= rank else { throw failure(node, "axis \(start) does not fit \(own)") }
    let shape = own + [Int](repeating: 1, count: rank - first - own.count)
    if let value = slots[1].constant {
      slots[1] = Slot(StoredValue(value.kind, shape, name: value.name) { try value.tensor().reshaped(shape) })
    } else {
      let flat = try reshape(try signal(slots[1], dropped: false), shape)
      slots[1] = Slot(flat, dropped: false, kind: slots[1].kind, carries: slots[1].carries)
    }
    return slots
  }

  /// A function of two values, or of several in turn.
  private func combine(_ node: OnnxNode, _ operation: BinaryOperation) throws {
    let slots = try operands(node)
    var (signals, dropped) = try aligned(slots)
    if signals.count == 1 { signals.append(signals[0]) }
    var result = signals[0]
    for (index, signal) in signals.enumerated().dropFirst() {
      result = try emit(operation, index == signals.count - 1 ? node.name : nil, [result, signal])
    }
    set(
      node, kept(slots, Slot(result, dropped: dropped, kind: slots[0].kind, carries: slots.contains(where: \.carries))))
  }

  /// A statistic stays one where numbers are added to it.
  private func kept(_ slots: [Slot], _ result: Slot) -> Slot {
    var result = result
    let carrying = slots.filter(\.carries)
    if carrying.count == 1 { result.statistic = carrying[0].statistic }
    return result
  }

  private func multiply(_ node: OnnxNode) throws {
    let slots = try operands(node)
    var (signals, dropped) = try aligned(slots)
    var carrying = slots.map(\.carries)
    if carrying == [true, true], let norm = slots.firstIndex(where: { $0.statistic == .root }),
      slots[1 - norm].statistic == .none
    {
      signals[norm] = try hold(signals[norm])
      carrying[norm] = false
    }
    let result = try emit(Multiply(), node.name, signals, carrying: carrying)
    set(
      node, kept(slots, Slot(result, dropped: dropped, kind: slots[0].kind, carries: slots.contains(where: \.carries))))
  }

  /// A statistic that values are divided by, which pullbacks hold constant.
  func hold(_ signal: Signal) throws -> Signal {
    say("the statistic that values are divided by is held constant")
    return try emit(Statistic(), nil, [signal])
  }

  private func divide(_ node: OnnxNode) throws {
    let slots = try operands(node)
    var (signals, dropped) = try aligned(slots)
    var carrying = slots.map(\.carries)
    if carrying[1], slots[1].statistic != .none {
      signals[1] = try hold(signals[1])
      carrying[1] = false
    }
    let isInteger = !slots[0].kind.isFloat
    var result = try emit(BinaryOperation.divide, isInteger ? nil : node.name, signals, carrying: carrying)
    if isInteger { result = try emit(Cast(to: .float32), node.name, [try emit(Cast(to: .int64), nil, [result])]) }
    var out = kept(slots, Slot(result, dropped: dropped, kind: slots[0].kind, carries: carrying.contains(true)))
    if !carrying[0], carrying[1], slots[1].statistic != .none { out.statistic = .root }
    set(node, out)
  }

  /// Squares and cubes are products; the square root is a function of its own.
  private func power(_ node: OnnxNode) throws {
    let slots = try inputs(node, atLeast: 2)
    if let exponent = slots[1].constant, exponent.count == 1, slots[1].rank <= slots[0].rank {
      let number = try exponent.floats()[0]
      let (signal, dropped) = try whole(slots[0])
      func finish(_ result: Signal, _ statistic: Slot.Statistic? = nil) {
        var out = Slot(result, dropped: dropped, kind: slots[0].kind, carries: slots[0].carries)
        if slots[0].statistic != .none { out.statistic = statistic ?? slots[0].statistic }
        set(node, out)
      }
      let carrying = [slots[0].carries, slots[0].carries]
      switch number {
      case 1: return finish(try emit(Identity(), node.name, [signal]))
      case 2: return finish(try emit(Multiply(), node.name, [signal, signal], carrying: carrying))
      case 3:
        let square = try emit(Multiply(), nil, [signal, signal], carrying: carrying)
        return finish(try emit(Multiply(), node.name, [square, signal], carrying: carrying))
      case 0.5: return finish(try emit(UnaryFunction.sqrt, node.name, [signal], carrying: [slots[0].carries]), .root)
      case -1:
        return finish(try emit(UnaryFunction.reciprocal, node.name, [signal], carrying: [slots[0].carries]), .root)
      default:
        let exponent = constant(Tensor(shape: [], [number]))
        return finish(
          try emit(BinaryOperation.power, node.name, [signal, exponent], carrying: [slots[0].carries, false]),
          number < 1 ? .root : nil)
      }
    }
    let (signals, dropped) = try aligned(slots)
    let result = try emit(BinaryOperation.power, node.name, signals, carrying: slots.map(\.carries))
    set(node, result, dropped: dropped, from: slots)
  }

  private func choose(_ node: OnnxNode) throws {
    let slots = try inputs(node, atLeast: 3)
    let (signals, dropped) = try aligned(slots)
    let result = try emit(Where(), node.name, signals)
    set(node, result, dropped: dropped, kind: slots[1].kind, from: Array(slots.dropFirst()))
  }

  /// The remainder of a division; its derivative with respect to the dividend is 1, and the quotient is routing.
  private func remainder(_ node: OnnxNode) throws {
    let slots = try inputs(node, atLeast: 2)
    guard node.flag("fmod") || !slots[0].kind.isFloat else {
      throw failure(node, "it is a remainder of floats", advice: "remainders of integers are read, and fmod")
    }
    if node.flag("fmod") { return try combine(node, .remainder) }
    let (signals, dropped) = try aligned(slots)
    let quotient = try emit(BinaryOperation.divide, nil, signals)
    let whole = try emit(UnaryFunction.floor, nil, [quotient], carrying: [slots.contains(where: \.carries)])
    let product = try emit(Multiply(), nil, [whole, signals[1]], carrying: [false, slots[1].carries])
    set(node, try emit(BinaryOperation.subtract, node.name, [signals[0], product]), dropped: dropped, from: slots)
  }

  private func conditions(
    _ node: OnnxNode, _ combine: (Signal, Signal, Lowering, String) throws -> Signal
  ) throws {
    let slots = try inputs(node, atLeast: 2)
    let (signals, dropped) = try aligned(slots)
    set(node, try combine(signals[0], signals[1], self, node.name), dropped: dropped, kind: .bool, from: slots)
  }

  private func cast(_ node: OnnxNode, to kind: ElementKind?) throws {
    guard let kind, kind.isNumber else {
      throw failure(
        node, "a value is to become one of type \(node.int("to", 0))", advice: "numbers and conditions are read")
    }
    var slot = try input(node, 0)
    guard case .signal(let signal, let dropped, let type) = slot.content else {
      let folder = Folder(file: file, node: node, inputs: [])
      return set(node, Slot(folder.cast(slot.constant!, kind)))
    }
    defer { set(node, slot) }
    if kind == .bool, slot.kind != .bool {
      let (floats, dropped) = try whole(slot)
      let isZero = try emit(Comparison.equal, nil, [floats, constant(Tensor(shape: [], [0]))])
      let result = try emit(
        BinaryOperation.subtract, node.name, [constant(Tensor(shape: [], [1])), isZero])
      slot = Slot(result, dropped: dropped, kind: .bool, carries: false)
    } else if type == .int64, kind.isFloat {
      let result = try emit(Cast(to: .float32), node.name, [signal])
      slot = Slot(result, dropped: dropped, kind: kind, carries: false)
    } else if slot.kind.isFloat, !kind.isFloat {
      let whole = try emit(Cast(to: .int64), node.name, [signal])
      slot = Slot(whole, dropped: dropped, kind: kind, carries: false, type: .int64)
    } else {
      if slot.kind != kind, kind == .float16 || kind == .bfloat16 {
        note("halves are computed as float32")
      }
      slot.kind = kind
    }
  }
}
