import ArgumentParser
import Digests
import ExperimentKit
import Failures
import Foundation

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the most likely classes of an image.",
    discussion: """
      Examples:
        pullbacks predict --input cat.jpg --top 5
        pullbacks predict --input photos --format csv
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, csv }

  @OptionGroup var model: ModelOptions
  @OptionGroup var input: InputOptions

  @Option(help: "The number of classes to print.")
  var top = 5

  @Option(help: "The format of what is printed: text, json or csv.")
  var format = Format.text

  @Option(
    help: ArgumentHelp(
      "Also write the logits, float32 (N, classes), or the output of another shape, with a record in a .json of the same name.",
      valueName: "file.npy"))
  var output: String?

  @OptionGroup var outputs: OutputOptions

  func validate() throws {
    guard top > 0 else { throw ValidationError("--top is at least 1.") }
  }

  func run() throws {
    let (model, images) = try input.load(model)
    let shape = model.graph.outputShape
    let hasClasses = shape.count == 1
    guard hasClasses || output != nil && format != .csv else {
      let first = shape.map { _ in "0" }.joined(separator: ",")
      throw PullbackError(
        .usage, "predict", "prints classes, and the output of \(model.name) has the shape \(shape)",
        advice:
          "write it by --output\(format == .csv ? " and without csv" : ""); pullbacks attribute explains its values, "
          + "as in --target \(first.isEmpty ? "0" : first)")
    }
    if let output {
      try outputs.check([output, Signature.recordPath(output)], inputs: images.files + [model.path])
    }
    input.pictures.announce(images, for: model)
    try model.graph.checkMemory()
    let unreadable = UnreadableFiles(isStrict: input.pictures.strict)
    var rows: [Row] = []
    var logits: [Tensor] = []
    // One by one, printed as they come: a folder need not fit into memory.
    if format == .csv { print("image,rank,class,name,logit,probability") }
    for index in 0..<images.count {
      // An error in the network's output is not the fault of the picture's file.
      guard let image = try unreadable.reading({ try images(index..<index + 1) }) else { continue }
      let value = try model.network.finiteValue(at: image, named: images.names[index])
      let ranking = hasClasses ? Prediction.ranking(value.scalars).prefix(top) : []
      let row = Row(images.names[index], ranking, model)
      if output != nil { logits.append(value) }
      switch format {
      case .text where !hasClasses:
        print("\(row.image): \(value.scalars.min() ?? 0) to \(value.scalars.max() ?? 0), of shape \(shape)")
      case .text: row.printText(titled: images.count > 1)
      case .csv: row.printCSV()
      case .json: break
      }
      rows.append(row)
    }
    if rows.isEmpty, let failure = unreadable.failure(of: images.count) { throw failure }
    guard format == .json || output != nil else { return try input.pictures.finish(unreadable, of: images.count) }
    let record = try Record(
      model: model.name, checkpoint: PathText.shown(model.path),
      checkpointSHA256: model.sha256, input: input.inWords,
      preprocessing: input.pictures.description(images, for: model), images: rows.map(\.image),
      predictions: format == .json && hasClasses ? rows.map(\.classes) : nil,
      shape: output == nil ? nil : [logits.count] + model.graph.outputShape,
      sha256: output == nil ? nil : logits.map { try $0.withUnsafeBuffer { try sha256(UnsafeRawBufferPointer($0)) } })
    if format == .json {
      print(String(decoding: try json(record, for: "standard output"), as: UTF8.self), terminator: "")
    }
    if let output {
      try writeJSON(record, to: Signature.recordPath(output))
      try NPY.write(Tensor(batching: logits), to: output)
    }
    try input.pictures.finish(unreadable, of: images.count)
  }

  /// The record that is printed as JSON and written beside logits.
  private struct Record: Encodable {
    var tool = "pullbacks \(packageVersion)"
    let model, checkpoint, checkpointSHA256, input, preprocessing: String
    let images: [String]
    /// Per image, the classes with the largest logits.
    let predictions: [[Row.Class]]?
    let shape: [Int]?
    /// SHA-256 of each image's logits.
    let sha256: [String]?
  }

  /// The classes of one image.
  private struct Row {
    struct Class: Encodable {
      let `class`: Int
      let name: String
      let logit: Float
      let probability: Double
    }

    let image: String
    let classes: [Class]

    init(_ image: String, _ ranking: ArraySlice<Prediction>, _ model: Subject) {
      self.image = image
      classes = ranking.map { prediction in
        Class(
          class: prediction.target, name: model.className(prediction.target), logit: prediction.logit,
          probability: prediction.probability)
      }
    }

    func printText(titled: Bool) {
      if titled { print(image) }
      for each in classes {
        let percent = decimal(100 * each.probability, places: 2)
        let padding = String(repeating: " ", count: max(0, 6 - percent.count))
        print("\(padding)\(percent) %\t\(each.class)\t\(each.name)")
      }
    }

    func printCSV() {
      for (rank, each) in classes.enumerated() {
        print("\(quoted(image)),\(rank + 1),\(each.class),\(quoted(each.name)),\(each.logit),\(each.probability)")
      }
    }

    /// A field of comma-separated text, in quotes where it needs them.
    private func quoted(_ text: String) -> String {
      text.contains { ",\"\n\r".contains($0) } ? "\"\(text.replacingOccurrences(of: "\"", with: "\"\""))\"" : text
    }
  }
}
