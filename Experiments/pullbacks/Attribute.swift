import ArgumentParser
import ExperimentKit
import Foundation

struct Attribute: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compute an attribution: which values of the image speak for a class.",
    discussion: """
      The attribution is written as float32 (N, 3, H, W), raw and signed, with every setting in a .json beside it.

      Examples:
        pullbacks attribute --input cat.jpg --method soft-pullback --output cat.npy --figure cat.png
        pullbacks attribute --input cat.jpg --target 340 --method pullback-ascent --steps 10 --output zebra.npy
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var input: InputOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The class to explain, by number; the top-1 class of each image if not given.", valueName: "class"))
  var target: Int?

  @Option(help: "The explainer: \(Method.allCases.map(\.rawValue).joined(separator: ", ")).")
  var method: Method = .softPullback

  @Option(
    parsing: .unconditional,
    help: """
      Ascents: the length of a step, an L2 norm. By default 20 for 3 x 224 x 224 values, scaled with the square root of \
      their number.
      """)
  var alpha: Double?

  @Option(help: "Ascents: how many steps.")
  var steps = 5

  @Option(help: "Ascents: clip to [-1, 1]: \(PullbackAscent.Clipping.allCases.map(\.rawValue).joined(separator: ", ")).")
  var clip: PullbackAscent.Clipping = .never

  @Option(
    help: ArgumentHelp(
      "Temperatures of the soft rules, by kind of operation or by node: relu=0.6,maxpool=0.3,layer4.2.relu=1.",
      valueName: "name=tau,..."))
  var temperature: String?

  @Option(
    help: "Soft max pooling, places of a window outside the plane: zeros take a share (as released), or are excluded.")
  var border: SoftMaxPool.Border = .zeros

  @Option(help: "The seed of random methods. The present ones draw no random numbers; it is recorded all the same.")
  var seed: UInt64 = 314

  @Option(help: ArgumentHelp("Where the attribution goes.", valueName: "file.npy"))
  var output: String

  @Option(help: ArgumentHelp("Also draw each image with its attribution: .png, .pdf or .svg.", valueName: "file"))
  var figure: String?

  func validate() throws {
    guard steps > 0 else { throw ValidationError("--steps is at least 1.") }
    if let alpha, !(alpha.isFinite && alpha > 0) { throw ValidationError("--alpha is a positive number.") }
    guard (output as NSString).pathExtension == "npy" else { throw ValidationError("--output ends in .npy.") }
  }

  func run() throws {
    for path in [output, figure].compactMap({ $0 }) { try checkFolder(of: path) }
    let settings = try methodSettings()
    let model = try model.load()
    let explainer = try method.explainer(settings, for: model.graph)
    let images = try input.load(for: model)
    let logits = try model.network(images)
    let predictions = try (0..<images.shape[0]).map { try prediction(logits.image($0), of: model) }
    for (image, prediction) in predictions.enumerated() {
      print("image \(image): target \(prediction.target), \(model.className(prediction.target)), "
          + "p = \(decimal(prediction.probability, places: 4))" + (target == nil ? " (top-1)" : ""))
    }
    let attribution = try explainer.attribute(images, .classes(predictions.map(\.target)), of: model.network)

    let record = Record(
      model: model.architecture.name, checkpoint: model.checkpoint.path, checkpointSHA256: try model.checkpoint.sha256,
      input: input.input, method: explainer.name, settings: explainer.settings.merging(ruleSettings(settings)) { $1 },
      seed: seed, targets: predictions.map { Record.Target($0, name: model.className($0.target)) },
      shape: attribution.shape)
    if let figure { try draw(images, attribution, predictions, model).write(to: figure) }
    try writeJSON(record, to: (output as NSString).deletingPathExtension + ".json")
    try NPY.write(attribution, to: output)
  }

  /// The target of one image: the one asked for, or the top-1 class.
  private func prediction(_ logits: Tensor, of model: LoadedModel) throws -> Prediction {
    let ranking = Prediction.ranking(logits.scalars)
    guard let target else { return ranking[0] }
    guard let chosen = ranking.first(where: { $0.target == target }) else {
      throw PullbackError(
        .usage, "--target \(target)", "\(model.architecture.name) has the classes 0 to \(ranking.count - 1)")
    }
    return chosen
  }

  private func methodSettings() throws -> MethodSettings {
    var settings = MethodSettings()
    (settings.alpha, settings.steps, settings.clipping, settings.border) = (alpha, steps, clip, border)
    for part in (temperature ?? "").split(separator: ",") {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2, let value = Float(pair[1]), value.isFinite, value > 0 else {
        throw PullbackError(
          .usage, "--temperature \(part)", "expected a name and a positive number", advice: "as in relu=0.6")
      }
      if let kind = Temperatures.Kind(rawValue: pair[0]) {
        settings.temperatures[kind] = value
      } else {
        settings.nodeTemperatures[pair[0]] = value
      }
    }
    return settings
  }

  private func ruleSettings(_ settings: MethodSettings) -> [String: String] {
    guard method == .softPullback || method == .pullbackAscent else { return [:] }
    var values = ["border": settings.border.rawValue]
    for kind in Temperatures.Kind.allCases { values["temperature.\(kind.rawValue)"] = "\(settings.temperatures[kind])" }
    for (node, value) in settings.nodeTemperatures { values["temperature.\(node)"] = "\(value)" }
    return values
  }

  private func draw(
    _ images: Tensor, _ attribution: Tensor, _ predictions: [Prediction], _ model: LoadedModel
  ) throws -> Figure {
    let rows = try predictions.enumerated().map { index, prediction in
      let map = attribution.image(index)
      return ImageGrid.Row(
        "\(model.className(prediction.target))\np = \(decimal(prediction.probability, places: 2))",
        [try Picture(images.image(index)), try heatMap(map), try rawPicture(map)])
    }
    return Figure(
      ImageGrid(
        columns: ["Image", "Heat map", "Raw colour"], rows,
        colorBars: [ColorBar(.seismic, labels: ["−max", "0", "+max"])], width: 360),
      credit: "\(method.rawValue), \(model.architecture.name)")
  }
}

/// What is written beside an attribution: everything that it takes to compute it again.
private struct Record: Encodable {
  struct Target: Encodable {
    let target: Int
    let name: String
    let logit: Float
    let probability: Double

    init(_ prediction: Prediction, name: String) {
      target = prediction.target
      self.name = name
      logit = prediction.logit
      probability = prediction.probability
    }
  }

  let model: String
  let checkpoint: String
  let checkpointSHA256: String
  let input: String
  let method: String
  let settings: [String: String]
  let seed: UInt64
  let targets: [Target]
  let shape: [Int]
}

extension Method: ExpressibleByArgument {}
extension PullbackAscent.Clipping: ExpressibleByArgument {}
extension SoftMaxPool.Border: ExpressibleByArgument {}

/// Throws unless the folder that `path` lies in exists and may be written to: better now than after the computation.
func checkFolder(of path: String) throws {
  let folder = (path as NSString).deletingLastPathComponent
  let name = folder.isEmpty ? "." : folder
  guard FileManager.default.isWritableFile(atPath: name) else {
    throw PullbackError(.cannotCreate, path, "the folder \(name) does not exist or cannot be written to")
  }
}
