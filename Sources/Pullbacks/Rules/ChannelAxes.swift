extension Graph.Node {
  /// Whether the soft pullback perturbs what the node takes.
  var isSoftened: Bool {
    !inputs.isEmpty && (operation.isGate && operation.character == .gate || operation is any MaxPooling)
  }

  /// How many channels the node's value has.
  func channels(_ axis: Spread.ChannelAxis) -> Int { (axis == .first ? shape.first : shape.last) ?? 1 }
}

extension Graph {
  /// Which axis of each node's value has the channels: of what convolutions and batch norms compute the first, of what
  /// linear layers compute the last, and what other operations compute keeps the axis of what they take. Where nothing
  /// tells, it is the last axis of tokens `(T, C)`, and the first of everything else.
  var channelAxes: [Spread.ChannelAxis] {
    var axes: [Spread.ChannelAxis] = []
    for node in nodes {
      let customary: Spread.ChannelAxis = node.shape.count == 2 ? .last : .first
      let source = node.inputs.first { nodes[$0].shape.count == node.shape.count }
      switch node.operation {
      case _ where node.shape.count < 2: axes.append(.first)
      case is Convolution, is VolumeConvolution, is TransposedConvolution, is BatchNorm, is any MaxPooling:
        axes.append(.first)
      case is Linear, is MatrixMultiply: axes.append(.last)
      case let transpose as Transpose:
        let from = source.map { axes[$0] == .first ? 0 : node.shape.count - 1 }
        switch from.flatMap({ transpose.order.firstIndex(of: $0) }) {
        case 0: axes.append(.first)
        case node.shape.count - 1: axes.append(.last)
        default: axes.append(customary)
        }
      case is Reshape: axes.append(customary)
      default: axes.append(source.map { axes[$0] } ?? customary)
      }
    }
    return axes
  }

  /// The nodes that the soft pullback perturbs, with the axis of the channels of what they take.
  var softenedNodes: [(node: Node, channelAxis: Spread.ChannelAxis)] {
    let axes = channelAxes
    return nodes.filter(\.isSoftened).map { node in
      (node, node.operation is any MaxPooling ? .first : axes[node.inputs[0]])
    }
  }
}
