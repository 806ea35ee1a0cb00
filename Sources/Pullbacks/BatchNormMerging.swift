extension Network {
  /// The same function without the batch norms that follow a layer directly: each is folded into the convolution or
  /// linear layer whose value it alone takes.
  ///
  /// `W x + b` and then `gamma (y - mean) / sqrt(var + eps) + beta` are one layer with the weights `a W` and the biases
  /// `a (b - mean) + beta`, `a = gamma / sqrt(var + eps)` for each output, computed in Double. A layer without a bias
  /// gets one, called `bias`. Nodes keep their names: in the place of a folded norm stands the identity. Norms
  /// elsewhere stay.
  ///
  /// Value and pullbacks are those of this network up to rounding. Layer-wise relevance propagation wants it, since it
  /// shares relevance out layer by layer.
  ///
  /// - Complexity: a pass over the parameters that change; the others are shared.
  public func mergingBatchNorms() -> Network {
    let consumers = graph.consumers
    var (nodes, values) = (graph.nodes, self.values)
    for (index, node) in graph.nodes.enumerated() {
      guard let norm = node.operation as? BatchNorm else { continue }
      let layer = node.inputs[0]
      guard consumers[layer] == [index], !graph.outputs.contains(where: { $0.node == layer }),
        let biased = nodes[layer].biased(of: graph)
      else { continue }
      values[layer] = norm.folded(into: values[layer], values[index])
      nodes[layer] = biased
      nodes[index] = node.with(Identity(), parameters: [])
      values[index] = []
    }
    return Network(
      Graph(name: graph.name, nodes: nodes, outputs: graph.outputs, partOf: graph), values: values, executor: executor)
  }
}

extension BatchNorm {
  /// The weight and bias of a layer whose outputs, along the weight's first axis, are normalised.
  fileprivate func folded(into layer: [Tensor], _ norm: [Tensor]) -> [Tensor] {
    let outputs = layer[0].shape[0]
    let (gamma, beta, mean, variance) = (norm[0].scalars, norm[1].scalars, norm[2].scalars, norm[3].scalars)
    let scale = (0..<outputs).map { output in
      Double(gamma[output]) / (Double(variance[output]) + Double(epsilon)).squareRoot()
    }
    let size = layer[0].count / outputs
    let weight = layer[0].withUnsafeBuffer { weight in
      Tensor(shape: layer[0].shape) { folded in
        for output in 0..<outputs {
          let factor = scale[output]
          for place in output * size..<(output + 1) * size { folded[place] = Float(factor * Double(weight[place])) }
        }
      }
    }
    let bias = layer.count > 1 ? layer[1].scalars : [Float](repeating: 0, count: outputs)
    let shifted = (0..<outputs).map { output in
      let centred = Double(bias[output]) - Double(mean[output])
      return Float(scale[output] * centred + Double(beta[output]))
    }
    return [weight, Tensor(shape: [outputs], shifted)]
  }
}

extension Graph.Node {
  /// This node with a bias, if it is a layer with one weight whose first axis is the channels of the value.
  fileprivate func biased(of graph: Graph) -> Graph.Node? {
    let changed: any Operation
    switch operation {
    case var layer as Convolution:
      layer.hasBias = true
      changed = layer
    case var layer as VolumeConvolution:
      layer.hasBias = true
      changed = layer
    case var layer as Linear where shape.count == 1:
      layer.hasBias = true
      changed = layer
    default: return nil
    }
    return with(changed, parameters: changed.parameters(inputs.map { graph.nodes[$0].shape }))
  }

  /// Another operation in this node's place, with a value of the same shape.
  func with(_ operation: any Operation, parameters: [ParameterDescription]) -> Graph.Node {
    Graph.Node(
      name: name, operation: operation, inputs: inputs, shape: shape, type: type, isBatched: isBatched,
      parameters: parameters)
  }
}
