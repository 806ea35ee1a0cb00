import ArgumentParser
import ExperimentKit

/// The temperatures of the soft rules, and the spreads that relative ones are multiplied with.
struct TemperatureOptions: ParsableArguments {
  /// The preferred source of the spreads.
  enum First: String, CaseIterable, ExpressibleByArgument {
    case batchNorm = "batch-norm"
    case calibration
    case image
  }

  @Option(
    help: ArgumentHelp(
      """
      Temperatures of the soft rules. The default is released, the paper's, for the networks with published \
      temperatures (\(Tier.publishedTemperatures.joined(separator: ", "))), and relative=\
      \(RelativeTemperatures.recommendedMultiple), an extension that is not in the paper, for all others. \
      From the paper: released, or by kind of operation or by node, relu=0.6,maxpool=0.3,layer4.2.relu=1; \
      relu=sigmoid:0.3 is the logistic gate of its versions 1 to 4. \
      The extension: relative=1.5 for all gates and max pools, in units of each channel's own spread (standard \
      deviation), or by kind, relative.relu=1,relative.maxpool=2.
      """,
      valueName: "name=tau,..."))
  var temperature: String?

  @Option(
    help: ArgumentHelp(
      "Relative temperatures: the file of spreads that the command calibrate measured for this checkpoint.",
      valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var calibration: String?

  @Option(
    help: ArgumentHelp(
      """
      Relative temperatures: where a channel's spread sigma comes from. batch-norm, the default: from the batch norms \
      before the layer, else from the file --calibration, else from the image itself. calibration: the file first. \
      image: always the image itself.
      """,
      valueName: "which"))
  var spreads: First?

  @Option(
    help: "Padding in soft max pooling: zeros, it counts as zeros (the authors' code); or excluded, it is ignored.")
  var border: SoftMaxPool.Border?

  func validate() throws {
    switch (spreads, calibration) {
    case (.calibration, nil): throw ValidationError("--spreads calibration needs a file --calibration.")
    case (.image, .some): throw ValidationError("--spreads image has no use for --calibration.")
    default: break
    }
  }

  /// Whether the temperatures depend on the network's parameters.
  var needParameters: Bool { calibration != nil || spreads != nil || (temperature ?? "").contains("relative") }

  /// Puts the temperatures into settings, and the spreads if temperatures are relative to them.
  ///
  /// - Parameters:
  ///   - subject: the network with its parameters; may be nil if no temperature is relative.
  ///   - recommending: whether temperatures are relative by default if none were published for the network.
  ///   - always: whether spreads are set even without relative temperatures.
  /// - Returns: further entries for records: the calibration and the source of spreads.
  func apply(
    to settings: inout MethodSettings, for graph: Graph, _ subject: Subject?, recommending: Bool, always: Bool = false
  ) throws -> [String: String] {
    if let border { settings.border = border }
    if temperature != nil {
      try settings.setTemperatures(temperature, for: graph)
    } else if recommending, settings.temperatures.changedKinds.isEmpty,
      !Tier.publishedTemperatures.contains(graph.name)
    {
      settings.relativeTemperatures = .recommended
    }
    // A node that there is not is refused for methods without soft rules too.
    _ = try settings.softRules(for: graph)
    guard let subject, always || !settings.relativeTemperatures.isEmpty else { return [:] }
    let calibrated = try calibration.map { try Calibration.read($0, for: subject) }
    let told = spreads == .image ? Spreads() : Spreads(of: subject.network)
    switch (calibrated?.spreads, spreads) {
    case (nil, _): settings.spreads = told
    case (let measured?, .calibration): settings.spreads = measured.completed(by: told)
    case (let measured?, _): settings.spreads = told.completed(by: measured)
    }
    return [
      "temperature.calibration": calibrated?.sha256, "temperature.spreads": spreads?.rawValue,
    ].compactMapValues { $0 }
  }
}

extension SoftMaxPool.Border: ExpressibleByArgument {}
