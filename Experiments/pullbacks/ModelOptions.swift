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

  /// The network, with images if it is to be shown some.
  ///
  /// - Parameters:
  ///   - folder: labelled images of the user's, in place of those of the network's tier.
  ///   - preprocessing: how pictures become inputs, if that is said.
  ///   - unreadable: where images of the folder are noted that cannot be read.
  func load(
    showing choice: Tier.Choice = .none, of folder: String? = nil, preprocessing: Preprocessing? = nil,
    unreadable: UnreadableFiles? = nil
  ) throws -> Subject {
    if let checkpoint { try MemoryOption.check(checkpoint: checkpoint) }
    do {
      return try Subject(
        model: model, checkpoint: checkpoint, showing: choice, of: folder, preprocessing: preprocessing,
        unreadable: unreadable)
    } catch var error as PullbackError where checkpoint == nil && error.advice == nil {
      if error.kind == .usage, error.subject.hasPrefix("model ") { error.advice = "name a file with --checkpoint" }
      if error.kind == .unavailable {
        error = error.onCommandLine
        error.advice = error.advice.map { "\($0), or name a file with --checkpoint" }
      }
      throw error
    }
  }
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
