import ArgumentParser
import ExperimentKit

/// The hyper-parameters: a preset, and changes to it.
struct MethodOptions: ParsableArguments {
  @Option(
    help: """
      A set of hyper-parameters, from a version of the paper or for general use: \(Preset.names). The default of \
      attribute is general: paper-v6, but with 50 points and normalised weights for integrated gradients, and with \
      relative temperatures for networks without published ones. The default of evaluate is the one of --protocol.
      """)
  var preset: Preset?

  @Option(
    parsing: .unconditional,
    help: """
      The step length of ascents and of the double pullback. By default an L2 norm of 20 for 3 x 224 x 224 values, \
      scaled with the square root of the number of values; 1 for the double pullback.
      """)
  var alpha: Double?

  @Option(help: "The number of steps of ascents. By default 5.")
  var steps: Int?

  @Option(help: "When ascents clip to [-1, 1]: \(PullbackAscent.Clipping.names).")
  var clip: PullbackAscent.Clipping?

  @OptionGroup var temperatures: TemperatureOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The baseline (absence of signal): a value, or an image of the network's size. By default 0, mid grey.",
      valueName: "value or file"))
  var baseline: String?

  @Option(
    help: ArgumentHelp(
      "Any other hyper-parameter: smooth.draws=100,layer=layer3; the command methods lists them.",
      valueName: "name=value,..."))
  var set: String?

  @Option(help: "The seed of random methods.")
  var seed: UInt64 = 314

  func validate() throws {
    if let steps, !(1...1_000_000).contains(steps) { throw ValidationError("--steps is at least 1.") }
    if let alpha, !(alpha.isFinite && alpha > 0) { throw ValidationError("--alpha is a positive number.") }
  }

  /// - Parameters:
  ///   - subject: the network: a baseline image must fit its input, and relative temperatures use its spreads.
  ///   - fallback: the preset if none is named.
  ///   - range: the range of the values of an array as baseline.
  ///   - atLastMaps: whether class activation maps are taken at the network's last maps, as Grad-CAM is defined, if no
  ///     preset and no layer is named. The release uses other layers, inside the last block of a ResNet.
  /// - Returns: the settings, and further entries for records of soft rules.
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
