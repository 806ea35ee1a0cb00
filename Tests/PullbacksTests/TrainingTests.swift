import Pullbacks
import TestKit
import Testing

/// Parameter gradients and running statistics of whole networks in training mode.
@Suite struct TrainingTests {
  /// The network of Tests/Oracles/training.py.
  private static func graph() throws -> Graph {
    try Graph("training", input: [3, 8, 6]) { image in
      image.convolution("conv", 5, kernel: 3, padding: 1).batchNorm("bn").relu().maxPool(kernel: 2).flatten()
        .linear("fc", 7, bias: false).batchNorm("norm", epsilon: 1e-3, momentum: 0.3).relu().linear("head", 4)
    }
  }

  /// Two passes by PyTorch, the second from the running statistics of the first.
  @Test func agreesWithPyTorch() throws {
    let expected = try Fixture.tensors("training")
    var network = try Formula.network(Self.graph())
    for step in 1...2 {
      let trace = try network.trainingTrace(at: Formula.image("batch \(step)", [6, 3, 8, 6]))
      expectClose(trace.value, try expected.tensor("\(step)/value"), within: 2e-6)
      let gradients = try trace.parameterGradients(Formula.image("cotangent \(step)", [6, 4]))
      let learnable = network.graph.parameters.filter(\.description.isLearnable).map(\.name)
      #expect(Set(gradients.keys) == Set(learnable))
      for name in learnable where name != "conv.bias" {
        expectClose(try #require(gradients[name]), try expected.tensor("\(step)/gradient.\(name)"), within: 5e-6, name)
      }
      // Batch norm takes off what a bias before it adds: its gradient is zero but for rounding.
      #expect(try #require(gradients["conv.bias"]).scalars.allSatisfy { abs($0) < 2e-6 })

      let statistics = trace.updatedStatistics()
      #expect(statistics.count == 4)
      for (name, value) in statistics {
        expectClose(value, try expected.tensor("\(step)/\(name)"), within: 3e-7, "\(step) \(name)")
      }
      network = try Network(network.graph, parameters: network.parameters.merging(statistics) { $1 })
    }
  }

  /// In evaluation mode statistics are constants: nothing is updated, and gradients are those of the affine map.
  @Test func frozenStatistics() throws {
    let network = try Formula.network(Self.graph())
    let x = Formula.image("batch 1", [6, 3, 8, 6])
    let trace = try network.trainingTrace(at: x, mode: .evaluation)
    #expect(trace.updatedStatistics().isEmpty)
    #expect(identicalBits(trace.value, try network(x)))
    let gradients = try trace.parameterGradients(Formula.image("cotangent 1", [6, 4]))
    #expect(try #require(gradients["conv.bias"]).scalars.contains { abs($0) > 1e-3 })
  }

  /// Every parameter of a conv, batch norm, ReLU, pool, linear network against central differences of a forward pass in
  /// Double.
  @Test func finiteDifferences() throws {
    let graph = try Graph("small", input: [2, 5, 4]) { image in
      image.convolution("conv", 3, kernel: 3, stride: 2, padding: 1).batchNorm("bn").relu("relu")
        .averagePool("pool", kernel: 2, stride: 1).flatten("flat").linear("fc", 3)
    }
    let network = try Formula.network(graph)
    let x = Formula.image("x", [4, 2, 5, 4])
    let trace = try network.trainingTrace(at: x)
    let v = Formula.image("v", trace.value.shape)
    let gradients = try trace.parameterGradients(v)
    let images = (0..<4).map { Grid([2, 5, 4], x.image($0).scalars.map(Double.init)) }
    var parameters = network.parameters.mapValues(Grid.init)

    func loss() -> Double {
      var values = images
      for node in graph.nodes.dropFirst() {
        let own = node.parameters.map { parameters[node.fullName($0)]! }
        if let norm = node.operation as? BatchNorm {
          values = normalised(values, own, epsilon: Double(norm.epsilon))
        } else {
          values = values.map { DoubleTwin(operation: node.operation, parameters: own).value([$0]) }
        }
      }
      return dot(values.flatMap(\.values), v.scalars.map(Double.init))
    }
    var (found, expected): ([Double], [Double]) = ([], [])
    for (name, description) in graph.parameters where description.isLearnable {
      found += try #require(gradients[name]).scalars.map(Double.init)
      for place in parameters[name]!.values.indices {
        let value = parameters[name]!.values[place]
        parameters[name]!.values[place] = value + 1e-5
        let forward = loss()
        parameters[name]!.values[place] = value - 1e-5
        expected.append((forward - loss()) / 2e-5)
        parameters[name]!.values[place] = value
      }
    }
    expectClose(found, expected, within: 2e-6)
  }

  /// Batch norm over all images and places, with the batch's own statistics.
  private func normalised(_ x: [Grid], _ parameters: [Grid], epsilon: Double) -> [Grid] {
    let shape = x[0].shape
    let plane = shape.dropFirst().reduce(1, *)
    let channels = (0..<shape[0]).map { c in x.flatMap { $0.values[c * plane..<(c + 1) * plane] } }
    return x.map { image in
      Grid(shape) { o in
        let c = o[0]
        return parameters[0][c] * (image[o] - channels[c].mean) / (channels[c].variance + epsilon).squareRoot()
          + parameters[1][c]
      }
    }
  }
}
