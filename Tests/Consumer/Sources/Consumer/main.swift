import SemanticPullbacks

// A network of one's own, and the soft pullback of one of its logits.
let graph = try Graph("tiny", input: [3, 8, 8]) { image in
  image.convolution("conv", 4, kernel: 3, padding: 1).relu("relu").maxPool("pool", kernel: 2).flatten().linear("fc", 2)
}
var parameters: [String: Tensor] = [:]
for (name, description) in graph.parameters {
  let count = description.shape.reduce(1, *)
  parameters[name] = Tensor(shape: description.shape, (0..<count).map { Float($0 % 7 - 3) / 10 })
}
let network = try Network(graph, parameters: parameters)
let image = Tensor(shape: [1, 3, 8, 8], (0..<192).map { Float($0 % 11 - 5) / 5 })
let (logits, pullback) = try network.valueWithPullback(at: image, rules: .softPullback())
let attribution = try pullback(network.oneHot([1]))
print("logits", logits.shape, "attribution", attribution.shape, attribution.imageNorms[0] > 0 ? "nonzero" : "zero")
