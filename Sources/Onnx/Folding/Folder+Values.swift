import Failures
import Foundation
import Pullbacks

extension Folder {
  // MARK: Values out of nothing, or out of shapes

  func created() throws -> StoredValue? {
    switch node.op {
    case "Constant": return try constant()
    case "ConstantOfShape":
      let shape = try checked(try input(0).integers())
      guard let proto = node.attributes["value"] else {
        return StoredValue(.float, shape) { Tensor(shape: shape) }
      }
      let value = try StoredValue(proto.t, name: nil, in: file)
      guard value.count == 1 else { throw failure("its value has \(value.count) elements") }
      return StoredValue(repeating: value, shape)
    case "Range":
      let (start, limit, step) = (try input(0), try input(1), try input(2))
      let values = try [start, limit, step].map { value in
        guard value.count == 1 else { throw failure("its inputs are no numbers") }
        return start.kind.isFloat ? Double(try value.floats()[0]) : Double(try value.integers()[0])
      }
      let count = max(0, ((values[1] - values[0]) / values[2]).rounded(.up))
      guard count.isFinite, count <= Double(Folder.limit) else { throw failure("it would have \(count) values") }
      let numbers = (0..<Int(count)).map { values[0] + Double($0) * values[2] }
      return start.kind.isFloat
        ? StoredValue(start.kind, Tensor(shape: [numbers.count], numbers.map { Float($0) }))
        : StoredValue(start.kind, Tensor(shape: [numbers.count], integers: numbers.map(clamping)))
    case "Cast", "CastLike":
      let value = try input(0)
      let kind = node.op == "Cast" ? ElementKind(rawValue: node.int("to", 1)) : try input(1).kind
      guard let kind, kind.isNumber else { throw failure("a value is to become one of type \(node.int("to", 0))") }
      return cast(value, kind)
    case "NonZero":
      let value = try input(0)
      let found = try value.floats().enumerated().filter { $0.element != 0 }.map(\.offset)
      let steps = strides(value.shape)
      let places = value.shape.indices.map { axis in found.map { Int64($0 / steps[axis] % value.shape[axis]) } }
      return StoredValue(.int64, Tensor(shape: [value.shape.count, found.count], integers: places.flatMap { $0 }))
    case "Trilu":
      let value = try input(0)
      guard value.shape.count >= 2 else { throw failure("shape \(value.shape) has no triangle") }
      let shift = try inputs.count > 1 ? (inputs[1]?.integers().first ?? 0) : 0
      let kept = triangle(value.shape, shift, upper: node.int("upper", 1) != 0)
      return StoredValue(value.kind, value.shape) {
        try value.tensor().taking(kept.enumerated().map { $0.element ? $0.offset : -1 }, value.shape)
      }
    case "QuantizeLinear": return try quantised()
    case "DequantizeLinear": return try dequantised()
    case "OneHot": return try oneHot()
    case "EyeLike":
      let shape = try input(0).shape
      guard shape.count == 2, let kind = ElementKind(rawValue: node.int("dtype", try input(0).kind.rawValue)) else {
        throw failure("shape \(shape) is no matrix")
      }
      let shift = node.int("k", 0)
      let ones = (0..<shape.product).map { Int64($0 % shape[1] - $0 / shape[1] == shift ? 1 : 0) }
      return cast(StoredValue(.int64, Tensor(shape: shape, integers: ones)), kind)
    default: return nil
    }
  }

  private func constant() throws -> StoredValue {
    for (name, attribute) in node.attributes {
      switch name {
      case "value": return try StoredValue(attribute.t, name: nil, in: file)
      case "value_float": return StoredValue(.float, Tensor(shape: [], [attribute.f]))
      case "value_floats": return StoredValue(.float, Tensor(shape: [attribute.floats.count], attribute.floats))
      case "value_int": return StoredValue(.int64, Tensor(shape: [], integers: [attribute.i]))
      case "value_ints": return StoredValue(.int64, Tensor(shape: [attribute.ints.count], integers: attribute.ints))
      default: continue
      }
    }
    throw failure("it has no dense tensor of numbers")
  }

