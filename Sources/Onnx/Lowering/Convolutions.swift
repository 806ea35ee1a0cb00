import Pullbacks

extension Lowering {
  /// Convolutions, and the space within channels.
  static let convolutions: [String: Operator] = [
    "Conv": { try $0.convolution($1) },
    "ConvTranspose": { try $0.transposedConvolution($1) },
  ]

  private func convolution(_ node: OnnxNode) throws {
    let (slot, weight) = (try input(node, 0), try self.weight(node, 1))
    let axes = slot.rank - 2
    guard (1...3).contains(axes), weight.shape.count == slot.rank else {
      throw failure(node, "its input has the shape \(slot.shape), its weight \(weight.shape)")
    }
    let (x, parts) = try images(node, slot, rank: 3...5)
    let windows = try Windows(self, node, kernel: Array(weight.shape.dropFirst(2)), Array(slot.shape.dropFirst(2)))
    guard windows.kernel == Array(weight.shape.dropFirst(2)) else {
      throw failure(node, "its kernel_shape \(windows.kernel) is not that of its weight \(weight.shape)")
    }
    let groups = node.int("group", 1)
    guard groups > 0, weight.shape[0] > 0, groups <= slot.shape[1], groups * weight.shape[1] == slot.shape[1] else {
      throw failure(node, "a weight of shape \(weight.shape) in \(groups) groups does not fit \(slot.shape)")
    }
    guard weight.count <= Folder.limit / max(1, parts) else {
      throw failure(node, "\(parts) parts at a time are too many", advice: "export the model with a batch of one")
    }
    let bias = try bias(node, weight.shape[0])
    let outputs = weight.shape[0] * parts
    let operation: any Operation
    switch axes {
    case 1:
      operation = Convolution.sequence(
        outputs, kernel: windows.kernel[0], stride: windows.stride[0], padding: windows.padding,
        dilation: windows.dilation[0], groups: groups * parts, bias: bias != nil)
    case 2:
      operation = Convolution(
        outputs, kernel: windows.extent(windows.kernel), stride: windows.extent(windows.stride),
        padding: windows.padding, dilation: windows.extent(windows.dilation), groups: groups * parts, bias: bias != nil)
    default:
      operation = VolumeConvolution(outputs, windows.sliding, groups: groups * parts, bias: bias != nil)
    }
    try set(
      node, images: try emit(operation, node.name, [x], weights: weights(weight, bias, parts)), parts: parts,
      from: [slot])
  }

  private func bias(_ node: OnnxNode, _ outputs: Int) throws -> StoredValue? {
    guard node.input(2) != nil else { return nil }
    let bias = try weight(node, 2)
    guard bias.count == outputs else {
      throw failure(node, "a bias of shape \(bias.shape) does not fit \(outputs) outputs")
    }
    return bias
  }

  private func weights(
    _ weight: StoredValue, _ bias: StoredValue?, _ parts: Int
  ) -> [String: () throws -> Tensor] {
    var weights: [String: () throws -> Tensor] = ["weight": { try weight.tensor().tiled(parts) }]
    if let bias { weights["bias"] = { try bias.tensor().reshaped([bias.count]).tiled(parts) } }
    return weights
  }

  private func transposedConvolution(_ node: OnnxNode) throws {
    let (slot, weight) = (try input(node, 0), try self.weight(node, 1))
    let axes = slot.rank - 2
    guard (1...3).contains(axes), weight.shape.count == slot.rank else {
      throw failure(
        node, "its input has the shape \(slot.shape), its weight \(weight.shape)",
        advice: "transposed convolutions along one, two or three axes are read")
    }
    let (x, parts) = try images(node, slot, rank: 3...5)
    let extents = Array(slot.shape.dropFirst(2))
    var plain = node
    plain.attributes["auto_pad"] = nil
    var windows = try Windows(self, plain, kernel: Array(weight.shape.dropFirst(2)), extents)
    var added = node.ints("output_padding") ?? windows.kernel.map { _ in 0 }
    let groups = node.int("group", 1)
    guard windows.kernel == Array(weight.shape.dropFirst(2)), added.count == axes,
      added.allSatisfy({ (0...1 << 20).contains($0) }), groups > 0, weight.shape[0] == slot.shape[1],
      slot.shape[1] % groups == 0
    else {
      throw failure(node, "a weight of shape \(weight.shape) in \(groups) groups does not fit \(slot.shape)")
    }
    guard zip(added, zip(windows.stride, windows.dilation)).allSatisfy({ $0 < max($1.0, $1.1) }) else {
      throw failure(
        node,
        "its output_padding \(added) is not below the larger of strides \(windows.stride) and dilations "
          + "\(windows.dilation)")
    }
    let mode = try Windows.autoPad(self, node)
    let target = node.ints("output_shape").map { Array($0.suffix(axes)) }
    if target != nil || mode.hasPrefix("SAME") {
      let target = target ?? zip(extents, windows.stride).map(*)
      guard target.count == axes, target.allSatisfy({ (1...1 << 31).contains($0) }) else {
        throw failure(node, "an output of shape \(target) does not fit \(slot.shape)")
      }
      for axis in 0..<axes {
        let full =
          (extents[axis] - 1) * windows.stride[axis] + added[axis]
          + windows.dilation[axis] * (windows.kernel[axis] - 1) + 1
        let total = full - target[axis]
        // The missing rows and columns are added at the end.
        if total < 0 { added[axis] -= total }
        let cut = max(0, total)
        windows.begins[axis] = mode == "SAME_UPPER" ? cut / 2 : cut - cut / 2
        windows.ends[axis] = cut - windows.begins[axis]
      }
    }
    let outputs = weight.shape[1] * groups
    let bias = try bias(node, outputs)
    guard weight.count <= Folder.limit / max(1, parts) else {
      throw failure(node, "\(parts) parts at a time are too many")
    }
    let operation: any Operation
    switch axes {
    case 1:
      operation = TransposedConvolution.sequence(
        outputs * parts, kernel: windows.kernel[0], stride: windows.stride[0], padding: windows.padding,
        outputPadding: added[0], dilation: windows.dilation[0], groups: groups * parts, bias: bias != nil)
    case 2:
      operation = TransposedConvolution(
        outputs * parts, kernel: windows.extent(windows.kernel), stride: windows.extent(windows.stride),
        padding: windows.padding, outputPadding: windows.extent(added), dilation: windows.extent(windows.dilation),
        groups: groups * parts, bias: bias != nil)
    default:
      operation = TransposedVolumeConvolution(
        outputs * parts, windows.sliding, outputPadding: added, groups: groups * parts, bias: bias != nil)
    }
    try set(
      node, images: try emit(operation, node.name, [x], weights: weights(weight, bias, parts)), parts: parts,
      from: [slot])
  }
}
