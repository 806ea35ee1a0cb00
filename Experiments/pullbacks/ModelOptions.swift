import ArgumentParser
import ExperimentKit

/// Which network, with which parameters.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The architecture: \(Architecture.all.map(\.name).joined(separator: ", ")). "
        + "Recognised by the checkpoint's tensors if not given.",
      valueName: "name"),
    completion: .list(Architecture.all.map(\.name)))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "The model's parameters: a PyTorch .pth or .pt, or a safetensors file. "
        + "If not given: what make imagenet fetched for \(ImageNetTier.architecture), or what comes with "
        + "\(SceneNetwork.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "file"),
    completion: .file(extensions: ["pth", "pt", "bin", "safetensors"]))
  var checkpoint: String?

  func load() throws -> LoadedModel {
    guard let checkpoint else {
      if let scenes = model.flatMap(SceneNetwork.init) {
        return try LoadedModel(scenes.architecture, scenes.checkpoint())
      }
      guard model == nil || model == ImageNetTier.architecture else {
        _ = try Architecture.named(model!)
        throw PullbackError(
          .usage, "model \(model!)", "no parameters are fetched for it", advice: "name a file with --checkpoint")
      }
      guard ImageNetTier.isFetched else {
        throw PullbackError(
          .unavailable, ImageNetTier.checkpointPath, "has not been fetched yet",
          advice: "run make imagenet, or name a file with --checkpoint")
      }
      return try LoadedModel(.named(ImageNetTier.architecture), Checkpoint(contentsOf: ImageNetTier.checkpointPath))
    }
    let named = try model.map { try Architecture.named($0) }
    let file = try Checkpoint(contentsOf: checkpoint)
    return try LoadedModel(named ?? .infer(from: file), file)
  }
}

/// A network ready to run, with what records say of it.
struct LoadedModel {
  let architecture: Architecture
  let network: Network
  let checkpoint: Checkpoint

  init(_ architecture: Architecture, _ checkpoint: Checkpoint) throws {
    self.architecture = architecture
    self.checkpoint = checkpoint
    network = try Network(architecture, checkpoint: checkpoint)
  }

  var graph: Graph { network.graph }

  /// The classes' names, where the network has as many as its architecture was made for.
  var classNames: [String]? {
    graph.outputShape == [architecture.images.classes] ? architecture.classNames : nil
  }

  func className(_ target: Int) -> String { classNames?[target] ?? "class \(target)" }
}

extension Network {
  /// The network's value at an image, which must be a number everywhere: a ranking of others would mean nothing.
  ///
  /// - Throws: `PullbackError` of kind `data` if parameters or image lead beyond float32.
  func finiteValue(at image: Tensor, named name: String) throws(PullbackError) -> Tensor {
    let value = try self(image)
    try graph.checkFinite(value, named: name)
    return value
  }
}

extension Graph {
  /// Throws unless the network's value at an image is a number everywhere.
  func checkFinite(_ value: Tensor, named name: String) throws(PullbackError) {
    guard let index = Checkpoint.firstNonFinite(in: value) else { return }
    throw PullbackError(
      .data, name,
      "the output of \(self.name) holds \(value.scalars[index]) at index \(index), expected finite numbers",
      advice: "check that the checkpoint is whole: its values overflow float32 on the way")
  }
}
