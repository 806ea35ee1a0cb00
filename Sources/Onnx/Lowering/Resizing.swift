import Failures
import Pullbacks

extension Lowering {
  /// Maps of other sizes.
  static let resizing: [String: Operator] = [
    "Resize": { try $0.resize($1) },
    "Upsample": { try $0.resize($1) },
  ]

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
    var scales: [Double]?
    if node.input(scalesInput) != nil, try known(node, scalesInput).count > 0 {
      scales = try known(node, scalesInput).floats().map(Double.init)
    } else if node.has("scales") {
      scales = node.attributes["scales"]!.floats.map(Double.init)
    }
    var sizes: [Int]
    if let scales {
      guard scales.count == axes.count, scales.allSatisfy({ $0 > 0 && $0 < 1e6 }) else {
        throw failure(node, "scales \(scales) do not fit the shape \(slot.shape)")
      }
      sizes = zip(axes, scales).map { Int((Double(slot.shape[$0]) * $1).rounded(.down)) }
    } else if !isOld, node.input(3) != nil {
      sizes = try known(node, 3).integers()
      guard sizes.count == axes.count, sizes.allSatisfy({ (1...1 << 24).contains($0) }) else {
        throw failure(node, "sizes \(sizes) do not fit the shape \(slot.shape)")
      }
      let policy = node.text("keep_aspect_ratio_policy", "stretch")
      if policy != "stretch" {
        let factors = zip(axes, sizes).map { Double($1) / Double(slot.shape[$0]) }
        let factor = policy == "not_larger" ? factors.min()! : factors.max()!
        sizes = axes.map { Int((factor * Double(slot.shape[$0]) + 0.5).rounded(.down)) }
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
    let places = try coordinates(node, isOld)
    let isExact = changed.allSatisfy { index in
      scales.map { $0[index] * Double(slot.shape[axes[index]]) == Double(sizes[index]) } ?? true
    }
    guard places != .alignCorners || isExact else {
      throw failure(node, "its corners are aligned, and its scales give no whole sizes", advice: "export it by sizes")
    }
    let (x, dropped) = try along(slot, changed.map { axes[$0] })
    let operation = Resize(
      axes: changed.map { axes[$0] - (dropped ? 1 : 0) }, to: changed.map { sizes[$0] },
      scales: scales.map { scales in changed.map { scales[$0] } }, by: try interpolation(node, isOld),
      coordinates: places)
    set(node, try emit(operation, node.name, [x]), dropped: dropped, from: [slot])
  }

  private func interpolation(_ node: OnnxNode, _ isOld: Bool) throws -> Resize.Interpolation {
    switch node.text("mode", "nearest") {
    case "nearest":
      if isOld { return .nearest(.floor) }
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
