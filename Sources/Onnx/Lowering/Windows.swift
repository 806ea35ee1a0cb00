import Pullbacks

/// The sliding windows of an operator over an input: its attributes, with defaults filled in.
struct Windows {
  var kernel: [Int]
  var stride: [Int]
  var dilation: [Int]
  var begins: [Int]
  var ends: [Int]
  var roundsUp: Bool

  var axes: Int { kernel.count }

  /// - Parameters:
  ///   - kernel: the kernel's extents, if the node does not state them.
  ///   - extents: the extents of the input's axes that windows slide along.
  init(_ lowering: Lowering, _ node: OnnxNode, kernel: [Int]? = nil, _ extents: [Int]) throws {
    guard let kernel = node.ints("kernel_shape") ?? kernel else {
      throw lowering.failure(node, "its kernel_shape is missing")
    }
    let ones = kernel.map { _ in 1 }
    let zeros = kernel.map { _ in 0 }
    self.kernel = kernel
    stride = node.ints("strides") ?? ones
    dilation = node.ints("dilations") ?? ones
    let pads = node.ints("pads") ?? zeros + zeros
    roundsUp = node.flag("ceil_mode")
    let lists = [kernel, stride, dilation]
    guard kernel.count == extents.count, lists.allSatisfy({ $0.count == kernel.count }),
      pads.count == 2 * kernel.count, lists.allSatisfy({ $0.allSatisfy { (1...1 << 20).contains($0) } }),
      pads.allSatisfy({ (0...1 << 20).contains($0) })
    else {
      throw lowering.failure(
        node, "kernel \(kernel), strides \(stride), dilations \(dilation) and pads \(pads) do not fit \(extents)")
    }
    begins = Array(pads.prefix(kernel.count))
    ends = Array(pads.dropFirst(kernel.count))
    let mode = try Self.autoPad(lowering, node)
    switch mode {
    case "SAME_UPPER", "SAME_LOWER":
      for axis in kernel.indices {
        let count = (extents[axis] + stride[axis] - 1) / stride[axis]
        let total = max(0, (count - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 - extents[axis])
        begins[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
        ends[axis] = total - begins[axis]
      }
    case "VALID": (begins, ends) = (zeros, zeros)
    default: break
    }
  }

  /// The node's auto_pad.
  static func autoPad(_ lowering: Lowering, _ node: OnnxNode) throws -> String {
    let text = node.text("auto_pad")
    let mode = text.isEmpty ? "NOTSET" : text
    guard ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"].contains(mode) else {
      throw lowering.failure(node, "its auto_pad is \(quoted(mode))", advice: "export the model again")
    }
    return mode
  }

  var padding: Padding {
    axes == 1
      ? Padding(before: begins[0], after: ends[0])
      : Padding(top: begins[0], left: begins[1], bottom: ends[0], right: ends[1])
  }

  func extent(_ values: [Int]) -> Extent { Extent(values[0], values[1]) }

  var sliding: SlidingWindow {
    SlidingWindow(kernel, stride: stride, padding: begins + ends, dilation: dilation, ceilMode: roundsUp)
  }
}

extension Lowering {
  /// A value as images `(C, ...)`; several parts, a first axis of more than one, are further channels.
  func images(_ node: OnnxNode, _ slot: Slot, rank: ClosedRange<Int>) throws -> (signal: Signal, parts: Int) {
    guard rank.contains(slot.rank) else {
      throw failure(
        node, "its input has the shape \(slot.shape)",
        advice: "inputs of \(rank.lowerBound) to "
          + "\(rank.upperBound) axes are read")
    }
    if slot.canDrop { return (try signal(slot, dropped: true), 1) }
    let whole = try signal(slot, dropped: false)
    say("\(slot.shape[0]) parts are channels of one")
    return (try reshape(whole, [slot.shape[0] * slot.shape[1]] + slot.shape.dropFirst(2)), slot.shape[0])
  }

  /// Sets output 0 to images, their parts apart again.
  func set(_ node: OnnxNode, images: Signal, parts: Int, from sources: [Slot]) throws {
    if parts == 1 { return set(node, images, dropped: true, from: sources) }
    let apart = try reshape(images, [parts, images.shape[0] / parts] + images.shape.dropFirst())
    set(node, apart, dropped: false, from: sources)
  }
}

extension Tensor {
  /// The tensor several times over, along its first axis.
  func tiled(_ count: Int) -> Tensor {
    count == 1 ? self : Tensor(batching: [Tensor](repeating: self, count: count))
  }
}
