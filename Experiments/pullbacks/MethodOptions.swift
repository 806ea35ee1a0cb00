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

  /// As `SettingsRequest.settings(for:unless:range:atLastMaps:)` describes them.
  func settings(
    for subject: Subject, unless fallback: Preset, range: ArrayRange?, atLastMaps: Bool = false
  ) throws -> (settings: MethodSettings, record: [String: String]) {
    var request = SettingsRequest(preset: preset)
    request.values = try pairs(set, option: "--set").map { (name: $0.0, text: $0.1) }
    (request.alpha, request.steps, request.clipping, request.baseline) = (alpha, steps, clip, baseline)
    request.temperatures = temperatures.request
    return try request.settings(for: subject, unless: fallback, range: range, atLastMaps: atLastMaps)
  }
}

extension CaseIterable where Self: RawRepresentable<String> {
  /// Every case's name, for help texts.
  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

extension Method: ExpressibleByArgument {}
extension Preset: ExpressibleByArgument {}
extension PullbackAscent.Clipping: ExpressibleByArgument {}
