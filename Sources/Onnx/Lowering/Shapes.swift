import Failures
import Pullbacks

extension Lowering {
  /// Values under other shapes, in other orders, joined and cut apart.
  static let shapes: [String: Operator] = {
    var all: [String: Operator] = [
      "Transpose": { try $0.transpose($1) },
      "Concat": { try $0.concatenate($1) },
      "Split": { try $0.split($1) },
      "Slice": { try $0.slice($1) },
      "Expand": { try $0.expand($1) },
      "Tile": { try $0.tile($1) },
      "Pad": { try $0.pad($1) },
      "DepthToSpace": { try $0.depthToSpace($1) },
      "SpaceToDepth": { try $0.spaceToDepth($1) },
      "Trilu": { try $0.triangle($1) },
      "Shape": { lowering, node in
        let shape = try lowering.input(node, 0).shape
        let rank = shape.count
        func bound(_ number: Int) -> Int { min(max(number < 0 ? number + rank : number, 0), rank) }
        let (start, end) = (bound(node.int("start", 0)), bound(node.int("end", rank)))
        lowering.set(node, Slot(StoredValue(integers: start < end ? Array(shape[start..<end]) : [])))
      },
      "Size": { lowering, node in
        let count = try lowering.input(node, 0).shape.product
        lowering.set(node, Slot(StoredValue(.int64, Tensor(shape: [], integers: [Int64(count)]))))
      },
    ]
    for name in ["Reshape", "Flatten", "Squeeze", "Unsqueeze"] { all[name] = { try $0.reshape($1) } }
    return all
  }()

  private func reshape(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    var shape = try Reshaping(self, batched(node, slot)).shape(of: slot.shape)
    if shape.product != slot.shape.product, let batch = options.fixedBatch, shape.first == batch {
      // The file's own batch, of which one image is left.
      shape[0] = 1
    }
    guard shape.product == slot.shape.product else {
      throw failure(node, "shape \(slot.shape) cannot become \(shape)")
    }
    // Integers, token ids, are looked up by and stay integers.
    let drops = shape.first == 1 && shape.count > 1
    let target = drops ? Array(shape.dropFirst()) : shape
    guard case .signal(let signal, _, let type) = slot.content else { throw failure(node, "its value is not known") }
    let result = signal.shape == target ? signal : try reshape(signal, target, node.name)
    var out = Slot(result, dropped: drops, kind: slot.kind, carries: slot.carries, type: type)
    out.statistic = slot.statistic
    set(node, out)
  }

  /// A reshaping whose target states the file's own batch: what is left open is then what one image leaves.
  private func batched(_ node: OnnxNode, _ slot: Slot) throws -> OnnxNode {
    guard let batch = options.fixedBatch, node.op == "Reshape", node.input(1) != nil else { return node }
    var numbers = try known(node, 1).integers()
    guard numbers.first == batch, slot.shape.first == 1, numbers.contains(-1) else { return node }
    numbers[0] = 1
    let name = "\(node.name)\u{1}shape"
    slots[name] = Slot(StoredValue(integers: numbers))
    var copy = node
    copy.inputs[1] = name
    return copy
  }

  private func transpose(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let order = node.ints("perm") ?? Array((0..<slot.rank).reversed())
    guard order.sorted() == Array(0..<slot.rank) else {
      throw failure(node, "\(order) is no order of \(slot.rank) axes")
    }
    if slot.canDrop, order.first == 0, slot.rank > 1 {
      let x = try signal(slot, dropped: true)
      let own = order.dropFirst().map { $0 - 1 }
      return set(node, try emit(Transpose(own), node.name, [x]), dropped: true, from: [slot])
    }
    // Axes of one place go where they like.
    let full = order.map { slot.shape[$0] }
    let drops = full.first == 1 && full.count > 1
    if slot.isDropped {
      let own = order.filter { $0 > 0 }.map { $0 - 1 }
      let turned = try emit(Transpose(own), node.name, [try signal(slot, dropped: true)])
      return set(node, try reshape(turned, drops ? Array(full.dropFirst()) : full), dropped: drops, from: [slot])
    }
    let turned = try emit(Transpose(order), node.name, [try signal(slot, dropped: false)])
    set(node, drops ? try reshape(turned, Array(full.dropFirst())) : turned, dropped: drops, from: [slot])
  }

