import Failures
import Pullbacks

extension Lowering {
  /// Values at indices.
  static let lookups: [String: Operator] = [
    "Gather": { try $0.gather($1) },
    "GatherElements": { try $0.gatherElements($1) },
    "GatherND": { try $0.gatherPoints($1) },
    "ScatterND": { try $0.scatterPoints($1) },
    "ScatterElements": { try $0.scatterElements($1) },
  ]

  private func gather(_ node: OnnxNode) throws {
    let (data, indices) = (try input(node, 0), try input(node, 1))
    guard data.rank > 0, let axis = axis(node.int("axis", 0), of: data.rank) else {
      throw failure(node, "its axis is none of shape \(data.shape)")
    }
    if let places = indices.constant {
      return try gather(node, data, axis, try places.integers(), shape: places.shape)
    }
    if let table = data.constant, axis == 0, table.shape.count == 2, table.kind.isFloat {
      let dropped = indices.canDrop
      let ids = try self.indices(indices, dropped: dropped)
      let result = try emit(
        Embedding(table.shape[0], width: table.shape[1]), node.name, [ids], weights: ["weight": { try table.tensor() }])
      return set(node, Slot(result, dropped: dropped, kind: table.kind, carries: true))
    }
    let values = [try signal(data, dropped: false), try self.indices(indices, dropped: false)]
    let result = try emit(Gather(axis: axis), node.name, values)
    set(node, result, dropped: false, from: [data])
  }

  /// At indices that are known: a part of an axis where they follow one another.
  private func gather(_ node: OnnxNode, _ data: Slot, _ axis: Int, _ places: [Int], shape: [Int]) throws {
    let extent = data.shape[axis]
    let places = places.map { $0 < 0 ? $0 + extent : $0 }
    guard places.allSatisfy((0..<extent).contains), !places.isEmpty else {
      throw failure(node, "an index is outside an axis of \(extent)")
    }
    let (x, dropped) = try along(data, [axis])
    let own = axis - (dropped ? 1 : 0)
    let isRun = places.indices.allSatisfy { places[$0] == places[0] + $0 }
    var target = x.shape
    target.replaceSubrange(own...own, with: shape)
    let result: Signal
    if isRun {
      let isWhole = x.shape[own...own] == shape[...]
      let part = try emit(
        Slice(axis: own, places[0]..<places[0] + places.count), isWhole || target == x.shape ? node.name : nil, [x])
      result = part.shape == target ? part : try reshape(part, target, node.name)
    } else {
      let indices = constant(Tensor(shape: shape, integers: places.map(Int64.init)))
      result = try emit(Gather(axis: own), node.name, [x, indices])
    }
    set(node, result, dropped: dropped, kind: data.kind, from: [data])
  }

  /// Elements of a value at known offsets.
  private func take(_ node: OnnxNode, _ data: Slot, _ offsets: [Int], _ shape: [Int]) throws {
    guard !offsets.isEmpty else { throw failure(node, "nothing is looked up") }
    let x = try signal(data, dropped: false)
    let flat = try reshape(x, [data.shape.product])
    let indices = constant(Tensor(shape: shape, integers: offsets.map(Int64.init)))
    set(node, try emit(Gather(axis: 0), node.name, [flat, indices]), dropped: false, kind: data.kind, from: [data])
  }

  private func gatherElements(_ node: OnnxNode) throws {
    let (data, indices) = (try input(node, 0), try input(node, 1))
    guard data.rank > 0, let axis = axis(node.int("axis", 0), of: data.rank) else {
      throw failure(node, "its axis is none of shape \(data.shape)")
    }
    if !indices.isConstant, let element = try data.constant?.onlyElement() {
      // Which index it is makes no difference: RoBERTa looks types of tokens up in a row of zeros.
      try requireFit(node, indices.shape, data.shape, axis)
      return set(node, Slot(StoredValue(repeating: element, indices.shape)))
    }
    let places = try known(node, 1)
    try take(node, data, try offsets(node, of: places, in: data.shape, axis), places.shape)
  }

  /// Offsets of elements whose place along one axis is an index, and along the others their own.
  private func offsets(_ node: OnnxNode, of places: StoredValue, in shape: [Int], _ axis: Int) throws -> [Int] {
    try requireFit(node, places.shape, shape, axis)
    var steps = strides(shape)
    let step = steps[axis]
    steps[axis] = 0
    return try zip(Onnx.offsets(places.shape, steps: steps), try places.integers()).map { offset, index in
      let place = index < 0 ? index + shape[axis] : index
      guard (0..<shape[axis]).contains(place) else {
        throw failure(node, "an index is outside an axis of \(shape[axis])")
      }
      return offset + place * step
    }
  }

