import Pullbacks

extension Lowering {
  /// Quantisers of values are passed straight through, or stand for a ReLU; those of weights were folded.
  static let quantisation: [String: Operator] = [
    "DynamicQuantizeLinear": { try $0.straightThrough($1, dynamic: true) },
    "MatMulInteger": { try $0.integerProduct($1) },
    "QuantizeLinear": { try $0.quantise($1) },
    "DequantizeLinear": { lowering, node in
      if try lowering.input(node, 0).isQuantised {
        try lowering.straightThrough(node)
      } else {
        try lowering.dequantise(node)
      }
    },
  ]

  /// `(x - zero) scale` of integers that came in.
  private func dequantise(_ node: OnnxNode) throws {
    let (slot, scale) = (try input(node, 0), try known(node, 1))
    guard node.int("block_size", 0) == 0, slot.rank > 0 || scale.count == 1,
      let axis = axis(node.int("axis", 1), of: max(slot.rank, 2))
    else { throw failure(node, "its scales of shape \(scale.shape) do not fit \(slot.shape)") }
    let shape =
      scale.count == 1 ? [] : [scale.count] + [Int](repeating: 1, count: max(0, slot.rank - axis - 1))
    let (x, dropped) = try whole(slot)
    var value = x
    if node.input(2) != nil {
      let zero = try known(node, 2)
      guard zero.count == scale.count else { throw failure(node, "zero points do not fit the scales") }
      value = try emit(
        BinaryOperation.subtract, nil, [value, constant(Tensor(shape: shape, try zero.floats()))])
    }
    let result = try emit(
      Multiply(), node.name, [value, constant(try scale.tensor().reshaped(shape))])
    set(node, result, dropped: dropped, kind: scale.kind, from: [slot])
  }

  /// Tools that quantise a network leave out a ReLU or ReLU6 behind a layer where the quantiser's least value is 0: it
  /// clips what the activation would. There it is that activation.
  private func quantise(_ node: OnnxNode) throws {
    guard try optional(node, 1)?.constant?.floats().allSatisfy({ $0 > 0 && $0.isFinite }) ?? true else {
      throw failure(node, "its scale is not above 0", advice: "quantise the model again")
    }
    guard let limits = try limits(node), limits.lowerBound == 0,
      Self.layersBeforeActivations.contains(node.input(0).flatMap { producers[$0] } ?? "")
    else { return try straightThrough(node) }
    let isReLU6 = abs(limits.upperBound - 6) < 0.1
    let activation = isReLU6 ? "ReLU6" : "ReLU"
    say("its least value is 0: read as a \(activation)")
    note(
      "quantisers of activations are passed straight through, or read as the ReLU that they stand for: values are those "
        + "before rounding")
    try elementwise(node, isReLU6 ? ReLU6() as any Operation : ReLU())
    slots[node.outputs[0]]?.isQuantised = true
  }

  private static let layersBeforeActivations: Set<String> = [
    "Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Sub", "BatchNormalization",
  ]

  /// The values between which a quantiser clips; nil where they are not known, or differ from channel to channel.
  private func limits(_ node: OnnxNode) throws -> ClosedRange<Float>? {
    func number(_ index: Int) throws -> (kind: ElementKind, value: Float)? {
      guard let name = node.input(index), let value = slots[name]?.constant, value.count == 1 else { return nil }
      return try value.floats().first.map { (value.kind, $0) }
    }
    guard let unit = try number(1)?.value, unit > 0 else { return nil }
    let zero = try node.input(2) == nil ? (.uint8, 0) : number(2)
    guard let zero, let range = zero.kind.quantisedRange else { return nil }
    let (low, high) = ((range.lowerBound - zero.value) * unit, (range.upperBound - zero.value) * unit)
    return low < high ? low...high : nil
  }

  /// - Parameter dynamic: whether the scale is chosen by the values themselves: then it is 1, and the zero point 0.
  private func straightThrough(_ node: OnnxNode, dynamic: Bool = false) throws {
    say("passed straight through")
    if dynamic {
      set(node, Slot(StoredValue(.float, Tensor(shape: [], [1]))), output: 1)
      set(node, Slot(StoredValue(.uint8, Tensor(shape: [], integers: [0]))), output: 2)
    }
    note("quantisers of activations are passed straight through: values are those before rounding")
    try elementwise(node, Identity(kind: "quantise"))
    slots[node.outputs[0]]?.isQuantised = node.op != "DequantizeLinear"
  }

  /// `(a - zero) (B - zero)`, a matrix of integers that is known; values that passed a quantiser are as they were before.
  private func integerProduct(_ node: OnnxNode) throws {
    var slot = try input(node, 0)
    let weight = try known(node, 1)
    guard weight.shape.count == 2 else { throw failure(node, "its weight has the shape \(weight.shape)") }
    if node.input(2) != nil {
      let zero = try known(node, 2)
      guard zero.count == 1 else { throw failure(node, "its zero points have the shape \(zero.shape)") }
      let (x, dropped) = try whole(slot)
      let shift = try zero.floats()[0]
      if shift != 0 {
        let moved = try emit(BinaryOperation.subtract, nil, [x, number(shift)])
        slot = Slot(moved, dropped: dropped, kind: slot.kind, carries: slot.carries)
      }
    }
    let zeros = node.input(3) == nil ? nil : try known(node, 3)
    let columns = weight.shape[1]
    guard zeros == nil || zeros?.count == 1 || zeros?.count == columns else {
      throw failure(node, "its zero points have the shape \(zeros?.shape ?? [])")
    }
    let centred = StoredValue(.float, weight.shape) {
      let shifts = try zeros?.floats() ?? [0]
      let values = try weight.floats()
      return Tensor(
        shape: weight.shape, values.indices.map { values[$0] - shifts[shifts.count == 1 ? 0 : $0 % columns] })
    }
    try linear(node, slot, centred, transposed: true)
  }
}
