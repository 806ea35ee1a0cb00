import ArgumentParser
import ExperimentKit
import Failures
import Foundation

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

  @OptionGroup var file: CheckpointOptions

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
    if checkpoint == nil { try file.requireNone() }
    do {
      let subject = try Subject(
        model: model, checkpoint: checkpoint, named: file.key, allowingLeftOver: file.allowLeftover, showing: choice,
        of: folder, preprocessing: preprocessing, unreadable: unreadable)
      if checkpoint != nil { try tellHowItWasRead(subject) }
      return subject
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

/// What is taken of a checkpoint, and what is left over.
struct CheckpointOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Of several networks in the checkpoint, this one: the key of its state dict, as state_dict_ema, or what the "
        + "names of its tensors begin with, as encoder_q.",
      valueName: "name"))
  var key: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Tensors of the checkpoint that the network need not use, as 'criterion.*'; may be given several times. Others "
        + "that are left over are an error: a network that uses them is another one.",
      valueName: "pattern"))
  var allowLeftover: [String] = []

  /// Throws where they are given without a checkpoint.
  func requireNone() throws {
    guard key == nil, allowLeftover.isEmpty else {
      throw PullbackError(
        .usage, key == nil ? "--allow-leftover" : "--key", "is about a file of parameters",
        advice: "name the file with --checkpoint")
    }
  }

  func open(_ path: String) throws -> Checkpoint {
    try Checkpoint(contentsOf: path, named: key, allowingLeftOver: allowLeftover)
  }
}

extension ModelOptions {
  /// Says on standard error what the checkpoint does not, and was assumed.
  private func tellHowItWasRead(_ subject: Subject) throws {
    let fit = try CheckpointFit(of: subject.architecture, to: subject.checkpoint)
    let alternatives = model == nil ? try Recognition(of: subject.checkpoint).alternatives : nil
    for note in fit.notes(among: alternatives) {
      writeToStandardError("note: \(subject.checkpoint.path): \(note)\n")
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
