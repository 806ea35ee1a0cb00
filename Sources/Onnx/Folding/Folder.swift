import Failures
import Pullbacks

/// Computes nodes all of whose inputs are known when the file is read: the arithmetic of shapes, masks, weights.
struct Folder {
  let file: ModelFile
  let node: OnnxNode
  let inputs: [StoredValue?]

  /// The largest number of elements of a computed tensor.
  static let limit = 1 << 27

  /// The node's outputs; nil where it is left to the network.
  func outputs() throws -> [StoredValue]? {
    guard node.domain.isEmpty else { return nil }
    if let value = try moved() { return [value] }
    if let value = try created() { return [value] }
    if let value = try arithmetic() { return [value] }
    if let values = try parts() { return values }
    if node.op == "BatchNormalization" { return try standardised() }
    return nil
  }

  func failure(_ problem: String, advice: String? = "export the model again") -> PullbackError {
    file.failure("node \(quoted(node.name)) (\(node.op))", problem, advice: advice)
  }

  func input(_ index: Int) throws -> StoredValue {
    guard index < inputs.count, let value = inputs[index] else { throw failure("its input \(index) is missing") }
    return value
  }

  func integers(_ index: Int, or attribute: String) throws -> [Int]? {
    if index < inputs.count, let value = inputs[index] { return try value.integers() }
    return node.ints(attribute)
  }

  func checked(_ shape: [Int]) throws -> [Int] {
    guard let checked = checkedShape(shape.map(Int64.init)), checked.product <= Self.limit else {
      throw failure("its value would have the shape \(shape)")
    }
    return checked
  }

  func axis(_ number: Int, of rank: Int) throws -> Int {
    guard let axis = Onnx.axis(number, of: rank) else { throw failure("axis \(number) is none of \(rank)") }
    return axis
  }

  /// Elements of a known value at certain offsets, when somebody asks for them.
  private func taking(_ value: StoredValue, _ shape: [Int], named: Bool = false, _ offsets: @escaping () -> [Int])
    throws -> StoredValue
  {
    let shape = try checked(shape)
    return StoredValue(value.kind, shape, name: named ? value.name : nil) {
      try value.tensor().taking(offsets(), shape)
    }
  }

  // MARK: Elements that are moved

