import ArgumentParser
import ExperimentKit
import Foundation

struct Attribute: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compute attributions: which values of the image speak for a class.",
    discussion: """
      An attribution is written as float32 (N, 3, H, W), raw and signed, with every setting in a .json beside it, and \
      for methods that share out f(x) - f(baseline) what their sums are short of it. Several methods write one pair of \
      files each into the folder --output. Several targets make it (N, targets, 3, H, W).

      Targets are classes by number or name (340, zebra), the classes an image looks most like (top-3), one class \
      against another (340-354), linear combinations (0.5*340+0.5*354), cross-entropy:340, or in an inner layer a \
      channel (layer3:12) or a neuron (layer3:12/7/7).

      Examples:
        pullbacks attribute --input cat.jpg --method soft-pullback --output cat.npy --figure cat.png
        pullbacks attribute --input photos --method soft-pullback,smoothgrad --output maps
        pullbacks attribute --input cat.jpg --target zebra --counterfactual 10 --output zebra
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var input: InputOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What to explain, see above; the top-1 class of each image if not given.", valueName: "target,..."))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "The explainers: \(Method.names). By default soft-pullback.",
      valueName: "method,..."))
  var method: String?

  @OptionGroup var options: MethodOptions
  @OptionGroup var memory: MemoryOption

  @Option(help: ArgumentHelp("Where the attribution goes, or the folder for several.", valueName: "file.npy or folder"))
  var output: String

  @Option(help: ArgumentHelp("Also draw each image with its attributions: .png, .pdf or .svg.", valueName: "file"))
  var figure: String?

  @Option(
    help: ArgumentHelp(
      "Instead of attributions, the images of K steps of pullback-ascent (or gradient-ascent) towards the target, with "
        + "the class probabilities, as arrays and as a strip of pictures, in the folder --output. Clips every step "
        + "unless --clip says otherwise.",
      valueName: "K"))
  var counterfactual: Int?

  func validate() throws {
    if let counterfactual, !(1...10_000).contains(counterfactual) {
      throw ValidationError("--counterfactual is 1 to 10000.")
    }
  }

  func run() throws {
    let methods = try self.methods()
    let isFile = (output as NSString).pathExtension == "npy"
    guard !isFile || (methods.count == 1 && counterfactual == nil) else {
      throw PullbackError(.usage, "--output \(output)", "several files need a folder, not the name of one")
    }
    for path in (isFile ? [output] : []) + [figure].compactMap({ $0 }) { try checkFolder(of: path) }
    let model = try model.load()
    var settings = try options.settings(for: model.graph)
    let (choices, node) = try TargetChoice.parse(target, for: model)
    let network = try node.map { try model.network.truncated(at: $0) } ?? model.network
    if counterfactual != nil && options.clip == nil { settings.clipping = .everyStep }
    let explainers = try methods.map { try $0.explainer(settings, for: network.graph) }
    let images = try input.images(for: model.graph)
    let batchSize = memory.batchSize(for: model.graph)
    let explained = try ExplainedImages(images, choices, network: network, model: model, batchSize: batchSize)
    explained.announce()
    if !isFile { try makeFolder(output) }

    if let counterfactual {
      guard var ascent = explainers.first as? PullbackAscent, explainers.count == 1, node == nil else {
        throw PullbackError(
          .usage, "--counterfactual", "follows pullback-ascent or gradient-ascent towards classes",
          advice: "name one with --method")
      }
      ascent.steps = counterfactual
      return try Counterfactual(ascent, explained, model: model, seed: options.seed).write(to: output)
    }
    var columns: [[[Picture]]] = []
    for (method, explainer) in zip(methods, explainers) {
      let path = isFile ? output : "\(output)/\(method.rawValue).npy"
      let context = Context(noise: .streams(seed: options.seed), batchSize: batchSize)
      let result = try explained.write(explainer, in: context, to: path, picturing: figure != nil)
      columns.append(result.pictures)
      let values = explainer.settings.merging(method.usesSoftRules ? ruleSettings(settings) : [:]) { $1 }
        .merging(["preset": (options.preset ?? .paperV6).rawValue]) { $1 }
      try writeJSON(
        explained.record(
          method: method.rawValue, settings: values, seed: options.seed, input: input.input,
          completeness: result.completeness),
        to: (path as NSString).deletingPathExtension + ".json")
    }
    if let figure { try explained.figure(methods, columns).write(to: figure) }
  }

  private func methods() throws -> [Method] {
    let names = method ?? (counterfactual == nil ? Method.softPullback.rawValue : Method.pullbackAscent.rawValue)
    let methods = try names.split(separator: ",").map { name in
      guard let method = Method(rawValue: String(name)) else {
        throw PullbackError(
          .usage, "--method \(name)", "there is no such method",
          advice: "there are \(Method.names)")
      }
      return method
    }
    guard !methods.isEmpty, Set(methods).count == methods.count else {
      throw PullbackError(.usage, "--method \(names)", "expected methods, each of them once")
    }
    return methods
  }
}

/// Throws unless the folder that `path` lies in exists and may be written to: better now than after the computation.
func checkFolder(of path: String) throws {
  let folder = (path as NSString).deletingLastPathComponent
  let name = folder.isEmpty ? "." : folder
  guard FileManager.default.isWritableFile(atPath: name) else {
    throw PullbackError(.cannotCreate, path, "the folder \(name) does not exist or cannot be written to")
  }
}

/// The settings of the soft rules, as records write them.
func ruleSettings(_ settings: MethodSettings) -> [String: String] {
  var values = ["border": settings.border.rawValue, "attention": settings.attention.rawValue]
  for kind in Temperatures.Kind.allCases { values["temperature.\(kind.rawValue)"] = "\(settings.temperatures[kind])" }
  for (node, value) in settings.nodeTemperatures { values["temperature.\(node)"] = "\(value)" }
  return values
}