  private func concatenate(_ node: OnnxNode) throws {
    let slots = try inputs(node).filter { !$0.shape.contains(0) }
    guard let first = slots.first, first.rank > 0, let axis = axis(node.int("axis", 0), of: first.rank),
      slots.allSatisfy({ $0.rank == first.rank })
    else { throw failure(node, "its inputs have the shapes \(slots.map(\.shape))") }
    let drops = axis > 0 && slots.allSatisfy(\.canDrop)
    let signals = try slots.map { try signal($0, dropped: drops) }
    let result =
      signals.count == 1
      ? try emit(Identity(), node.name, signals)
      : try emit(Concatenate(axis: axis - (drops ? 1 : 0)), node.name, signals)
    set(node, result, dropped: drops, from: slots)
  }

  private func split(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    guard slot.rank > 0, let axis = axis(node.int("axis", 0), of: slot.rank) else {
      throw failure(node, "its axis is none of shape \(slot.shape)")
    }
    let sizes = try Slicing(self, node).sizes(slot.shape[axis])
    guard sizes.count == node.outputs.count, sizes.allSatisfy({ $0 > 0 }) else {
      throw failure(node, "parts of \(sizes) for \(node.outputs.count) outputs")
    }
    let (x, dropped) = try along(slot, [axis])
    var first = 0
    for (index, size) in sizes.enumerated() {
      let part = Slice(axis: axis - (dropped ? 1 : 0), first..<first + size)
      first += size
      guard !node.outputs[index].isEmpty else { continue }
      let result = try emit(part, sizes.count == 1 ? node.name : "\(node.name).\(index)", [x])
      set(node, Slot(result, dropped: dropped, kind: slot.kind, carries: slot.carries), output: index)
    }
  }

  private func slice(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let places = try Slicing(self, node).places(of: slot.shape)
    guard places.allSatisfy({ !$0.isEmpty }) else { throw failure(node, "nothing is left of the shape \(slot.shape)") }
    let changed = places.indices.filter { places[$0] != Array(0..<slot.shape[$0]) }
    if changed.isEmpty, case .signal = slot.content { return set(node, slot) }
    let (x, dropped) = try along(slot, changed)
    let parts = changed.map { axis in
      let kept = places[axis]
      let step = kept.count > 1 ? kept[1] - kept[0] : 1
      let own = axis - (dropped ? 1 : 0)
      return step == 1
        ? Slice.Part(axis: own, .range(kept[0]..<kept[0] + kept.count))
        : Slice.Part(
          axis: own,
          .python(
            start: kept[0], end: step > 0 ? kept.last! + 1 : (kept.last! == 0 ? -x.shape[own] - 1 : kept.last! - 1),
            step: step))
    }
    set(node, try emit(Slice(parts), node.name, [x]), dropped: dropped, from: [slot])
  }

  private func expand(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    var target = try known(node, 1).integers()
    if let batch = options.fixedBatch, target.count == slot.rank, target.first == batch, slot.shape.first == 1 {
      target[0] = 1
    }
    guard let shape = broadcastShape([slot.shape, target]), shape.allSatisfy({ $0 > 0 }) else {
      throw failure(node, "shape \(slot.shape) cannot be repeated to \(target)")
    }
    if shape == slot.shape { return set(node, slot) }
    let drops = shape.count == slot.rank && shape.first == 1 && shape.count > 1
    let x = try signal(slot, dropped: drops)
    let result = try emit(Expand(to: drops ? Array(shape.dropFirst()) : shape), node.name, [x])
    var out = Slot(result, dropped: drops, kind: slot.kind, carries: slot.carries)
    out.statistic = slot.statistic
    set(node, out)
  }

  private func tile(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let repeats = try known(node, 1).integers()
    guard repeats.count == slot.rank, repeats.allSatisfy({ (1...1 << 16).contains($0) }) else {
      throw failure(node, "\(repeats) does not fit the shape \(slot.shape)")
    }
    let changed = repeats.indices.filter { repeats[$0] > 1 }
    var (x, dropped) = try along(slot, changed)
    guard checkedShape(zip(slot.shape, repeats).map { Int64($0 &* $1) }) != nil else {
      throw failure(node, "its value would be too large")
    }
    for axis in changed {
      let copies = [Signal](repeating: x, count: repeats[axis])
      x = try emit(
        Concatenate(axis: axis - (dropped ? 1 : 0)), axis == changed.last ? node.name : nil, copies)
    }
    set(node, x, dropped: dropped, from: [slot])
  }

