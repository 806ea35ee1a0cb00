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

  @OptionGroup var options: CheckpointOptions

  func run() throws {
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
