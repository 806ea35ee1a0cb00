import ArgumentParser
import ExperimentKit

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the classes a network sees in an image.",
    discussion: "Example: pullbacks predict --input cat.jpg --top 5")

  @OptionGroup var model: ModelOptions
  @OptionGroup var input: InputOptions

  @Option(help: "How many classes to print.")
  var top = 5

  @Option(help: ArgumentHelp("Also write the logits, float32 (N, classes).", valueName: "file.npy"))
  var output: String?

  func validate() throws {
    guard top > 0 else { throw ValidationError("--top is at least 1.") }
  }

  func run() throws {
    let model = try model.load()
    let images = try input.images(for: model.graph)
    // One by one: a folder need not fit into memory.
    let logits = Tensor(batching: try (0..<images.count).map { index in
      try model.network.finiteValue(at: images(index..<index + 1), named: images.names[index])
    })
    if let output { try NPY.write(logits, to: output) }
    for image in 0..<logits.shape[0] {
      if images.count > 1 { print(images.names[image]) }
      for prediction in Prediction.ranking(logits.image(image).scalars).prefix(top) {
        let percent = decimal(100 * prediction.probability, places: 2)
        let padding = String(repeating: " ", count: max(0, 6 - percent.count))
        print("\(padding)\(percent) %\t\(prediction.target)\t\(model.className(prediction.target))")
      }
    }
  }
}