  private func pad(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    guard let pads = try integers(node, 1, or: "pads") else { throw failure(node, "its pads are missing") }
    var axes = Array(0..<slot.rank)
    if node.input(3) != nil {
      axes = try known(node, 3).integers().map { number in
        guard slot.rank > 0, let axis = axis(number, of: slot.rank) else {
          throw failure(node, "axis \(number) is none")
        }
        return axis
      }
    }
    guard pads.count == 2 * axes.count, pads.allSatisfy({ (-(1 << 20)...1 << 20).contains($0) }) else {
      throw failure(node, "pads \(pads) do not fit the shape \(slot.shape)")
    }
    var (begins, ends) = (slot.shape.map { _ in 0 }, slot.shape.map { _ in 0 })
    for (index, axis) in axes.enumerated() { (begins[axis], ends[axis]) = (pads[index], pads[axes.count + index]) }
    let value: Float
    if node.input(2) != nil { value = try known(node, 2).floats().first ?? 0 } else { value = node.float("value", 0) }
    guard let mode = Pad.Mode(rawValue: node.text("mode", "constant")) else {
      throw failure(node, "its mode is \(quoted(node.text("mode")))")
    }
    guard mode != .wrap || pads.allSatisfy({ $0 >= 0 }) else {
      throw failure(
        node, "its mode is wrap and its pads \(pads) cut, of which the standard does not say what comes first",
        advice: "cut by a Slice")
    }
    let (x, dropped) = try along(slot, axes.filter { begins[$0] != 0 || ends[$0] != 0 })
    if dropped {
      begins.removeFirst()
      ends.removeFirst()
    }
    set(node, try emit(Pad(begins, ends, mode: mode, value: value), node.name, [x]), dropped: dropped, from: [slot])
  }

  private func depthToSpace(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let block = node.int("blocksize", 1)
    guard slot.rank == 4, (1...1 << 12).contains(block), slot.shape[1] % (block * block) == 0 else {
      throw failure(node, "blocks of \(block) do not fit the shape \(slot.shape)")
    }
    let dropped = slot.canDrop
    let x = try signal(slot, dropped: dropped)
    let outer = dropped ? [] : [slot.shape[0]]
    let (depth, height, width) = (slot.shape[1] / (block * block), slot.shape[2], slot.shape[3])
    let isColumnRow = node.text("mode", "DCR") == "CRD"
    let parts = isColumnRow ? [depth, block, block, height, width] : [block, block, depth, height, width]
    // From (blocks, depth) or (depth, blocks) to (depth, height, block, width, block).
    let order = isColumnRow ? [0, 3, 1, 4, 2] : [2, 3, 0, 4, 1]
    let turned = try emit(
      Transpose(outer.indices + order.map { $0 + outer.count }), nil, [try reshape(x, outer + parts)])
    let result = try reshape(turned, outer + [depth, height * block, width * block], node.name)
    set(node, result, dropped: dropped, from: [slot])
  }

  private func spaceToDepth(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let block = node.int("blocksize", 1)
    guard slot.rank == 4, (1...1 << 12).contains(block), slot.shape[2] % block == 0, slot.shape[3] % block == 0 else {
      throw failure(node, "blocks of \(block) do not fit the shape \(slot.shape)")
    }
    let dropped = slot.canDrop
    let x = try signal(slot, dropped: dropped)
    let outer = dropped ? [] : [slot.shape[0]]
    let (depth, height, width) = (slot.shape[1], slot.shape[2] / block, slot.shape[3] / block)
    let apart = try reshape(x, outer + [depth, height, block, width, block])
    let order = node.text("mode", "DCR") == "CRD" ? [0, 2, 4, 1, 3] : [2, 4, 0, 1, 3]
    let turned = try emit(
      Transpose(outer.indices + order.map { $0 + outer.count }), nil, [apart])
    let result = try reshape(turned, outer + [depth * block * block, height, width], node.name)
    set(node, result, dropped: dropped, from: [slot])
  }

  private func triangle(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    guard slot.rank >= 2 else { throw failure(node, "shape \(slot.shape) has no triangle") }
    let shift = node.input(1) == nil ? 0 : try known(node, 1).integers().first ?? 0
    let matrix = Array(slot.shape.suffix(2))
    let kept = Onnx.triangle(matrix, shift, upper: node.int("upper", 1) != 0)
    let (x, dropped) = try whole(slot)
    let isKept = constant(Tensor(shape: matrix, kept.map { $0 ? 1 : 0 }))
    guard x.shape.count >= 2 else { throw failure(node, "shape \(slot.shape) has no triangle") }
    set(node, try emit(Where(), node.name, [isKept, x, number(0)]), dropped: dropped, from: [slot])
  }
}
