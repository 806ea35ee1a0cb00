import ArgumentParser
import ExperimentKit
import Failures

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a network as an ONNX file.",
    discussion: """
      onnxruntime gives the same outputs as this tool, and attributions with --model FILE.onnx and the same \
      --temperature are the same bytes: the default for a file is relative=1.5, also where that of the network is \
      released. The input is (batch, C, H, W) in [-1, 1], 2 p / 255 - 1; the normalisation is the first layer. The \
      output is the logits. --labels-output writes the names of the classes, one per line.

      Examples:
        pullbacks export --model vgg-scenes --output vgg.onnx
        pullbacks export --checkpoint resnet50.pth --output resnet50.onnx \\
          --labels-output classes.txt
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument { case onnx }

  @OptionGroup var model: ModelOptions

  @Option(help: "The format of the file; onnx is the only one.")
  var format = Format.onnx

  @Option(
    help: ArgumentHelp(
      "The normalisation in the first layer and the input's size, as in the other commands; by default the "
        + "architecture's own.",
      valueName: "name or file.json"),
    completion: .list(Preprocessing.Named.allCases.map(\.rawValue)))
  var preprocess: String?

  @OptionGroup var outputs: OutputOptions

  @Option(
    help: ArgumentHelp("Write the network to this file.", valueName: "file.onnx"),
    completion: .file(extensions: ["onnx"]))
  var output: String

  @Option(help: ArgumentHelp("Write the names of the classes to this file.", valueName: "file.txt"))
  var labelsOutput: String?

  func run() throws {
    for path in [output, labelsOutput].compactMap({ $0 }) { try checkFolder(of: path) }
    let subject = try model.load(preprocessing: preprocess.map { try Preprocessing($0) })
    try outputs.check([output, labelsOutput].compactMap { $0 }, inputs: [subject.path])
    let names = try labelsOutput.map { path in
      guard let names = subject.classNames else {
        throw PullbackError(.usage, "--labels-output \(path)", "the classes of \(subject.name) have no names here")
      }
      return names
    }
    let bytes = try subject.network.onnx(producer: ("pullbacks", packageVersion))
    if let names, let labelsOutput { try AtomicFile.write(text: names.map { "\($0)\n" }.joined(), to: labelsOutput) }
    try AtomicFile.write(bytes, to: output)
    if Tier.publishedTemperatures.contains(subject.graph.name) {
      remark("\(subject.graph.name) is explained with --temperature released by default; with the file, say so")
    }
    let range = subject.onnx == nil ? " in [-1, 1]" : ""
    print(
      "\(PathText.shown(output)): \(subject.name), inputs \(subject.graph.inputShape)\(range), outputs \(subject.graph.outputShape)"
    )
  }
}
