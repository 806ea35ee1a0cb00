import Failures
import Pullbacks

extension Lowering {
  /// Maps of other sizes.
  static let resizing: [String: Operator] = [
    "Resize": { try $0.resize($1) },
    "Upsample": { try $0.resize($1) },
    "GridSample": { try $0.sample($1) },
    "AffineGrid": { try $0.affineGrid($1) },
  ]

  private func sample(_ node: OnnxNode) throws {
    let (maps, grid) = (try input(node, 0), try input(node, 1))
    guard maps.rank == grid.rank, (3...5).contains(maps.rank), maps.canDrop, grid.canDrop else {
      throw failure(node, "maps of shape \(maps.shape) and a grid of shape \(grid.shape) do not fit together")
    }
    let modes = ["bilinear": "linear", "bicubic": "cubic"]
    let mode = node.text("mode", "linear")
    guard let interpolation = GridSample.Interpolation(rawValue: modes[mode] ?? mode),
      let border = GridSample.Border(rawValue: node.text("padding_mode", "zeros"))
    else {
      throw failure(node, "its mode is \(quoted(mode)), its padding \(quoted(node.text("padding_mode", "zeros")))")
    }
    let operation = GridSample(interpolation, border: border, aligningCorners: node.flag("align_corners"))
    let result = try emit(
      operation, node.name, [try signal(maps, dropped: true), try signal(grid, dropped: true)],
      carrying: [maps.carries, grid.carries])
    set(node, result, dropped: true, kind: maps.kind, from: [maps, grid])
  }

  /// `theta (x, y, 1)` at every place of a map, for theta `(N, 2, 3)`; `(N, 3, 4)` for volumes.
  private func affineGrid(_ node: OnnxNode) throws {
    let theta = try input(node, 0)
    let size = try known(node, 1).integers()
    let extents = Array(size.dropFirst(2))
    guard (2...3).contains(extents.count), theta.rank == 3, theta.shape[0] == 1 || theta.shape[0] == size[0],
      Array(theta.shape.dropFirst()) == [extents.count, extents.count + 1],
      extents.allSatisfy({ (1...1 << 12).contains($0) }), extents.product <= Folder.limit / 4
    else { throw failure(node, "transformations of shape \(theta.shape) do not fit maps of shape \(size)") }
    let alignsCorners = node.flag("align_corners")
    func coordinate(_ place: Int, _ extent: Int) -> Float {
      if alignsCorners { return extent == 1 ? 0 : Float(2 * Double(place) / Double(extent - 1) - 1) }
      return Float((2 * Double(place) + 1) / Double(extent) - 1)
    }
    // Rows (x, y, 1), the last axis of the map first.
    let steps = strides(extents)
    let rows = (0..<extents.product).flatMap { (place: Int) -> [Float] in
      extents.indices.reversed().map { coordinate(place / steps[$0] % extents[$0], extents[$0]) } + [1]
    }
    let places = constant(Tensor(shape: [extents.product, extents.count + 1], rows))
    let dropped = theta.canDrop
    let x = try signal(theta, dropped: dropped)
    let result = try emit(
      MatrixMultiply(transposingRight: true), nil, [places, x], carrying: [false, theta.carries])
    let outer = dropped ? [] : [theta.shape[0]]
    set(
      node, try reshape(result, outer + extents + [extents.count], node.name), dropped: dropped, kind: theta.kind,
      from: [theta])
  }

