import ArgumentParser
import ExperimentKit

/// The hyper-parameters: a preset, and what is changed of it.
struct MethodOptions: ParsableArguments {
  @Option(
    help: """
      The hyper-parameters of a version of the paper: \(Preset.names). By default paper-v6, or that of the protocol.
      """)
  var preset: Preset?

  @Option(
    parsing: .unconditional,
    help: """
      Ascents and the double pullback: the length of a step. By default an L2 norm of 20 for 3 x 224 x 224 values, \
      scaled with the square root of their number; for the double pullback 1.
      """)
  var alpha: Double?

  @Option(help: "Ascents: how many steps. By default 5.")
  var steps: Int?

  @Option(help: "Ascents: clip to [-1, 1]: \(PullbackAscent.Clipping.names).")
  var clip: PullbackAscent.Clipping?

  @Option(
    help: ArgumentHelp(
      """
      Temperatures of the soft rules, by kind of operation or by node: relu=0.6,maxpool=0.3,layer4.2.relu=1. An \
      extension, not in the paper: relative=1.5 for all gates and max pools, in units of each channel's own spread.
      """,
      valueName: "name=tau,..."))
  var temperature: String?

  @Option(
    help: "Soft max pooling, places of a window outside the plane: zeros take a share (as released), or are excluded.")
  var border: SoftMaxPool.Border?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The baseline, the absence of signal: a value, or an image of the network's size. By default 0, mid grey.",
      valueName: "value or file"))
  var baseline: String?

  @Option(
    help: ArgumentHelp(
      "Any other hyper-parameter: smooth.draws=100,layer=layer3; pullbacks methods lists them.",
      valueName: "name=value,..."))
  var set: String?

  @Option(help: "The seed of random methods.")
  var seed: UInt64 = 314

  func validate() throws {
    if let steps, !(1...1_000_000).contains(steps) { throw ValidationError("--steps is at least 1.") }
    if let alpha, !(alpha.isFinite && alpha > 0) { throw ValidationError("--alpha is a positive number.") }
  }

  /// - Parameters:
  ///   - network: what an image as baseline must fit, and whose batch norms relative temperatures are relative to.
  ///   - fallback: the preset where none is named.
  ///   - atLastMaps: whether class activation maps are taken at the network's last maps, as Grad-CAM is defined, where
  ///     no preset and no layer is named. The release has layers of its own, inside the last block of a ResNet.
  func settings(
    for network: Network, unless fallback: Preset = .paperV6, atLastMaps: Bool = false
  ) throws -> MethodSettings {
    let graph = network.graph
    var settings = (preset ?? fallback).settings
    for (name, text) in try pairs(set, option: "--set") { try settings.set(name, to: text) }
    if let alpha { (settings.alpha, settings.doubleAlpha) = (alpha, alpha) }
    if let steps { settings.steps = steps }
    if let clip { settings.clipping = clip }
    if let border { settings.border = border }
    for (name, text) in try pairs(temperature, option: "--temperature") {
      guard let value = Float(text), value.isFinite, value > 0 else {
        throw PullbackError(
          .usage, "--temperature \(name)=\(text)", "expected a name and a positive number", advice: "as in relu=0.6")
      }
      if name == "relative" {
        settings.relativeNoise = value
        settings.spreads = Spreads(of: network)
      } else if let kind = Temperatures.Kind(rawValue: name) {
        settings.temperatures[kind] = value
      } else {
        settings.nodeTemperatures[name] = value
      }
    }
    if settings.relativeNoise != nil, settings.temperatures != (preset ?? fallback).settings.temperatures {
      throw PullbackError(
        .usage, "--temperature \(temperature!)",
        "relative stands for all gates and max pools, and others name a kind of them as well",
        advice: "name relative alone, or with single nodes")
    }
    if let baseline {
      if let value = Float(baseline), value.isFinite {
        settings.baseline = .value(value)
      } else {
        settings.baseline = .image(try InputImages.image(at: baseline, shape: graph.inputShape))
      }
    }
    if atLastMaps, preset == nil, settings.camLayer == nil { settings.camLayer = Architecture.lastMaps(in: graph) }
    return settings.fitting(graph)
  }

  private func pairs(_ text: String?, option: String) throws -> [(String, String)] {
    try (text ?? "").split(separator: ",").map { part in
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2 else {
        throw PullbackError(.usage, "\(option) \(part)", "expected a name and a value", advice: "as in relu=0.6")
      }
      return (pair[0], pair[1])
    }
  }
}

extension CaseIterable where Self: RawRepresentable<String> {
  /// Every case's name, for help texts.
  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

extension Method: ExpressibleByArgument {}
extension Preset: ExpressibleByArgument {}
extension PullbackAscent.Clipping: ExpressibleByArgument {}
extension SoftMaxPool.Border: ExpressibleByArgument {}
