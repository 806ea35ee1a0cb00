import ArgumentParser
import Digests
import ExperimentKit
import Failures
import Foundation

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the tensors of a checkpoint and how they fit a model, or the contents of an exported graph.",
    discussion: """
      Examples:
        pullbacks inspect resnet50.pth --model resnet50
        pullbacks inspect segmenter.onnx
      """)

  @Argument(help: ArgumentHelp("The checkpoint, or FILE.onnx.", valueName: "file"))
  var checkpoint: String

  @Option(help: "Compare with this architecture. By default the one that is detected from the tensors.")
  var model: String?

  @OptionGroup var options: CheckpointOptions
  @OptionGroup var graph: GraphOptions
  @OptionGroup var held: HeldInputOptions

  func run() throws {
    if checkpoint.lowercased().hasSuffix(".onnx") { return try inspectGraph() }
    try graph.requireNone()
    let file = try options.open(checkpoint)
    print("\(file.path): \(file.format.rawValue), \(file.names.count) tensors, SHA-256 \(try file.sha256)")
    if !file.container.isEmpty { print("state dict under \(file.container.joined(separator: "/"))") }
    for other in file.otherContainers { print("other tensors under \(other.joined(separator: "/"))") }
    if !file.removedParts.isEmpty { print("names without \(file.removedParts.joined(separator: ", "))") }
    for name in file.names {
      let entry = file.entry(name)!
      print("  \(name)\t\(entry.dtype.rawValue)\t\(entry.shape)")
    }
    if let model {
      compare(file, try CheckpointFit(of: .named(model), to: file), alternatives: nil)
      return
    }
    let recognition = try Recognition(of: file)
    print("recognised as \(recognition.architecture.name)")
    compare(file, recognition.fit, alternatives: recognition.alternatives)
  }

  /// Prints what an exported graph states about itself, and the layers found in it.
  private func inspectGraph() throws {
    guard model == nil else {
      throw PullbackError(.usage, "--model", "an exported graph is of no architecture", advice: "leave it out")
    }
    let file = try OnnxFile(path: checkpoint)
    let digest = try sha256(ofFileAt: checkpoint)
    print("\(PathText.shown(file.path)): ONNX, operator set \(file.opset), SHA-256 \(digest)")
    print("written by \(file.producer.isEmpty ? "an unnamed program" : PathText.shown(file.producer))")
    func tell(_ what: String, _ values: [OnnxFile.Value]) {
      for value in values { print("\(what) \(PathText.shown(value.name))\t\(PathText.shown(value.inWords))") }
    }
    tell("input", file.inputs)
    tell("output", file.outputs)
    for tensor in file.tensors { print("  \(PathText.shown(tensor.name))\t\(tensor.type)\t\(tensor.shape)") }
    func counts(_ list: [(String, Int)]) -> String { list.map { "\($0.1) \($0.0)" }.joined(separator: ", ") }
    print("operators: \(counts(file.operators.map { (PathText.shown($0.op), $0.count) }))")
    let subject: Subject
    do {
      subject = try graph.load(checkpoint, held.inputs).subject
    } catch let error as PullbackError where error.kind == .usage && held.inputs.isEmpty {
      // What the file leaves open is no fault of it, and what it holds was asked for.
      return remark("the layers are not listed: \(error)")
    }
    let whole = try subject.sha256
    if whole != digest { print("SHA-256 with the files of weights beside it, as in records: \(whole)") }
    let kinds = Dictionary(grouping: subject.graph.nodes.dropFirst(), by: \.operation.kind).mapValues(\.count)
      .sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
    print("layers: \(counts(kinds.map { ($0.key, $0.value) }))")
    print("explained: input \(subject.graph.inputShape), output \(subject.graph.outputShape), without the batch axis")
  }

  private func compare(_ file: Checkpoint, _ fit: CheckpointFit, alternatives: [Architecture]?) {
    if !fit.prefix.isEmpty { print("every name begins with \(fit.prefix)") }
    for name in fit.missing { print("missing: \(name)") }
    for misfit in fit.misfits {
      print("another shape: \(misfit.name) is \(misfit.shape), \(fit.architecture.name) expects \(misfit.expected)")
    }
    for name in fit.leftOver { print("left over: \(name)") }
    for note in fit.notes(among: alternatives) { print("note: \(note)") }
    let fitting = fit.expected - fit.missing.count - fit.misfits.count
    print("\(fitting) of \(fit.expected) tensors of \(fit.architecture.name) fit, \(fit.leftOver.count) left over")
  }
}
