import ArgumentParser
import ExperimentKit
import Failures
import Foundation

/// The network and its parameters.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The architecture, or an exported graph, FILE.onnx. Detected from the checkpoint's tensors if not given. The "
        + "command methods --list-models prints the names of all \(Architecture.all.count) architectures.",
      valueName: "name or file.onnx"),
    completion: .list(Architecture.all.map(\.name)))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "The model's parameters: a PyTorch .pth or .pt, or a safetensors file. "
        + "By default those that \(FetchedFiles.command(for: "imagenet")) fetched for \(ImageNetTier.architecture), "
        + "or those in the package for \(SceneNetwork.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "file"),
    completion: .file(extensions: ["pth", "pt", "bin", "safetensors"]))
  var checkpoint: String?

  @OptionGroup var file: CheckpointOptions
  @OptionGroup var graph: GraphOptions

  /// Loads the network, with images if any are asked for.
  ///
  /// - Parameters:
  ///   - folder: labelled images of the user's, in place of those of the network's tier.
  ///   - preprocessing: the preprocessing of pictures, if one is named.
  ///   - unreadable: the list in which unreadable images of the folder are noted.
  func load(
    showing choice: Tier.Choice = .none, of folder: String? = nil, preprocessing: Preprocessing? = nil,
    unreadable: UnreadableFiles? = nil
  ) throws -> Subject {
    try load([], showing: choice, of: folder, preprocessing: preprocessing, unreadable: unreadable).subject
  }

  /// Loads the network and the content of its input.
  ///
  /// - Parameters:
  ///   - inputs: files, `name=file` for an exported graph of several inputs.
  ///   - choice: images to show it.
  ///   - folder: labelled images of the user's, in place of those of the network's tier.
  ///   - preprocessing: the preprocessing of pictures, if one is named.
  ///   - unreadable: the list in which unreadable images of the folder are noted.
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

  /// The path of the exported graph if --model names one, else nil.
  var graphFile: String? {
    model.flatMap { GraphRequest.isFile($0) ? $0 : nil }
  }

  private func architecture(
    showing choice: Tier.Choice, of folder: String?, preprocessing: Preprocessing?, unreadable: UnreadableFiles?
  ) throws -> Subject {
    if let checkpoint { try ProcessSize.check(checkpoint: checkpoint) }
    if checkpoint == nil { try file.requireNone() }
    do {
      let subject = try Subject(
        model: model, checkpoint: checkpoint, named: file.key, allowingLeftOver: file.allowLeftover, showing: choice,
        of: folder, preprocessing: preprocessing, unreadable: unreadable)
      if checkpoint != nil { try tellHowItWasRead(subject) }
      return subject
    } catch var error as PullbackError where checkpoint == nil && error.advice == nil {
      if error.kind == .usage, error.subject.hasPrefix("model ") {
        let isOfPaper = self.model.map(Tier.paper.pictured.contains) ?? false
        error.advice =
          (isOfPaper ? "make paper-weights fetches the official ones; " : "") + "name a file with --checkpoint"
      }
      if error.kind == .unavailable {
        error = error.onCommandLine
        error.advice = error.advice.map { "\($0), or name a file with --checkpoint" }
      }
      throw error
    }
  }
}

/// Options about the tensors of a checkpoint.
struct CheckpointOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which network to read, if the checkpoint holds several: the key of its state dict, for example "
        + "state_dict_ema, or a common prefix of its tensor names, for example encoder_q.",
      valueName: "name"))
  var key: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Tensors of the checkpoint that the network may leave unused, for example 'criterion.*'; may be given several "
        + "times. Any other unused tensor is an error, because the architecture is then probably wrong.",
      valueName: "pattern"))
  var allowLeftover: [String] = []

  /// Throws if these options are given without a checkpoint.
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

/// Options about the inputs, the output and the classes of an exported graph.
struct GraphOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which input of an exported graph to explain, if it has several. The others keep the values given by --input.",
      valueName: "name"))
  var explain: String?

  @Option(
    help: ArgumentHelp(
      "Which output of an exported graph to explain, or any value inside it. By default the first output.",
      valueName: "name"))
  var outputName: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "The shape of an exported graph's input where the file leaves it open, for example ids=1x16; may be given "
        + "several times. Not needed for .npy inputs.",
      valueName: "name=shape"))
  var shape: [String] = []

  @Option(
    help: ArgumentHelp(
      "The names of an exported graph's classes in the order of the logits: a text file with one name per line, JSON "
        + "(a list, or an object with class numbers as keys), or CSV.",
      valueName: "file"),
    completion: .file(extensions: ["txt", "json", "csv"]))
  var labels: String?

  /// Throws if these options are given without an exported graph.
  func requireNone() throws {
    let given = [
      ("--explain", explain != nil), ("--output-name", outputName != nil), ("--shape", !shape.isEmpty),
      ("--labels", labels != nil),
    ]
    guard let option = given.first(where: \.1)?.0 else { return }
    throw PullbackError(.usage, option, "is about an exported graph", advice: "name one with --model FILE.onnx")
  }

  /// The network in a file and the content of its explained input; see ``ModelOptions`` for the parameters.
  func load(
    _ path: String, _ inputs: [String], showing choice: Tier.Choice = .none, of folder: String? = nil,
    preprocessing: Preprocessing? = nil, unreadable: UnreadableFiles? = nil
  ) throws -> (subject: Subject, content: InputContent?) {
    try ProcessSize.check(checkpoint: path)
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
    try GraphRequest(
      inputs, explained: explain, output: outputName, shapes: GraphRequest.shapes(shape),
      labels: labels.map(ClassLabels.read), preprocessing: preprocessing, showsPictures: showsPictures)
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
  /// Prints notes on standard error about settings that the checkpoint does not state and that were assumed.
  private func tellHowItWasRead(_ subject: Subject) throws {
    guard let architecture = subject.architecture, let checkpoint = subject.checkpoint else { return }
    let fit = try CheckpointFit(of: architecture, to: checkpoint)
    let alternatives = model == nil ? try Recognition(of: checkpoint).alternatives : nil
    for note in fit.notes(among: alternatives) {
      writeToStandardError("note: \(subject.path): \(note)\n")
    }
  }
}
