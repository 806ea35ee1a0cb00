import SemanticPullbacks

func explainAnImage() throws {
  let checkpoint = try Checkpoint(contentsOf: "resnet50.pth")
  let network = try Network(.infer(from: checkpoint), checkpoint: checkpoint)
  let image = try ImageLoader(size: 224).image(at: "cat.jpg")
  let (logits, pullback) = try network.valueWithPullback(at: image, rules: .softPullback())
  let target = Prediction.ranking(logits.scalars)[0].target
  try heatMap(pullback(network.oneHot([target]))).writePNG(to: "cat.png")
}