  private func resize(_ node: OnnxNode) throws {
    let slot = try input(node, 0)
    let isOld = node.op == "Upsample" || node.opset < 11
    let scalesInput = isOld ? 1 : 2
    var axes = Array(0..<slot.rank)
    if let stated = node.ints("axes") {
      axes = try stated.map { number in
        guard slot.rank > 0, let axis = axis(number, of: slot.rank) else {
          throw failure(node, "axis \(number) is none")
        }
        return axis
      }
    }
    var scales: [Float]?
    if node.input(scalesInput) != nil, try known(node, scalesInput).count > 0 {
      scales = try known(node, scalesInput).floats()
    } else if node.has("scales") {
      scales = node.attributes["scales"]!.floats
    }
    let places = try coordinates(node, isOld)
    var sizes: [Int]
    if let scales {
      guard scales.count == axes.count, scales.allSatisfy({ $0 > 0 && $0 < 1e6 }) else {
        throw failure(node, "scales \(scales) do not fit the shape \(slot.shape)")
      }
      sizes = zip(axes, scales).map { Int((Float(slot.shape[$0]) * $1).rounded(.down)) }
    } else if !isOld, node.input(3) != nil {
      sizes = try known(node, 3).integers()
      guard sizes.count == axes.count, sizes.allSatisfy({ (1...1 << 24).contains($0) }) else {
        throw failure(node, "sizes \(sizes) do not fit the shape \(slot.shape)")
      }
      let policy = node.text("keep_aspect_ratio_policy", "stretch")
      if policy != "stretch" {
        let factors = zip(axes, sizes).map { Float($1) / Float(slot.shape[$0]) }
        let factor = policy == "not_larger" ? factors.min()! : factors.max()!
        sizes = axes.map { Int((factor * Float(slot.shape[$0]) + 0.5).rounded(.down)) }
        if places != .alignCorners { scales = axes.map { _ in factor } }
      }
    } else {
      throw failure(node, "neither scales nor sizes are known", advice: "export the model with fixed shapes")
    }
    if let batch = options.fixedBatch, axes.first == 0, sizes.first == batch, slot.shape.first == 1 {
      sizes[0] = 1
      scales = scales.map { [1] + $0.dropFirst() }
    }
    let changed = axes.indices.filter { sizes[$0] != slot.shape[axes[$0]] || (scales?[$0] ?? 1) != 1 }
    guard sizes.allSatisfy({ (1...1 << 24).contains($0) }) else { throw failure(node, "its sizes are \(sizes)") }
    if changed.isEmpty { return try elementwise(node, Identity()) }
    guard !node.flag("antialias"), !node.flag("exclude_outside") else {
      throw failure(
        node, "it smooths before it resizes (antialias, exclude_outside)", advice: "export without antialias")
    }
    let isExact = changed.allSatisfy { index in
      scales.map { $0[index] * Float(slot.shape[axes[index]]) == Float(sizes[index]) } ?? true
    }
    guard places != .alignCorners || isExact else {
      throw failure(
        node, "its corners are aligned, and its scales give no whole sizes",
        advice: "export it by sizes (recompute_scale_factor=True)")
    }
    let (x, dropped) = try along(slot, changed.map { axes[$0] })
    // Before operator set 11 the nearest of what shrinks is the next, of what grows the one before.
    let shrinking = isOld ? changed.filter { (scales?[$0] ?? 1) < 1 } : []
    let parts = [changed.filter { !shrinking.contains($0) }, shrinking].filter { !$0.isEmpty }
    var value = x
    for (index, part) in parts.enumerated() {
      let operation = Resize(
        axes: part.map { axes[$0] - (dropped ? 1 : 0) }, to: part.map { sizes[$0] },
        scales: scales.map { scales in part.map { scales[$0] } },
        by: try interpolation(node, isOld ? part == shrinking ? .ceil : .floor : nil), coordinates: places)
      value = try emit(operation, index == parts.count - 1 ? node.name : nil, [value])
    }
    set(node, value, dropped: dropped, from: [slot])
  }

  private func interpolation(_ node: OnnxNode, _ rounding: Resize.Rounding?) throws -> Resize.Interpolation {
    switch node.text("mode", "nearest") {
    case "nearest":
      if let rounding { return .nearest(rounding) }
      let name = node.text("nearest_mode", "round_prefer_floor")
      guard let rounding = Resize.Rounding(rawValue: name) else {
        throw failure(node, "its rounding is \(quoted(name))")
      }
      return .nearest(rounding)
    case "linear", "bilinear": return .linear
    case "cubic": return .cubic(coefficient: Double(node.float("cubic_coeff_a", -0.75)))
    default: throw failure(node, "its mode is \(quoted(node.text("mode")))")
    }
  }

  private func coordinates(_ node: OnnxNode, _ isOld: Bool) throws -> Resize.Coordinates {
    if isOld { return .asymmetric }
    let name = node.text("coordinate_transformation_mode", "half_pixel")
    guard let coordinates = Resize.Coordinates(rawValue: name) else {
      throw failure(
        node, "its coordinates are \(quoted(name))",
        advice: "\(Resize.Coordinates.allCases.map(\.rawValue).joined(separator: ", ")) are read")
    }
    return coordinates
  }
}
