import ArgumentParser
import ExperimentKit
import Failures
import Text

struct Calibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the spread of each channel of a network over some images or texts, for relative temperatures.",
    discussion: """
      A few dozen images of the kind that the network was trained on are enough; labels are not needed. The file \
      --output holds the standard deviation of each channel that goes into an activation or a max pool. Pass it to \
      --calibration; it is valid only for this checkpoint. For a language model give texts, one per line.

      Examples:
        pullbacks calibrate --images photos --output spreads.json
        pullbacks attribute --input cat.jpg --temperature relative=1.5 \\
          --calibration spreads.json --output cat.npy
        pullbacks calibrate --model sentence-decoder --texts texts.txt \\
          --output spreads.json
      """)

  @OptionGroup var model: ModelOptions

  @Option(
    help: ArgumentHelp(
      "A folder of PNG, JPEG or WebP files; or a float32 .npy of several inputs.",
      valueName: "folder or file"))
  var images: String?

  @Option(
    help: ArgumentHelp(
      "Instead of images: texts, one per line, for the language model --model (minilm, sentence-decoder or a folder).",
      valueName: "file"), completion: .file())
  var texts: String?

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var held: HeldInputOptions
  @OptionGroup var memory: MemoryOption
  @OptionGroup var outputs: OutputOptions

  @Option(
    help: ArgumentHelp("Write the spreads to this file.", valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var output: String

  func validate() throws {
    guard (images == nil) != (texts == nil) else {
      throw ValidationError("Give either --images or, for a language model, --texts.")
    }
  }

  func run() throws {
    try checkFolder(of: output)
    guard let images else { return try calibrateText(texts!) }
    let (model, content) = try model.load([images] + held.inputs, preprocessing: pictures.preprocessing())
    let all = try model.inputs(content ?? InputContent(images), range: pictures.range)
    try outputs.check([output], inputs: all.files + [model.path])
    let unreadable = UnreadableFiles(isStrict: pictures.strict)
    let inputs = try all.readable(unreadable)
    pictures.announce(inputs, for: model)
    guard inputs.count > 1 else {
      throw PullbackError(
        .usage, "--images \(images)", "one image shows no spread of what has a single value per channel",
        advice: "take a few dozen")
    }
    let bar = ProgressBar("calibrate", total: inputs.count)
    defer { bar.end() }
    let batchSize = try memory.batchSize(for: model.graph)
    var measurement = SpreadMeasurement(of: model.network)
    for first in stride(from: 0, to: inputs.count, by: batchSize) {
      let range = first..<min(inputs.count, first + batchSize)
      try measurement.add(inputs(range))
      bar.advance(Cost(forward: range.count, backward: 0))
    }
    let extents = model.graph.inputShape.dropFirst().map(String.init).joined(separator: " x ")
    let framing = model.preprocessing.framing == .release ? "" : "\(model.preprocessing.framing.inWords), "
    let range = pictures.range ?? model.usualRange
    let preprocessing =
      inputs.arePictures
      ? "pictures, \(framing)resized and cropped to \(extents), 2 p / 255 - 1"
      : "arrays, " + (range == .signed || range == .any ? "used as they are" : "range \(range.rawValue)")
    try writeJSON(
      try Calibration(measurement.spreads, of: model, images: inputs.count, preprocessing: preprocessing), to: output)
    try pictures.finish(unreadable, of: all.count)
  }

  private func calibrateText(_ path: String) throws {
    guard let name = model.model else {
      throw PullbackError(.usage, "--model", "is missing", advice: "name the language model or its folder")
    }
    try outputs.check([output], inputs: [path])
    // Behind a tab lies what a text is compared with.
    let lines = try linesOfTexts(path).map { String($0.text.prefix { $0 != "\t" }) }
    let model = try textModel(name)
    try writeJSON(try Calibration(model.spreads(over: lines), of: model, texts: lines.count), to: output)
  }
}