  func cast(_ value: StoredValue, _ kind: ElementKind) -> StoredValue {
    if value.kind == kind { return value }
    return StoredValue(kind, value.shape, name: kind.isFloat ? value.name : nil) {
      let tensor = try value.tensor()
      if kind.isFloat { return Tensor(shape: value.shape, try value.floats().map(kind.rounded)) }
      if kind == .bool {
        let isSet = tensor.type == .int64 ? tensor.integers.map { $0 != 0 } : tensor.scalars.map { $0 != 0 }
        return Tensor(shape: value.shape, integers: isSet.map { $0 ? 1 : 0 })
      }
      return Tensor(shape: value.shape, integers: try value.integers().map { kind.wrapped(Int64($0)) })
    }
  }

  /// `(q - zero) scale`
  private func dequantised() throws -> StoredValue {
    let scale = try input(1)
    return try rescaled(scale.kind) { number, scale, zero in (number - zero) * scale }
  }

  /// `round(x / scale) + zero`, ties to even, as far as the type of the zero point goes.
  private func quantised() throws -> StoredValue {
    let zero = inputs.count > 2 ? inputs[2]?.kind : nil
    let kind = zero ?? ElementKind(rawValue: node.int("output_dtype", 0)) ?? .uint8
    guard let range = kind.quantisedRange else {
      throw failure("it quantises to elements of another type than integers")
    }
    guard try input(1).floats().allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw failure("its scale is not above 0")
    }
    return try rescaled(kind) { number, scale, zero in
      let place = (number / scale).rounded(.toNearestOrEven) + zero
      return place.isNaN ? 0 : max(range.lowerBound, min(range.upperBound, place))
    }
  }

  /// A function of each element of input 0, its scale and its zero point.
  private func rescaled(
    _ kind: ElementKind, _ function: @escaping (_ number: Float, _ scale: Float, _ zero: Float) -> Float
  ) throws -> StoredValue {
    let (value, scale) = (try input(0), try input(1))
    let zero = inputs.count > 2 ? inputs[2] : nil
    let places = try placesOfScales(value.shape, scale)
    return StoredValue(kind, value.shape, name: kind.isFloat ? value.name : nil) {
      let (numbers, scales) = (try value.floats(), try scale.floats())
      let zeros = try zero?.floats() ?? [Float](repeating: 0, count: scales.count)
      guard zeros.count == scales.count else { throw failure("zero points do not fit the scales") }
      let results = numbers.enumerated().map { place, number in
        let index = places.isEmpty ? 0 : places[place]
        return function(number, scales[index], zeros[index])
      }
      return kind.isFloat
        ? Tensor(shape: value.shape, results) : Tensor(shape: value.shape, integers: results.map { Int64($0) })
    }
  }

  /// The place of the scale for each element: one for an index of an axis, or one for a block of them; empty where one
  /// is for all.
  private func placesOfScales(_ shape: [Int], _ scale: StoredValue) throws -> [Int] {
    let block = node.int("block_size", 0)
    if scale.count == 1 { return [] }
    let axis = try axis(node.int("axis", 1), of: shape.count)
    if block > 0, scale.shape.count == shape.count {
      let (steps, own) = (strides(scale.shape), strides(shape))
      guard
        scale.shape.indices.allSatisfy({
          $0 == axis ? (shape[$0] - 1) / block < scale.shape[$0] : scale.shape[$0] == shape[$0]
        })
      else { throw failure("scales of shape \(scale.shape) do not fit \(shape)") }
      return (0..<shape.product).map { offset in
        shape.indices.reduce(0) { sum, index in
          let place = offset / own[index] % shape[index]
          return sum + (index == axis ? place / block : place) * steps[index]
        }
      }
    }
    guard shape.indices.contains(axis), scale.count == shape[axis] else {
      throw failure("scales of shape \(scale.shape) do not fit \(shape)")
    }
    let inner = shape[(axis + 1)...].reduce(1, *)
    return (0..<shape.product).map { $0 / inner % shape[axis] }
  }

  private func oneHot() throws -> StoredValue {
    let indices = try input(0)
    let (depth, values) = (try input(1).integers().first ?? 0, try input(2))
    let rank = indices.shape.count + 1
    let axis = try axis(node.int("axis", -1), of: rank)
    guard depth > 0, values.count == 2 else { throw failure("depth \(depth) is none") }
    var shape = indices.shape
    shape.insert(depth, at: axis)
    let target = try checked(shape)
    let inner = target[(axis + 1)...].reduce(1, *)
    let places = try indices.integers().map { $0 < 0 ? $0 + depth : $0 }
    let isOn = (0..<target.product).map { offset in
      places[offset / (inner * depth) * inner + offset % inner] == offset / inner % depth ? 1 : 0
    }
    return StoredValue(values.kind, target) { try values.tensor().taking(isOn, target) }
  }

  // MARK: Arithmetic

  /// Functions of numbers, place by place, and reductions.
  func arithmetic() throws -> StoredValue? {
    if var function = Self.binary[node.op], inputs.count >= 1 {
      if node.op == "Mod", node.flag("fmod") { function = { $0.truncatingRemainder(dividingBy: $1) } }
      var value = try input(0)
      for index in inputs.indices.dropFirst() { value = try combined(value, try input(index), function) }
      return value
    }
    if let function = Self.unary[node.op] {
      let value = try input(0)
      if value.kind.isFloat {
        return StoredValue(
          value.kind, Tensor(shape: value.shape, try value.floats().map { Float(function(Double($0))) }))
      }
      return StoredValue(
        value.kind, Tensor(shape: value.shape, integers: try value.integers().map { clamping(function(Double($0))) }))
    }
    switch node.op {
    case "Where":
      let (condition, a, b) = (try input(0), try input(1), try input(2))
      guard let shape = broadcastShape([condition.shape, a.shape, b.shape]), a.kind.type == b.kind.type else {
        throw failure("its inputs do not fit together")
      }
      let isSet = try condition.integers()
      let (places, first, second) = (
        broadcastOffsets(condition.shape, to: try checked(shape)), broadcastOffsets(a.shape, to: shape),
        broadcastOffsets(b.shape, to: shape)
      )
      if a.kind.type == .int64 {
        let (x, y) = (try a.integers(), try b.integers())
        return StoredValue(
          a.kind,
          Tensor(
            shape: shape,
            integers: places.indices.map {
              Int64(isSet[places[$0]] != 0 ? x[first[$0]] : y[second[$0]])
            }))
      }
      let (x, y) = (try a.floats(), try b.floats())
      return StoredValue(
        a.kind,
        Tensor(
          shape: shape,
          places.indices.map {
            isSet[places[$0]] != 0 ? x[first[$0]] : y[second[$0]]
          }))
    case "Clip" where inputs.count > 1 || node.opset < 11:
      let value = try input(0)
      guard !value.kind.isFloat else { return nil }
      let low = inputs.count > 1 ? try inputs[1]?.integers().first ?? .min : .min
      let high = inputs.count > 2 ? try inputs[2]?.integers().first ?? .max : .max
      return StoredValue(
        value.kind, Tensor(shape: value.shape, integers: try value.integers().map { Int64(min(max($0, low), high)) }))
    case "CumSum":
      let value = try input(0)
      let axis = try axis(try input(1).integers().first ?? 0, of: value.shape.count)
      return try summed(value, axis)
    case "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceMean": return try reduced()
    default: return nil
    }
  }

  private typealias Binary = @Sendable (Double, Double) -> Double
  private static let binary: [String: Binary] = [
    "Add": { $0 + $1 }, "Sub": { $0 - $1 }, "Mul": { $0 * $1 }, "Div": { $0 / $1 }, "Pow": { pow($0, $1) },
    "Max": { $0 >= $1 || $0.isNaN ? $0 : $1 }, "Min": { $0 <= $1 || $0.isNaN ? $0 : $1 }, "Sum": { $0 + $1 },
    "Equal": { $0 == $1 ? 1 : 0 }, "Less": { $0 < $1 ? 1 : 0 }, "Greater": { $0 > $1 ? 1 : 0 },
    "LessOrEqual": { $0 <= $1 ? 1 : 0 }, "GreaterOrEqual": { $0 >= $1 ? 1 : 0 },
    "And": { $0 != 0 && $1 != 0 ? 1 : 0 }, "Or": { $0 != 0 || $1 != 0 ? 1 : 0 },
    "Xor": { ($0 != 0) != ($1 != 0) ? 1 : 0 },
    "Mod": { a, b in b == 0 ? .nan : a - (a / b).rounded(.down) * b },
  ]
  private static let comparisons: Set<String> = [
    "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor",
  ]
  private static let unary: [String: @Sendable (Double) -> Double] = [
    "Neg": { -$0 }, "Abs": { abs($0) }, "Sqrt": { $0.squareRoot() }, "Floor": { $0.rounded(.down) },
    "Ceil": { $0.rounded(.up) }, "Round": { $0.rounded(.toNearestOrEven) }, "Exp": { exp($0) }, "Log": { log($0) },
    "Reciprocal": { 1 / $0 }, "Not": { $0 == 0 ? 1 : 0 }, "Sign": { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
    "Sin": { sin($0) }, "Cos": { cos($0) },
  ]

  private func combined(_ a: StoredValue, _ b: StoredValue, _ function: Binary) throws -> StoredValue {
    guard let shape = broadcastShape([a.shape, b.shape]) else {
      throw failure("the shapes \(a.shape) and \(b.shape) cannot be broadcast together")
    }
    let places = (broadcastOffsets(a.shape, to: try checked(shape)), broadcastOffsets(b.shape, to: shape))
    let isCondition = Self.comparisons.contains(node.op)
    if a.kind.isFloat {
      let (x, y) = (try a.floats(), try b.floats())
      let values = zip(places.0, places.1).map { function(Double(x[$0]), Double(y[$1])) }
      return isCondition
        ? StoredValue(.bool, Tensor(shape: shape, integers: values.map { Int64($0) }))
        : StoredValue(a.kind, Tensor(shape: shape, values.map { Float($0) }))
    }
    let (x, y) = (try a.integers(), try b.integers())
    let kind = isCondition ? .bool : a.kind
    let values = try zip(places.0, places.1).map { i, j in
      kind.wrapped(Int64(try integer(x[i], y[j]) ?? Int(clamping(function(Double(x[i]), Double(y[j]))))))
    }
    return StoredValue(kind, Tensor(shape: shape, integers: values))
  }

  private func clamping(_ value: Double) -> Int64 {
    value.isNaN ? 0 : Int64(max(min(value, 0x1p62), -0x1p62))
  }

  /// Exact arithmetic of integers, where a float would not do.
  private func integer(_ a: Int, _ b: Int) throws -> Int? {
    switch node.op {
    case "Add", "Sum": return a &+ b
    case "Sub": return a &- b
    case "Mul": return a &* b
    case "Div", "Mod":
      guard b != 0, !(a == .min && b == -1) else { throw failure("it divides \(a) by \(b)") }
      if node.op == "Div" { return a / b }
      return node.flag("fmod") ? a % b : ((a % b) + b) % b
    case "Max": return max(a, b)
    case "Min": return min(a, b)
    case "Equal": return a == b ? 1 : 0
    default: return nil
    }
  }

  private func summed(_ value: StoredValue, _ axis: Int) throws -> StoredValue? {
    guard value.shape.indices.contains(axis), !value.kind.isFloat else { return nil }
    var numbers = try value.integers()
    let (extent, step) = (value.shape[axis], strides(value.shape)[axis])
    let (isExclusive, isReverse) = (node.flag("exclusive"), node.flag("reverse"))
    for first in numbers.indices where first / step % max(1, extent) == 0 {
      var sum = 0
      for index in 0..<extent {
        let place = first + (isReverse ? extent - 1 - index : index) * step
        let own = numbers[place]
        numbers[place] = isExclusive ? sum : sum &+ own
        sum &+= own
      }
    }
    return StoredValue(value.kind, Tensor(shape: value.shape, integers: numbers.map(Int64.init)))
  }

  /// Reductions of integers; those of floats are left to the network.
  private func reduced() throws -> StoredValue? {
    let value = try input(0)
    guard !value.kind.isFloat, node.op != "ReduceMean" else { return nil }
    let numbers = try integers(1, or: "axes") ?? []
    if numbers.isEmpty, node.flag("noop_with_empty_axes") { return value }
    let axes = numbers.isEmpty ? Array(value.shape.indices) : try numbers.map { try axis($0, of: value.shape.count) }
    let kept = value.shape.indices.map { axes.contains($0) ? 1 : value.shape[$0] }
    let steps = strides(kept)
    let targets = offsets(value.shape, steps: value.shape.indices.map { axes.contains($0) ? 0 : steps[$0] })
    var results = [Int?](repeating: nil, count: kept.product)
    for (number, target) in zip(try value.integers(), targets) {
      guard let known = results[target] else {
        results[target] = number
        continue
      }
      results[target] =
        switch node.op {
        case "ReduceProd": known &* number
        case "ReduceSum": known &+ number
        case "ReduceMax": max(known, number)
        default: min(known, number)
        }
    }
    let shape =
      node.int("keepdims", 1) != 0 ? kept : value.shape.indices.filter { !axes.contains($0) }.map { value.shape[$0] }
    let empty = node.op == "ReduceProd" ? 1 : 0
    return StoredValue(value.kind, Tensor(shape: shape, integers: results.map { Int64($0 ?? empty) }))
  }
}