  /// - Throws: `PullbackError` where indices along one axis have more places along another than the data.
  private func requireFit(_ node: OnnxNode, _ indices: [Int], _ shape: [Int], _ axis: Int) throws {
    guard indices.count == shape.count, shape.indices.allSatisfy({ $0 == axis || indices[$0] <= shape[$0] }) else {
      throw failure(node, "indices of shape \(indices) do not fit \(shape)")
    }
  }

  /// Offsets of the first elements of the parts that rows of indices point to, and how many elements each has.
  private func points(
    _ node: OnnxNode, _ places: StoredValue, in shape: [Int], batchAxes: Int
  ) throws -> (offsets: [Int], inner: [Int]) {
    let depth = places.shape.last ?? 0
    guard depth > 0, batchAxes >= 0, batchAxes < places.shape.count, batchAxes + depth <= shape.count else {
      throw failure(node, "indices of shape \(places.shape) do not fit \(shape)")
    }
    let steps = strides(shape)
    let numbers = try places.integers()
    let perBatch = places.shape.dropFirst(batchAxes).dropLast().reduce(1, *)
    let batchSize = shape[batchAxes...].reduce(1, *)
    let offsets = try (0..<numbers.count / depth).map { row in
      try (0..<depth).reduce(row / max(1, perBatch) * (batchAxes == 0 ? 0 : batchSize)) { offset, index in
        let extent = shape[batchAxes + index]
        let number = numbers[row * depth + index]
        let place = number < 0 ? number + extent : number
        guard (0..<extent).contains(place) else { throw failure(node, "an index is outside an axis of \(extent)") }
        return offset + place * steps[batchAxes + index]
      }
    }
    return (offsets, Array(shape[(batchAxes + depth)...]))
  }

  private func gatherPoints(_ node: OnnxNode) throws {
    let (data, places) = (try input(node, 0), try known(node, 1))
    let (first, inner) = try points(node, places, in: data.shape, batchAxes: node.int("batch_dims", 0))
    let size = inner.product
    guard first.count * size <= Folder.limit else { throw failure(node, "its value would be too large") }
    let all = first.flatMap { $0..<$0 + size }
    try take(node, data, all, places.shape.dropLast() + inner)
  }

  private func scatterPoints(_ node: OnnxNode) throws {
    let (data, places) = (try input(node, 0), try known(node, 1))
    let (first, inner) = try points(node, places, in: data.shape, batchAxes: 0)
    let size = inner.product
    guard first.count * size <= Folder.limit else { throw failure(node, "its value would be too large") }
    try scatter(node, data, first.flatMap { $0..<$0 + size })
  }

  private func scatterElements(_ node: OnnxNode) throws {
    let (data, places) = (try input(node, 0), try known(node, 1))
    guard data.rank > 0, let axis = axis(node.int("axis", 0), of: data.rank) else {
      throw failure(node, "its axis is none of shape \(data.shape)")
    }
    try scatter(node, data, try offsets(node, of: places, in: data.shape, axis))
  }

  /// The data with those elements at known offsets replaced by the updates; where an offset comes twice, the last
  /// counts.
  private func scatter(_ node: OnnxNode, _ data: Slot, _ targets: [Int]) throws {
    let updates = try input(node, 2)
    guard ["none", ""].contains(node.text("reduction", "none")) else {
      throw failure(node, "it adds up what it scatters", advice: "plain replacement is read")
    }
    guard updates.shape.product == targets.count, !targets.isEmpty else {
      throw failure(node, "updates of shape \(updates.shape) do not fit \(targets.count) places")
    }
    let count = data.shape.product
    var sources = [Int](repeating: -1, count: count)
    for (index, target) in targets.enumerated() { sources[target] = index }
    let flat = try reshape(try signal(data, dropped: false), [count])
    let news = try reshape(try signal(updates, dropped: false), [targets.count])
    let indices = constant(Tensor(shape: [count], integers: sources.map { Int64(max($0, 0)) }))
    let spread = try emit(Gather(axis: 0), nil, [news, indices])
    let isNew = constant(Tensor(shape: [count], sources.map { $0 < 0 ? 0 : 1 }))
    let result = try reshape(try emit(Where(), nil, [isNew, spread, flat]), data.shape, node.name)
    set(node, result, dropped: false, from: [data, updates])
  }
}
