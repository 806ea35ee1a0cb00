import ArgumentParser
import ExperimentKit

/// The hyper-parameters: a preset, and what is changed of it.
struct MethodOptions: ParsableArguments {
  @Option(
    help: """
      The hyper-parameters, of a version of the paper or for general use: \(Preset.names). By default general for \
      attribute, which is paper-v6 with 50 points and normalised weights for integrated gradients, and with relative \
      temperatures where none were published; that of the protocol for evaluate.
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

  @OptionGroup var temperatures: TemperatureOptions

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
  ///   - subject: what an image as baseline must fit, and whose spreads relative temperatures are relative to.
  ///   - fallback: the preset where none is named.
  ///   - range: of the values of an array as baseline.
  ///   - atLastMaps: whether class activation maps are taken at the network's last maps, as Grad-CAM is defined, where
  ///     no preset and no layer is named. The release has layers of its own, inside the last block of a ResNet.
  /// - Returns: the settings, and what records of soft rules say beside them.
  func settings(
    for subject: Subject, unless fallback: Preset, range: ArrayRange?, atLastMaps: Bool = false
  ) throws -> (settings: MethodSettings, record: [String: String]) {
    let graph = subject.graph
    var settings = (preset ?? fallback).settings
    for (name, text) in try pairs(set, option: "--set") { try settings.set(name, to: text) }
    if let alpha { (settings.alpha, settings.doubleAlpha) = (alpha, alpha) }
    if let steps { settings.steps = steps }
    if let clip { settings.clipping = clip }
    let record = try temperatures.apply(
      to: &settings, for: graph, subject, recommending: preset == nil && fallback == .general)
    if let option = temperatures.calibration.map({ "--calibration \($0)" })
      ?? temperatures.spreads.map({ "--spreads \($0.rawValue)" }), settings.relativeTemperatures.isEmpty
    {
      throw PullbackError(
        .usage, option, "spreads are for relative temperatures, and none is asked for",
        advice: "as in --temperature relative=1.5")
    }
    if let baseline {
      if let value = Float(baseline), value.isFinite {
        settings.baseline = .value(value)
      } else {
        settings.baseline = .image(try subject.inputs(InputContent(baseline), range: range).one())
      }
    }
    // An exported graph has no layer of the release's.
    if atLastMaps && preset == nil || subject.onnx != nil, settings.camLayer == nil {
      settings.camLayer = Architecture.lastMaps(in: graph)
    }
    return (settings.fitting(graph), record)
  }
}

extension CaseIterable where Self: RawRepresentable<String> {
  /// Every case's name, for help texts.
  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

extension Method: ExpressibleByArgument {}
extension Preset: ExpressibleByArgument {}
extension PullbackAscent.Clipping: ExpressibleByArgument {}