  private func moved() throws -> StoredValue? {
    switch node.op {
    case "Identity", "Dropout": return try input(0)
    case "Reshape", "Flatten", "Squeeze", "Unsqueeze":
      let value = try input(0)
      let shape = try checked(Reshaping(self).shape(of: value.shape))
      guard shape.product == value.count else { throw failure("shape \(value.shape) cannot become \(shape)") }
      return StoredValue(value.kind, shape, name: value.name) { try value.tensor().reshaped(shape) }
    case "Transpose":
      let value = try input(0)
      let order = node.ints("perm") ?? Array(value.shape.indices.reversed())
      guard order.sorted() == Array(value.shape.indices) else { throw failure("\(order) is no order of the axes") }
      let shape = order.map { value.shape[$0] }
      return StoredValue(value.kind, shape, name: value.name) {
        let tensor = try value.tensor()
        if tensor.type == .float32, tensor.count > 0, tensor.rank > 0 { return tensor.permuted(order) }
        let steps = strides(value.shape)
        return tensor.taking(offsets(shape, steps: order.map { steps[$0] }), shape)
      }
    case "Expand":
      let value = try input(0)
      let target = try input(1).integers()
      guard let shape = broadcastShape([value.shape, target]) else {
        throw failure("shape \(value.shape) cannot be repeated to \(target)")
      }
      return try taking(value, shape) { broadcastOffsets(value.shape, to: shape) }
    case "Tile":
      let value = try input(0)
      let repeats = try input(1).integers()
      guard repeats.count == value.shape.count, repeats.allSatisfy({ (0...Folder.limit).contains($0) }) else {
        throw failure("\(repeats) does not fit the shape \(value.shape)")
      }
      let shape = try checked(zip(value.shape, repeats).map { $0.multipliedReportingOverflow(by: $1).partialValue })
      return try taking(value, shape) {
        select(
          value.shape,
          zip(value.shape, repeats).map { extent, count in
            (0..<count).flatMap { _ in 0..<extent }
          })
      }
    case "Slice":
      let value = try input(0)
      let places = try Slicing(self).places(of: value.shape)
      return try taking(value, places.map(\.count)) { select(value.shape, places) }
    case "Gather":
      let (value, indices) = (try input(0), try input(1))
      let axis = try axis(node.int("axis", 0), of: value.shape.count)
      let extent = value.shape[axis]
      let places = try indices.integers().map { $0 < 0 ? $0 + extent : $0 }
      if let place = places.firstIndex(where: { !(0..<extent).contains($0) }) {
        throw failure(
          "\(try indices.integers()[place]) at index \(place) of \(quoted(node.inputs[1])) is none of an axis of \(extent)",
          advice: nil)
      }
      var selection = value.shape.map { Array(0..<$0) }
      selection[axis] = places
      let (kept, shape) = (selection, value.shape[..<axis] + indices.shape + value.shape[(axis + 1)...])
      return try taking(value, Array(shape)) { select(value.shape, kept) }
    case "Concat":
      let values = try inputs.indices.map(input)
      guard let lead = values.first else { throw failure("it has no inputs") }
      let axis = try axis(node.int("axis", 0), of: lead.shape.count)
      let full = values.filter { $0.count > 0 }
      guard let first = full.first else { return lead }
      guard first.shape.indices.contains(axis) else { throw failure("its inputs do not fit together") }
      var shape = first.shape
      shape[axis] = full.reduce(0) { $0 + ($1.shape.indices.contains(axis) ? $1.shape[axis] : 0) }
      for value in full {
        var other = value.shape
        if other.indices.contains(axis) { other[axis] = shape[axis] }
        guard other == shape, value.kind.type == first.kind.type else {
          throw failure("its inputs do not fit together")
        }
      }
      let target = try checked(shape)
      return StoredValue(first.kind, target) {
        let outer = target[..<axis].reduce(1, *)
        let tensors = try full.map { try $0.tensor() }
        if first.kind.type == .int64 {
          let all = tensors.map(\.integers)
          return Tensor(
            shape: target,
            integers: (0..<outer).flatMap { row in
              all.flatMap { $0[row * ($0.count / outer)..<(row + 1) * ($0.count / outer)] }
            })
        }
        let all = tensors.map(\.scalars)
        return Tensor(
          shape: target,
          (0..<outer).flatMap { row in
            all.flatMap { $0[row * ($0.count / outer)..<(row + 1) * ($0.count / outer)] }
          })
      }
    default: return nil
    }
  }

  /// Several outputs: the parts of an axis.
  private func parts() throws -> [StoredValue]? {
    guard node.op == "Split" else { return nil }
    let value = try input(0)
    let axis = try axis(node.int("axis", 0), of: value.shape.count)
    guard value.shape.indices.contains(axis) else { throw failure("a scalar has no parts") }
    let sizes = try Slicing(self).sizes(value.shape[axis])
    var first = 0
    return try sizes.map { size in
      let range = first..<first + size
      first += size
      var selection = value.shape.map { Array(0..<$0) }
      selection[axis] = Array(range)
      let kept = selection
      return try taking(value, kept.map(\.count)) { select(value.shape, kept) }
    }
  }
}

/// Offsets of the places that are kept of each axis.
private func select(_ shape: [Int], _ places: [[Int]]) -> [Int] {
  let steps = strides(shape)
  var result = [0]
  for (axis, kept) in places.enumerated() {
    var next: [Int] = []
    next.reserveCapacity(result.count * kept.count)
    for offset in result { for place in kept { next.append(offset + place * steps[axis]) } }
    result = next
  }
  return result
}

// MARK: Shapes and places, which the network's own nodes ask for as well

/// The shape that a node gives its input.
struct Reshaping {
  let node: OnnxNode
  let integers: (Int, String) throws -> [Int]?
  let failure: (String) -> PullbackError

  init(_ folder: Folder) {
    node = folder.node
    integers = { try folder.integers($0, or: $1) }
    failure = { folder.failure($0) }
  }

  init(_ lowering: Lowering, _ node: OnnxNode) {
    self.node = node
    integers = { try lowering.integers(node, $0, or: $1) }
    failure = { lowering.failure(node, $0) }
  }

