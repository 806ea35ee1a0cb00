import Attribution
import Failures
import Networks
import Pullbacks

/// The hyper-parameters of explainers as people name them, on the command line and from other languages: a preset, and
/// what is changed of it.
public struct SettingsRequest: Sendable {
  /// Nil is the fallback of ``settings(for:unless:range:atLastMaps:)``.
  public var preset: Preset?
  /// By the names of `Setting.all`, in the order in which they are put in.
  public var values: [(name: String, text: String)] = []
  /// The length of a step of the ascents and of the double pullback.
  public var alpha: Double?
  /// How many steps the ascents take.
  public var steps: Int?
  /// When iterates of the ascents are clipped.
  public var clipping: PullbackAscent.Clipping?
  public var temperatures = TemperatureRequest()
  /// The baseline: a number, or the file of an image of the network's size.
  public var baseline: String?

  public init(preset: Preset? = nil) { self.preset = preset }

  /// What the settings that are none of `Setting.all` are called.
  public static let names = [
    "preset", "alpha", "steps", "clip", "temperature", "calibration", "spreads", "border", "baseline",
  ]

  /// - Parameters:
  ///   - subject: what an image as baseline must fit, and whose spreads relative temperatures are relative to.
  ///   - fallback: the preset where none is named.
  ///   - range: of the values of an array as baseline.
  ///   - atLastMaps: whether class activation maps are taken at the network's last maps, as Grad-CAM is defined, where
  ///     no preset and no layer is named. The release has layers of its own, inside the last block of a ResNet.
  /// - Returns: the settings, and what records of soft rules say beside them.
  /// - Throws: `PullbackError` that names the setting, and what it may be.
  public func settings(
    for subject: Subject, unless fallback: Preset, range: ArrayRange?, atLastMaps: Bool = false
  ) throws -> (settings: MethodSettings, record: [String: String]) {
    let graph = subject.graph
    var settings = (preset ?? fallback).settings
    for (name, text) in values { try settings.set(name, to: text) }
    if let alpha { (settings.alpha, settings.doubleAlpha) = (alpha, alpha) }
    if let steps { settings.steps = steps }
    if let clipping { settings.clipping = clipping }
    let record = try temperatures.apply(
      to: &settings, for: graph, subject, recommending: preset == nil && fallback == .general)
    if let option = temperatures.calibration.map({ "calibration \($0)" })
      ?? temperatures.spreads.map({ "spreads \($0.rawValue)" }), settings.relativeTemperatures.isEmpty
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
