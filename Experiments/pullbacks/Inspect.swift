import ArgumentParser
import ExperimentKit

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the tensors of a checkpoint, and how they fit a model.",
    discussion: "Example: pullbacks inspect resnet50.pth --model resnet50")

  @Argument(help: ArgumentHelp("The checkpoint.", valueName: "file"))
  var checkpoint: String

  @Option(help: "Compare with this architecture; without it, with the one that the tensors are recognised as.")
  var model: String?

  func run() throws {
    let file = try Checkpoint(contentsOf: checkpoint)
    print("\(file.path): \(file.format.rawValue), \(file.names.count) tensors, SHA-256 \(try file.sha256)")
    if !file.container.isEmpty { print("state dict under \(file.container.joined(separator: "."))") }
    if !file.removedPrefix.isEmpty { print("names without their prefix \(file.removedPrefix)") }
    for name in file.names {
      let entry = file.entry(name)!
      print("  \(name)\t\(entry.dtype.rawValue)\t\(entry.shape)")
    }
    let architecture: Architecture
    if let model {
      architecture = try Architecture.named(model)
    } else {
      do {
        architecture = try Architecture.infer(from: file)
        print("recognised as \(architecture.name)")
      } catch {
        print("not recognised: \(error.problem)")
        return
      }
    }
    try compare(file, with: architecture)
  }

  private func compare(_ file: Checkpoint, with architecture: Architecture) throws {
    let graph = try architecture.graph(classes: try architecture.classes(in: file) ?? 1000)
    let expected = graph.parameters.map {
      (name: architecture.storedName(of: $0.name, in: file), shape: $0.description.shape)
    }
    for (name, shape) in expected {
      guard let entry = file.entry(name) else {
        print("missing: \(name) \(shape)")
        continue
      }
      if entry.shape != shape { print("another shape: \(name) is \(entry.shape), \(graph.name) expects \(shape)") }
    }
    // PyTorch's batch norms count their batches; no network here does.
    let names = Set(expected.map(\.name))
    let left = file.names.filter { !names.contains($0) && !$0.hasSuffix("num_batches_tracked") }
    for name in left { print("left over: \(name)") }
    let fitting = expected.filter { file.entry($0.name)?.shape == $0.shape }.count
    print("\(fitting) of \(expected.count) tensors of \(graph.name) fit, \(left.count) left over")
  }
}
