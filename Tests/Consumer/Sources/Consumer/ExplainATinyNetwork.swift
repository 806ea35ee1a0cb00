import SemanticPullbacks

func explainATinyNetwork() throws -> Tensor {
  let graph = try Graph("tiny", input: [3, 32, 32]) { image in
    let x = image.convolution("conv1", 8, kernel: 3, padding: 1).relu("relu1").maxPool("pool", kernel: 2)
    let y = x.convolution("conv2", 8, kernel: 3, padding: 1, bias: false).batchNorm("bn2").relu("relu2")
    return x.adding(y).globalAveragePool().linear("fc", 2)
  }
  var parameters: [String: Tensor] = [:]
  for (name, description) in graph.parameters {
    let count = description.shape.reduce(1, *)
    parameters[name] = Tensor(shape: description.shape, (0..<count).map { Float($0 % 7 + 1) / 10 })
  }
  let network = try Network(graph, parameters: parameters)
  let image = Tensor(shape: [1, 3, 32, 32], (0..<3072).map { Float($0 % 11 - 5) / 5 })
  let (_, pullback) = try network.valueWithPullback(at: image, rules: .softPullback())
  return try pullback(network.oneHot([1]))
}
