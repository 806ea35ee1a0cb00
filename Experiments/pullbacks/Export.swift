import ArgumentParser
import ExperimentKit
import Failures

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a network as an ONNX file.",
    discussion: """
      onnxruntime computes the same values of the file, and --model FILE.onnx the same bytes of every attribution. Its \
      input is (batch, C, H, W) in [-1, 1], 2 p / 255 - 1: the normalisation is the first layer. Its output are the \
      logits. The classes' names go into --labels-output, one a line.

      Examples:
        pullbacks export --model vgg-scenes --output vgg.onnx
        pullbacks export --checkpoint resnet50.pth --output resnet50.onnx \\
          --labels-output classes.txt
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument { case onnx }

  @OptionGroup var model: ModelOptions

  @Option(help: "The format of the file: onnx.")
  var format = Format.onnx

  @Option(
    help: ArgumentHelp(
      "The normalisation of the first layer, and the input's size, as the other commands take it; by default the "
        + "architecture's own.",
      valueName: "name or file.json"),
    completion: .list(Preprocessing.Named.allCases.map(\.rawValue)))
  var preprocess: String?

  @OptionGroup var outputs: OutputOptions

  @Option(
    help: ArgumentHelp("Where the network goes.", valueName: "file.onnx"), completion: .file(extensions: ["onnx"]))
  var output: String

  @Option(help: ArgumentHelp("Where the names of the classes go.", valueName: "file.txt"))
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
    print(
      "\(output): \(subject.name), inputs \(subject.graph.inputShape) in [-1, 1], outputs \(subject.graph.outputShape)")
  }
}
