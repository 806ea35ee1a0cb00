import ArgumentParser
import ExperimentKit
import Failures
import Foundation

/// Which network, with which parameters.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The architecture: \(Architecture.all.map(\.name).joined(separator: ", ")). "
        + "Recognised by the checkpoint's tensors if not given. Or an exported graph, FILE.onnx.",
      valueName: "name or file.onnx"),
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
  @OptionGroup var graph: GraphOptions

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
    try load([], showing: choice, of: folder, preprocessing: preprocessing, unreadable: unreadable).subject
  }

  /// The network, and what its input is given.
  ///
  /// - Parameters:
  ///   - inputs: files, `name=file` for an exported graph of several inputs.
  ///   - choice: images to show it.
  ///   - folder: labelled images of the user's, in place of those of the network's tier.
  ///   - preprocessing: how pictures become inputs, if that is said.
  ///   - unreadable: where images of the folder are noted that cannot be read.
  func load(
    _ inputs: [String], showing choice: Tier.Choice = .none, of folder: String? = nil,
    preprocessing: Preprocessing? = nil, unreadable: UnreadableFiles? = nil
  ) throws -> (subject: Subject, content: InputContent?) {
    if let path = graphFile {
      guard checkpoint == nil else {
        throw PullbackError(.usage, "--checkpoint", "\(path) has its own weights", advice: "leave it out")
      }
      try file.requireNone()
      return try graph.load(
        path, inputs, showing: choice, of: folder, preprocessing: preprocessing, unreadable: unreadable)
    }
    try graph.requireNone()
    guard inputs.count <= 1 else {
      throw PullbackError(
        .usage, "--input \(inputs[1])", "the network has one input", advice: "name a folder for several images")
    }
    let subject = try architecture(showing: choice, of: folder, preprocessing: preprocessing, unreadable: unreadable)
    return (subject, try inputs.first.map { try InputContent($0) })
  }

  /// The exported graph that is named as the model; nil where none is.
  var graphFile: String? {
    guard let model, model.lowercased().hasSuffix(".onnx") || model.contains("/") else { return nil }
    return model
  }

  private func architecture(
    showing choice: Tier.Choice, of folder: String?, preprocessing: Preprocessing?, unreadable: UnreadableFiles?
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

/// What of an exported graph is explained.
struct GraphOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Of an exported graph of several inputs, the one that is explained; the others are held at what they are given.",
      valueName: "name"))
  var explain: String?

  @Option(
    help: ArgumentHelp(
      "Of an exported graph, the output that is explained, or any value within; the first output if not given.",
      valueName: "name"))
  var outputName: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "The shape of an exported graph's input where the file leaves it open, as ids=1x16; may be given several times. "
        + "An array says its own.",
      valueName: "name=shape"))
  var shape: [String] = []

  @Option(
    help: ArgumentHelp(
      "The names of an exported graph's classes in the order of the logits: a text of one a line, JSON (a list, or an "
        + "object by number), or CSV.",
      valueName: "file"),
    completion: .file(extensions: ["txt", "json", "csv"]))
  var labels: String?

  /// Throws where they are given without an exported graph.
  func requireNone() throws {
    let given = [
      ("--explain", explain != nil), ("--output-name", outputName != nil), ("--shape", !shape.isEmpty),
      ("--labels", labels != nil),
    ]
    guard let option = given.first(where: \.1)?.0 else { return }
    throw PullbackError(.usage, option, "is about an exported graph", advice: "name one with --model FILE.onnx")
  }

  /// The network in a file, and what its explained input is given; see ``ModelOptions`` for the parameters.
  func load(
    _ path: String, _ inputs: [String], showing choice: Tier.Choice = .none, of folder: String? = nil,
    preprocessing: Preprocessing? = nil, unreadable: UnreadableFiles? = nil
  ) throws -> (subject: Subject, content: InputContent?) {
    try MemoryOption.check(checkpoint: path)
    do {
      let request = try request(inputs, preprocessing: preprocessing, showsPictures: folder != nil)
      let loaded = try Subject.onnx(path, request, showing: choice, of: folder, unreadable: unreadable)
      for note in loaded.subject.notes { remark("\(path): \(note)") }
      return loaded
    } catch var error as PullbackError where error.advice?.hasPrefix("say it: by the shape of the input") == true {
      error.advice = "say it with --shape, as in x=1x3x224x224"
      throw error
    }
  }

  private func request(
    _ inputs: [String], preprocessing: Preprocessing?, showsPictures: Bool
  ) throws -> GraphRequest {
    var shapes: [String: [Int]] = [:]
    for text in shape {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      let extents = parts.last?.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) } ?? []
      guard parts.count == 2, extents.allSatisfy({ ($0 ?? 0) > 0 }) else {
        throw PullbackError(
          .usage, "--shape \(text)", "expected an input and its extents", advice: "as in x=1x3x224x224")
      }
      shapes[parts[0]] = extents.compactMap { $0 }
    }
    return GraphRequest(
      inputs, explained: explain, output: outputName, shapes: shapes, labels: try labels.map(ClassLabels.read),
      preprocessing: preprocessing, showsPictures: showsPictures)
  }
}

extension Subject {
  /// That files are named for inputs that are held alone.
  var givenNothing: PullbackError {
    let name = graph.inputs[0].name
    return PullbackError(
      .usage, "--input", "the files named are held, and \(name), which is explained, is given nothing",
      advice: "name a file for it too, as in --input \(name)=FILE, or say by --explain which input is explained")
  }
}

extension ModelOptions {
  /// Says on standard error what the checkpoint does not, and was assumed.
  private func tellHowItWasRead(_ subject: Subject) throws {
    guard let architecture = subject.architecture, let checkpoint = subject.checkpoint else { return }
    let fit = try CheckpointFit(of: architecture, to: checkpoint)
    let alternatives = model == nil ? try Recognition(of: checkpoint).alternatives : nil
    for note in fit.notes(among: alternatives) {
      writeToStandardError("note: \(subject.path): \(note)\n")
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