extension Folder {
  /// Weights that a batch norm standardises, as networks without norms of activations have it (Brock et al. 2021, arXiv
  /// 2101.08692): in training mode each output channel by its own mean and variance over all its inputs and places, and
  /// the running statistics after it; otherwise by statistics that are known as well.
  func standardised() throws -> [StoredValue] {
    let value = try input(0)
    let shape = value.shape
    guard shape.count >= 2, value.count > 0 else { throw failure("its input has the shape \(shape)") }
    let (channels, inner) = (shape[1], shape[2...].reduce(1, *))
    let parameters = try (1...4).map { index in
      let parameter = try input(index)
      guard parameter.count == channels else {
        throw failure("parameters of shape \(parameter.shape) do not fit \(channels) channels")
      }
      return try parameter.floats().map(Double.init)
    }
    let (scales, shifts, statistics) = (parameters[0], parameters[1], parameters[2...])
    let numbers = try value.floats().map(Double.init)
    let (epsilon, momentum) = (Double(node.float("epsilon", 1e-5)), Double(node.float("momentum", 0.9)))
    let isTraining = node.flag("training_mode")
    var result = [Float](repeating: 0, count: numbers.count)
    var running = [[Float]](repeating: [], count: 2)
    for channel in 0..<channels {
      let places = (0..<shape[0]).flatMap { row in
        let first = (row * channels + channel) * inner
        return first..<first + inner
      }
      var used = statistics.map { $0[channel] }
      if isTraining {
        let mean = places.reduce(0) { $0 + numbers[$1] } / Double(places.count)
        let variance = places.reduce(0) { $0 + pow(numbers[$1] - mean, 2) } / Double(places.count)
        for (index, (own, before)) in zip([mean, variance], used).enumerated() {
          running[index].append(Float(momentum * before + (1 - momentum) * own))
        }
        used = [mean, variance]
      }
      let scale = scales[channel] / (used[1] + epsilon).squareRoot()
      for place in places { result[place] = Float((numbers[place] - used[0]) * scale + shifts[channel]) }
    }
    return [StoredValue(value.kind, Tensor(shape: shape, result))]
      + (isTraining ? running.map { StoredValue(value.kind, Tensor(shape: [channels], $0)) } : [])
  }
}

/// For each place of matrices whether it lies on or above a diagonal, or on or below it.
func triangle(_ shape: [Int], _ shift: Int, upper: Bool) -> [Bool] {
  let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
  return (0..<shape.product).map { place in
    let difference = place % columns - place / columns % rows
    return upper ? difference >= shift : difference <= shift
  }
}
