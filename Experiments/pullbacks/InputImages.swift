import ArgumentParser
import ExperimentKit

/// The images to work on.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A PNG or JPEG; a folder of them; or a float32 .npy of the shape of one input or of several, used as it is.",
      valueName: "file or folder"),
    completion: .file(extensions: ["png", "jpg", "jpeg", "npy"]))
  var input: String

  func images(for graph: Graph) throws -> InputImages { try InputImages(input, shape: graph.inputShape) }
}
