import ArgumentParser
import ExperimentKit

/// The temperatures of the soft rules, and what relative ones are relative to.
struct TemperatureOptions: ParsableArguments {
  /// Which spreads come before all others.
  enum First: String, CaseIterable, ExpressibleByArgument {
    case batchNorm = "batch-norm"
    case calibration
    case image
  }

  @Option(
    help: ArgumentHelp(
      """
      Temperatures of the soft rules, by kind of operation or by node: relu=0.6,maxpool=0.3,layer4.2.relu=1. An \
      extension, not in the paper: relative=1.5 for all gates and max pools, in units of each channel's own spread; \
      relative.relu=1,relative.maxpool=2 for these kinds. relu=sigmoid:0.3 is the logistic gate of the paper's \
      versions 1 to 4. By default released, the paper's, for the networks that \
      they were published for (\(Tier.publishedTemperatures.joined(separator: ", "))), and relative=\
      \(RelativeTemperatures.recommendedMultiple) for all others.
      """,
      valueName: "name=tau,..."))
  var temperature: String?

  @Option(
    help: ArgumentHelp(
      "Relative temperatures: the spreads that pullbacks calibrate measured of this checkpoint.",
      valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var calibration: String?

  @Option(
    help: ArgumentHelp(
      """
      Relative temperatures: which spread of a channel is taken. batch-norm is what the batch norms before the layer \
      tell, without them what --calibration tells, and without a file the image's own spread; calibration prefers the \
      file to batch norms; image is the image's own spread throughout. By default batch-norm.
      """,
      valueName: "which"))
  var spreads: First?

  @Option(
    help: "Soft max pooling, places of a window outside the plane: zeros take a share (as released), or are excluded.")
  var border: SoftMaxPool.Border?

  func validate() throws {
    switch (spreads, calibration) {
    case (.calibration, nil): throw ValidationError("--spreads calibration needs a file --calibration.")
    case (.image, .some): throw ValidationError("--spreads image has no use for --calibration.")
    default: break
    }
  }

  /// Whether temperatures are asked for that the parameters of the network matter to.
  var needParameters: Bool { calibration != nil || spreads != nil || (temperature ?? "").contains("relative") }

  /// Puts the temperatures into settings, and the spreads if temperatures are relative to them.
  ///
  /// - Parameters:
  ///   - subject: the network with its parameters; nil where there are none, and no temperature is asked for that is
  ///     relative.
  ///   - recommending: whether temperatures are relative by default where none were published for the network.
  ///   - always: whether spreads are put in without relative temperatures, too.
  /// - Returns: what records say beside the settings: which calibration it was.
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
