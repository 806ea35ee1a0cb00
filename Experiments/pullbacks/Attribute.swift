import ArgumentParser
import ExperimentKit
import Failures
import Foundation

struct Attribute: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compute an attribution map: how much each value of the image counts for a class.",
    discussion: """
      An attribution is written as float32 (N, 3, H, W), raw and signed, with every setting in a .json beside it. For \
      integrated gradients, DeepLift and SHAP the .json also says by how much the sum misses f(x) - f(baseline). \
      Several methods write one pair of files each into the folder --output. Several targets add an axis: (N, targets, \
      3, H, W).

      A target is a class by number or name (340, zebra), the classes with the largest logits (top-3), the difference \
      of two classes (340-354), a linear combination (0.5*340+0.5*354), cross-entropy:340, or in an inner layer a \
      channel (layer3:12) or a neuron (layer3:12/7/7). If the output has several axes, a target is a numpy index, and \
      the selected values are summed: 2, 1,: or 2,8:16,4:20; semicolons separate several targets.

      Examples:
        pullbacks attribute --input cat.jpg --output cat.npy --figure cat.png
        pullbacks attribute --input cat.jpg --target top-3 \\
          --method soft-pullback,gradient --report cat.html
        pullbacks attribute --input photos --method soft-pullback,smoothgrad \\
          --output maps
        pullbacks attribute --input cat.jpg --target zebra --counterfactual 10 \\
          --output zebra
        pullbacks attribute --model mine.onnx --input cat.jpg --target 7 \\
          --preprocess imagenet --output mine.npy
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var input: InputOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The targets, see above. By default the top-1 class of each image.", valueName: "target,..."))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "The explainers: \(Method.names). By default soft-pullback.",
      valueName: "method,..."),
    completion: .list(Method.allCases.map(\.rawValue)))
  var method: String?

  @Option(
    help: ArgumentHelp(
      "Restrict the target of an output (classes, rows, columns) to the white area of this mask, a picture of the "
        + "image's size that is cropped like the image.",
      valueName: "mask.png"),
    completion: .file(extensions: ["png", "npy"]))
  var within: String?

  @Option(
    help: ArgumentHelp(
      "Instead of --target: an .npy of weights, shaped like one output (no batch axis).",
      valueName: "file.npy"),
    completion: .file(extensions: ["npy"]))
  var selector: String?

  @OptionGroup var options: MethodOptions
  @OptionGroup var memory: MemoryOption
  @OptionGroup var outputs: OutputOptions

  @Option(
    help: ArgumentHelp(
      "The file of the attribution, or a folder for several. Not needed with --figure or --report.",
      valueName: "file.npy or folder"),
    completion: .file())
  var output: String?

  @Option(
    help: ArgumentHelp("Draw each image with its attributions: .png, .pdf or .svg.", valueName: "file"),
    completion: .file(extensions: ["png", "pdf", "svg"]))
  var figure: String?

  @Option(
    help: ArgumentHelp(
      "Write a self-contained web page: images, classes, attributions as overlays, settings and hashes.",
      valueName: "file.html"),
    completion: .file(extensions: ["html"]))
  var report: String?

  @Option(help: ArgumentHelp("The colours of heat maps.", valueName: "map"))
  var colorMap = ColorMap.seismic

  @Option(
    help: ArgumentHelp(
      "Instead of attributions, follow pullback-ascent (or gradient-ascent) towards the target for K steps. The folder "
        + "--output gets the images and the class probabilities of all steps, as arrays and as a strip of pictures. "
        + "Clips every step unless --clip says otherwise.",
      valueName: "K"))
  var counterfactual: Int?

  func validate() throws {
    if let counterfactual, !(1...10_000).contains(counterfactual) {
      throw ValidationError("--counterfactual is 1 to 10000.")
    }
    guard output != nil || (counterfactual == nil && (figure != nil || report != nil)) else {
      throw ValidationError("Say where the result goes: --output, --figure or --report.")
    }
    guard counterfactual == nil || (figure == nil && report == nil) else {
      throw ValidationError("--counterfactual draws its own picture; --figure and --report are for attributions.")
    }
  }

  func run() throws {
    let methods = try self.methods()
    let file = output.flatMap { ($0 as NSString).pathExtension == "npy" ? $0 : nil }
    guard file == nil || (methods.count == 1 && counterfactual == nil) else {
      throw PullbackError(.usage, "--output \(file!)", "several files need a folder, not the name of one")
    }
    try checkNames()
    for path in [file, figure, report].compactMap({ $0 }) { try checkFolder(of: path) }
    let (model, all) = try input.load(model)
    try checkPictures(model)
    var (settings, record) = try options.settings(
      for: model, unless: .general, range: input.pictures.range, atLastMaps: true)
    let (choices, node) = try TargetChoice.parse(target, within: within, selector: selector, for: model)
    if let within { try all.checkSize(ofMask: within) }
    let network = try node.map { try model.network.truncated(at: $0) } ?? model.network
    if counterfactual != nil && options.clip == nil && model.takesPictures { settings.clipping = .everyStep }
    let explainers = try methods.map { try $0.explainer(settings.fitting(network.graph), for: network.graph) }
    let batchSize = try memory.batchSize(for: model.graph)
    if let output, file == nil { try makeFolder(output) }
    let paths = output == nil || counterfactual != nil ? [] : methods.map { file ?? "\(output!)/\($0.rawValue).npy" }
    try outputs.check(
      paths + paths.map(Signature.recordPath) + (counterfactual == nil ? [] : Counterfactual.files(in: output!))
        + [figure, report].compactMap { $0 },
      inputs: all.files + [model.path, options.baseline, options.temperatures.calibration, within, selector])
    let unreadable = UnreadableFiles(isStrict: input.pictures.strict)
    let images = try all.readable(unreadable)
    input.pictures.announce(images, for: model)
    var explained = try ExplainedImages(
      images, choices, network: network, model: model, batchSize: batchSize,
      preprocessing: input.pictures.description(images, for: model))
    explained.colorMap = colorMap
    if let figure { try explained.checkFigure(methods, figure) }

    if let counterfactual, let output {
      guard var ascent = explainers.first as? PullbackAscent, explainers.count == 1, node == nil else {
        throw PullbackError(
          .usage, "--counterfactual", "follows pullback-ascent or gradient-ascent towards classes",
          advice: "name one with --method")
      }
      ascent.steps = counterfactual
      try explained.findTargets()
      try Counterfactual(
        ascent, explained, model: model, settings: values(of: ascent, methods[0], settings, record)
      ).write(to: output)
      printWritten(Counterfactual.files(in: output).filter { FileManager.default.fileExists(atPath: $0) })
      return try input.pictures.finish(unreadable, of: all.count)
    }
    var columns: [Report.Column] = []
    let picturing = figure != nil || report != nil
    if report != nil { try Report.check(maps: explained.mapCount * methods.count) }
    let context = Context(noise: .streams(seed: options.seed), batchSize: batchSize)
    let kept = try explained.write(explainers, in: context, to: paths, picturing: picturing) { explained, kept in
      // The records come first: an array without its record would be nobody's after a kill.
      for (place, path) in paths.enumerated() {
        let method = methods[place]
        try writeJSON(
          explained.record(
            method: method.rawValue, settings: values(of: explainers[place], method, settings, record),
            spreads: method.usesSoftRules ? try settings.spreads(in: network.graph) : [], seed: options.seed,
            input: input.inWords, maps: kept[place]),
          to: Signature.recordPath(path))
      }
    }
    for (place, (method, maps)) in zip(methods, kept).enumerated() {
      columns.append(
        Report.Column(
          method: method, cost: explainers[place].cost(for: network.graph),
          settings: values(of: explainers[place], method, settings, record),
          note: method.extensionNote(settings), maps: maps))
      explained.warnOfIncompleteness(of: method, maps)
    }
    if let figure { try explained.figure(methods, settings, columns.map(\.maps)).writeSigned(to: figure) }
    if let report { try Report(explained, columns, model: model, seed: options.seed).write(to: report) }
    printWritten(paths + paths.map(Signature.recordPath) + [figure, report].compactMap { $0 })
    try input.pictures.finish(unreadable, of: all.count)
  }

  /// Prints the files that were written.
  private func printWritten(_ files: [String]) {
    print("wrote \(files.map { PathText.shown($0) }.joined(separator: ", "))")
  }

  /// Every setting of an explainer, for records.
  private func values(
    of explainer: any Explainer, _ method: Method, _ settings: MethodSettings, _ record: [String: String]
  ) -> [String: String] {
    explainer.settings.merging(method.usesSoftRules ? settings.ofSoftRules.merging(record) { $1 } : [:]) { $1 }
      .merging(["preset": (options.preset ?? .general).rawValue]) { $1 }
  }

  /// Refuses --figure and --report if the inputs are not pictures, before anything is computed.
  private func checkPictures(_ model: Subject) throws {
    guard let option = figure.map({ "--figure \($0)" }) ?? report.map({ "--report \($0)" }),
      !Picture.canShow(model.graph.inputShape)
    else { return }
    throw PullbackError(
      .usage, option,
      "shows pictures (C, H, W) with 1, 3 or 4 channels C, found inputs of shape "
        + "\(model.graph.inputShape)", advice: "--output writes them as an array")
  }

  /// Endings of other file formats, refused for --output. Any other ending may be part of a folder's name.
  private static let otherEndings: Set<String> = [
    "jpg", "jpeg", "webp", "gif", "tif", "tiff", "json", "csv", "txt", "npz", "pt", "pth", "safetensors",
  ]

  /// Refuses file names whose ending does not fit the format that would be written.
  private func checkNames() throws {
    for path in [output, figure, report].compactMap({ $0 }) { try checkName(path) }
    if let figure { try Figure.checkName(figure) }
    if let report, !["html", "htm"].contains((report as NSString).pathExtension.lowercased()) {
      throw PullbackError(.usage, "--report \(report)", "expected a name that ends in .html")
    }
    let ending = ((output ?? "") as NSString).pathExtension.lowercased()
    let option = ["png": "--figure", "pdf": "--figure", "svg": "--figure", "html": "--report"][ending]
    guard option == nil, !Self.otherEndings.contains(ending) else {
      throw PullbackError(
        .usage, "--output \(output ?? "")", "attributions are arrays, expected a name that ends in .npy, or a folder",
        advice: option.map { "for .\(ending) there is \($0)" })
    }
  }

  private func methods() throws -> [Method] {
    let names = method ?? (counterfactual == nil ? Method.softPullback.rawValue : Method.pullbackAscent.rawValue)
    let methods = try names.split(separator: ",").map { try Method.named(String($0)) }
    guard !methods.isEmpty, Set(methods).count == methods.count else {
      throw PullbackError(.usage, "--method \(names)", "expected methods, each of them once")
    }
    return methods
  }
}