  func shape(of input: [Int]) throws -> [Int] {
    switch node.op {
    case "Flatten":
      let number = node.int("axis", 1)
      let axis = number < 0 ? number + input.count : number
      guard (0...input.count).contains(axis) else { throw failure("axis \(number) is none of \(input)") }
      return [input[..<axis].reduce(1, *), input[axis...].reduce(1, *)]
    case "Squeeze":
      guard let axes = try axes(input.count) else { return input.filter { $0 != 1 } }
      guard axes.allSatisfy({ input[$0] == 1 }) else { throw failure("axes \(axes) of \(input) are not of extent 1") }
      return input.indices.filter { !axes.contains($0) }.map { input[$0] }
    case "Unsqueeze":
      guard let numbers = try integers(1, "axes") else { throw failure("its axes are missing") }
      guard numbers.count <= 16 else { throw failure("it would have \(input.count + numbers.count) axes") }
      let rank = input.count + numbers.count
      let axes = numbers.map { $0 < 0 ? $0 + rank : $0 }
      guard Set(axes).count == axes.count, axes.allSatisfy((0..<rank).contains) else {
        throw failure("\(numbers) are not axes of a tensor of rank \(rank)")
      }
      var rest = input[...]
      return (0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() }
    default: return try target(input)
    }
  }

  private func axes(_ rank: Int) throws -> [Int]? {
    guard let numbers = try integers(1, "axes") else { return nil }
    return try numbers.map { number in
      guard rank > 0, let axis = axis(number, of: rank) else { throw failure("axis \(number) is none of \(rank)") }
      return axis
    }
  }

  /// Reshape's: 0 is the input's own extent, -1 what is left.
  private func target(_ input: [Int]) throws -> [Int] {
    guard let numbers = try integers(1, "shape") else { throw failure("its shape is missing") }
    var shape = numbers
    for (axis, extent) in numbers.enumerated() where extent == 0 && !node.flag("allowzero") {
      guard axis < input.count else { throw failure("axis \(axis) is none of \(input)") }
      shape[axis] = input[axis]
    }
    guard shape.count(where: { $0 == -1 }) <= 1, shape.allSatisfy({ $0 >= -1 }) else {
      throw failure("\(numbers) is no shape")
    }
    if let open = shape.firstIndex(of: -1) {
      guard let known = checkedShape(shape.filter { $0 != -1 }.map(Int64.init))?.product, known > 0,
        input.product % known == 0
      else { throw failure("shape \(input) cannot become \(numbers)") }
      shape[open] = input.product / known
    }
    return shape
  }
}

/// The parts of axes that Slice and Split take.
struct Slicing {
  let node: OnnxNode
  let integers: (Int, String) throws -> [Int]?
  let failure: (String) -> PullbackError

  init(_ folder: Folder) {
    node = folder.node
    integers = { try folder.integers($0, or: $1) }
    failure = { folder.failure($0) }
  }

  init(_ lowering: Lowering, _ node: OnnxNode) {
    self.node = node
    integers = { try lowering.integers(node, $0, or: $1) }
    failure = { lowering.failure(node, $0) }
  }

  /// For each axis the places that are kept.
  func places(of shape: [Int]) throws -> [[Int]] {
    guard let starts = try integers(1, "starts"), let ends = try integers(2, "ends") else {
      throw failure("its starts or ends are missing")
    }
    let axes = try integers(3, "axes") ?? Array(starts.indices)
    let steps = try integers(4, "steps") ?? starts.map { _ in 1 }
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count else {
      throw failure("starts, ends, axes and steps differ in length")
    }
    var places = shape.map { Array(0..<$0) }
    for index in starts.indices {
      guard !shape.isEmpty, let axis = axis(axes[index], of: shape.count),
        let kept = slicePlaces(starts[index], ends[index], steps[index], extent: shape[axis])
      else { throw failure("axis \(axes[index]) of shape \(shape) cannot be sliced by \(steps[index])") }
      places[axis] = kept
    }
    return places
  }

  /// The number of places of each part of an axis of `extent`.
  func sizes(_ extent: Int) throws -> [Int] {
    if let sizes = try integers(1, "split") {
      guard sizes.allSatisfy({ $0 >= 0 }), sizes.reduce(0, { $0 &+ $1 }) == extent else {
        throw failure("parts of \(sizes) do not make up an axis of \(extent)")
      }
      return sizes
    }
    let count = node.int("num_outputs", node.outputs.count)
    guard count > 0, count <= 1 << 16 else { throw failure("it has \(count) outputs") }
    let size = (extent + count - 1) / count
    return (0..<count).map { max(0, min(size, extent - $0 * size)) }
  }
}
