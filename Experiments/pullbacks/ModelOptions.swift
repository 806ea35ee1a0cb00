import ArgumentParser
import ExperimentKit

/// Which network, with which parameters.
struct ModelOptions: ParsableArguments {
  @Option(help: "The architecture: \(Architecture.all.map(\.name).joined(separator: ", ")).")
  var model = ImageNetTier.architecture

  @Option(
    help: ArgumentHelp(
      "The model's parameters: a PyTorch .pth or .pt, or a safetensors file. "
        + "For \(ImageNetTier.architecture), what make imagenet fetched if not given.",
      valueName: "file"))
  var checkpoint: String?

  func load() throws -> LoadedModel {
    let architecture = try Architecture.named(model)
    let path = checkpoint ?? ImageNetTier.checkpointPath
    if checkpoint == nil {
      guard model == ImageNetTier.architecture else {
        throw PullbackError(.usage, "model \(model)", "no parameters are fetched for it", advice: "name a file with --checkpoint")
      }
      guard ImageNetTier.isFetched else {
        throw PullbackError(
          .unavailable, path, "has not been fetched yet", advice: "run make imagenet, or name a file with --checkpoint")
      }
    }
    let file = try Checkpoint(contentsOf: path)
    return LoadedModel(architecture: architecture, network: try Network(architecture, checkpoint: file), checkpoint: file)
  }
}

/// A network ready to run, with what records say of it.
struct LoadedModel {
  let architecture: Architecture
  let network: Network
  let checkpoint: Checkpoint

  var graph: Graph { network.graph }

  /// A class's name, where the network has ImageNet's 1,000.
  func className(_ target: Int) -> String {
    graph.outputShape == [ImageNetClasses.all.count] ? ImageNetClasses.all[target].name : "class \(target)"
  }
}

/// The images to work on.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A PNG or JPEG; or a float32 .npy of shape (3, H, W) or (N, 3, H, W) in [-1, 1], used as it is.", valueName: "file"))
  var input: String

  /// The images as a batch of the network's input shape.
  func load(for model: LoadedModel) throws -> Tensor {
    let size = model.graph.inputShape[1]
    guard input.lowercased().hasSuffix(".npy") else { return try ImageLoader(size: size).image(at: input) }
    let array = try NPY.read(input)
    let batch = array.rank == 3 ? array.reshaped([1] + array.shape) : array
    guard batch.rank == 4, Array(batch.shape.dropFirst()) == model.graph.inputShape, batch.shape[0] > 0 else {
      let expected = model.graph.inputShape.map(String.init).joined(separator: ", ")
      throw PullbackError(
        .data, input, "expected an array of shape (\(expected)) or (N, \(expected)), found \(array.shape)")
    }
    if let index = Checkpoint.firstNonFinite(in: batch) {
      throw PullbackError(.data, input, "holds \(batch.scalars[index]) at index \(index), expected finite numbers")
    }
    return batch
  }
}
