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
      relative.relu=1,relative.maxpool=2 for these kinds. By default released, the paper's, for the networks that \
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

  /// What `--temperature` calls the paper's temperatures.
  private static let released = "released"

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
      try Self.apply(temperature, to: &settings, for: graph)
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

  /// Puts temperatures, as the option names them, into settings.
  static func apply(_ temperature: String?, to settings: inout MethodSettings, for graph: Graph) throws {
    var others: Float?
    var kinds: [Temperatures.Kind: Float] = [:]
    let text = temperature == Self.released ? nil : temperature
    for (name, text) in try pairs(text, option: "--temperature") {
      guard let value = Float(text), value.isFinite, value > 0 else {
        throw PullbackError(
          .usage, "--temperature \(name)=\(text)", "expected a name and a positive number", advice: "as in relu=0.6")
      }
      if name == "relative" {
        others = value
      } else if name.hasPrefix("relative."), graph.index(of: name) == nil {
        kinds[try relativeKind(name, in: graph)] = value
      } else if let kind = Temperatures.Kind(rawValue: name) {
        settings.temperatures[kind] = value
      } else {
        settings.nodeTemperatures[name] = value
      }
    }
    settings.relativeTemperatures = RelativeTemperatures(others, kinds)
    let twice = settings.temperatures.changedKinds.filter { settings.relativeTemperatures[$0] != nil }
      .map(\.rawValue).sorted()
    guard twice.isEmpty || others == nil else {
      throw PullbackError(
        .usage, "--temperature \(temperature ?? "")",
        "relative stands for all gates and max pools, and others name a kind of them as well",
        advice: "name relative alone, or with single nodes")
    }
    guard twice.isEmpty else {
      throw PullbackError(
        .usage, "--temperature \(temperature ?? "")",
        "\(twice.joined(separator: ", ")) would have two temperatures, one of them relative", advice: "leave one out")
    }
  }

  /// The kind that `relative.relu` names.
  private static func relativeKind(_ name: String, in graph: Graph) throws -> Temperatures.Kind {
    let kinds = Temperatures.Kind.allCases.filter(\.hasRelativeRule)
    let kindName = name.dropFirst("relative.".count)
    guard let kind = kinds.first(where: { $0.rawValue == kindName }) else {
      throw PullbackError(
        .usage, "--temperature \(name)", "there is no relative rule for \(kindName)",
        advice: "there is one for \(kinds.map(\.rawValue).joined(separator: ", "))")
    }
    let present = Set(graph.nodes.map(\.operation.kind))
    guard present.contains(kind.rawValue) else {
      let others = kinds.map(\.rawValue).filter(present.contains)
      throw PullbackError(
        .usage, "--temperature \(name)", "\(graph.name) has no \(kind.rawValue)",
        advice: others.isEmpty ? "leave it out" : "it has \(others.joined(separator: ", "))")
    }
    return kind
  }
}

/// The parts of `name=value,...`, each name once.
func pairs(_ text: String?, option: String) throws -> [(String, String)] {
  var names: Set<String> = []
  return try (text ?? "").split(separator: ",").map { part in
    let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
    guard pair.count == 2 else {
      throw PullbackError(.usage, "\(option) \(part)", "expected a name and a value", advice: "as in relu=0.6")
    }
    guard names.insert(pair[0]).inserted else {
      throw PullbackError(.usage, "\(option) \(part)", "\(pair[0]) is given twice", advice: "leave one out")
    }
    return (pair[0], pair[1])
  }
}

extension SoftMaxPool.Border: ExpressibleByArgument {}
