extension Graph.Node {
  /// Whether the soft pullback perturbs what the node takes.
  var isSoftened: Bool {
    !inputs.isEmpty && (operation.isGate && operation.character == .gate || operation is any MaxPooling)
  }

  /// The number of channels of the node's value.
  func channels(_ axis: Spread.ChannelAxis) -> Int { (axis == .first ? shape.first : shape.last) ?? 1 }
}

extension Graph {
  /// The axis of each node's value that holds the channels.
  ///
  /// Convolutions, pooling and batch norms have them first, layer norms, linear layers and attention over tokens last;
  /// what moves values moves them along. Where nothing tells, they are the last axis of a matrix, `(T, C)`, and else
  /// the first.
  var channelAxes: [Spread.ChannelAxis] {
    var axes: [Spread.ChannelAxis] = []
    for node in nodes { axes.append(channelAxis(of: node, after: axes)) }
    return axes
  }

  /// The nodes that the soft pullback perturbs, with the axis of the channels of what they take.
  var softenedNodes: [(node: Node, channelAxis: Spread.ChannelAxis)] {
    let axes = channelAxes
    return nodes.filter(\.isSoftened).map { node in
      (node, node.operation is any MaxPooling ? .first : axes[node.inputs[0]])
    }
  }

  private func channelAxis(of node: Node, after axes: [Spread.ChannelAxis]) -> Spread.ChannelAxis {
    guard node.shape.count > 1 else { return .first }
    let unknown: Spread.ChannelAxis = node.shape.count == 2 ? .last : .first
    // The input that has the value's shape; constants and parameters tell nothing.
    let source = node.inputs.first { nodes[$0].isBatched && nodes[$0].shape.count == node.shape.count }
    switch node.operation {
    case is Convolution, is VolumeConvolution, is TransposedConvolution, is BatchNorm, is GroupNorm, is ChannelAffine,
      is any MaxPooling, is AveragePool, is VolumeAveragePool:
      return .first
    case let norm as LayerNorm: return norm.axis == .last ? .last : .first
    case is RMSNorm, is Linear, is MatrixMultiply, is ScaledDotProductAttention, is Embedding: return .last
    case let transpose as Transpose:
      guard let source else { return unknown }
      let place = transpose.order.firstIndex(of: axes[source] == .first ? 0 : node.shape.count - 1)
      return place == 0 ? .first : place == node.shape.count - 1 ? .last : unknown
    case is Reshape:
      let (input, axis) = (nodes[node.inputs[0]].shape, axes[node.inputs[0]])
      guard input.count > 1 else { return unknown }
      let extents = axis == .first ? (input.first, node.shape.first) : (input.last, node.shape.last)
      return extents.0 == extents.1 ? axis : unknown
    default: return source.map { axes[$0] } ?? unknown
    }
  }
}
