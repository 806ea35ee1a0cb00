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
