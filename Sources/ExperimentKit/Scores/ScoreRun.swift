import ArgumentParser
import Attribution
import Faithfulness
import Foundation
import Galleries
import Pullbacks
import Subjects

/// A benchmark that takes hours, and whose scores are therefore committed: figures and tables read them from
/// `Figures/scores/<tier>/<model>/<run>`, and compute them with `--recompute` only.
public enum ScoreRun: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// The paper's explainers and metrics.
  case faithfulness
  /// The paper's explainers and chance, under Focus and whatever the images' masks allow.
  case localisation
  /// A few explainers and chance under insertion and deletion, with their curves.
  case curves
  /// Explainers that are averaged, integrated, multiplied or guided gradients, and the same recipes over soft pullbacks,
  /// under the paper's metrics, insertion, deletion, Focus and the energy on the object.
  case variants
  /// Pullbacks with one hyper-parameter after the other changed. Each setting counts as an explainer of its own, so
  /// that all share perturbed images, and those without an ascent the forward passes at the image too.
  case settings
  /// Soft pullback and pullback ascent with the released temperatures and with relative ones, beside the gradient and
  /// SmoothGrad, under the paper's metrics, insertion and deletion.
  case temperature
  /// The same under Focus and whatever the images' masks allow.
  case temperatureLocalisation = "temperature-localisation"
  /// The soft pullback with relative temperatures from narrow to wide, under metrics that share their perturbed images.
  case knob

  /// The number of images that are scored by default; nil is all images.
  func samples(_ tier: Tier) -> Int? {
    switch (tier, self) {
    case (_, .variants): 24
    case (.imagenet, .temperature): 26
    case (.imagenet, _): nil
    case (_, .localisation): 200
    case (_, .faithfulness), (_, .curves), (_, .temperature), (_, .temperatureLocalisation): 100
    case (_, .settings): 20
    case (_, .knob): 50
    }
  }

  /// The images that are scored: the runs of the temperature use photographs in context too.
  func choice(_ samples: Int?) -> Tier.Choice {
    switch self {
    case .temperature, .temperatureLocalisation, .knob: .mixed(samples)
    case .faithfulness, .localisation, .curves, .variants, .settings: .spread(samples)
    }
  }

  /// The explainers, in the order of tables, as far as they are defined for the graph: a transformer has no Grad-CAM.
  public func entrants(for network: Network) -> [Entrant] {
    let paper = Preset.paperV6.methods.map { Entrant($0, Preset.paperV6.settings) }
    let all: [Entrant] =
      switch self {
      case .faithfulness: paper
      case .localisation: paper + [.chance]
      case .curves: paper.filter { Self.drawn.contains($0.method!) } + [.chance]
      case .variants:
        [Method].pullbackVariants.flatMap { [$0, $0.gradientTwin!] }.map { Entrant($0, Preset.paperV6.settings) }
      case .settings: SweptParameter.entrants(for: network.graph)
      case .temperature, .temperatureLocalisation: Entrant.temperatures
      case .knob:
        [Entrant(.softPullback, Preset.paperV6.settings)] + Entrant.knob.map { Entrant.relative(.softPullback, $0) }
      }
    return all.filter { (try? $0.contender(for: network)) != nil }
  }

  /// The explainers that have curves: as many as can be told apart in one plot.
  private static let drawn: Set<Method> = [
    .softPullback, .pullbackAscent, .gradient, .gradientAscent, .smoothGrad, .integratedGradients, .guidedGradCAM,
  ]

  /// - Parameter sample: one of the images, which has a mask if all have.
  public func metrics(for sample: Sample) -> [MetricName] {
    let ofObject: [MetricName] = sample.mask == nil ? [] : [.pointingGame, .energyObject, .massAccuracy, .rankAccuracy]
    let energy = ofObject.filter { $0 == .energyObject }
    let ofParts: [MetricName] = sample.parts.contains(where: \.isDiagnostic) ? [.energyDiagnostic] : []
    return switch self {
    case .faithfulness: BenchmarkVersion.v6.metrics
    case .localisation, .temperatureLocalisation: [.focus] + ofObject + ofParts
    case .curves: [.insertion, .deletion]
    case .knob: [.infidelity, .faithfulnessCorrelation, .maxSensitivity, .randomLogit, .focus]
    case .temperature: BenchmarkVersion.v6.metrics + [.insertion, .deletion]
    case .variants: BenchmarkVersion.v6.metrics + [.insertion, .deletion, .focus] + energy
    case .settings: BenchmarkVersion.v6.metrics + energy
    }
  }

  /// The committed files of its results.
  var files: [String] {
    ["run.json", "scores.csv", "summary.csv", "paired.csv"] + (self == .curves ? [MeanCurve.fileName] : [])
  }
}

/// An explainer of a committed run: a method with hyper-parameters, under a name of its own.
public struct Entrant: Sendable {
  /// In files: `soft-pullback`, `pullback-ascent steps=3`.
  public let name: String
  /// Nil for maps of noise, whose scores are chance.
  public let method: Method?
  let settings: MethodSettings

  /// Noise, in the place of an explainer.
  public static let chance = Entrant(name: "chance", method: nil, settings: MethodSettings())

  init(name: String, method: Method?, settings: MethodSettings) {
    (self.name, self.method, self.settings) = (name, method, settings)
  }

  /// - Parameter changes: the changes of the hyper-parameters, for the name; none for the preset's.
  public init(_ method: Method, _ settings: MethodSettings, _ changes: String? = nil) {
    self.init(name: Self.name(method, changes), method: method, settings: settings)
  }

  static func name(_ method: Method, _ changes: String?) -> String {
    changes.map { "\(method.rawValue) \($0)" } ?? method.rawValue
  }

  /// The name over columns: `SfP`, `SfP c = 1.5`.
  public var abbreviation: String { Self.abbreviation(of: name) }

  /// An explainer's name over columns.
  static func abbreviation(of name: String) -> String {
    let (method, changes) = (name.prefix { $0 != " " }, name.drop { $0 != " " })
    guard let method = Method(rawValue: String(method)) else { return name.prefix(1).uppercased() + name.dropFirst() }
    return method.abbreviation + changes.replacing("relative=", with: "c = ")
  }

  /// The multiples c of the channels' spreads that relative temperatures are scored with.
  public static let relativeNoises: [Float] = [1, 1.5, 2]

  /// The method with a relative temperature: `soft-pullback relative=1.5`.
  ///
  /// - Parameters:
  ///   - method: one by soft rules.
  ///   - c: the multiple.
  ///   - settings: the settings of everything else.
  public static func relative(
    _ method: Method, _ c: Float, _ settings: MethodSettings = Preset.paperV6.settings
  ) -> Entrant {
    var settings = settings
    settings.relativeNoise = c
    return Entrant(method, settings, "relative=\(c.inShort)")
  }

  /// The multiples that the knob goes through.
  public static let knob: [Float] = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4]

  /// Each method with the released temperatures and, beside it, with the relative one of pictures.
  public static func pictured(_ methods: [Method], _ settings: MethodSettings) -> [Entrant] {
    methods.flatMap { [Entrant($0, settings), relative($0, RelativeTemperatures.recommendedMultiple, settings)] }
  }

  /// The meaning of `c`, for a figure's credit line.
  public static let picturedMeaning =
    "c: an extension, the noise of each channel is c times its own standard deviation; "
    + "without c: released temperatures."

  /// Gradient and SmoothGrad, then soft pullback and pullback ascent, each with released and with relative
  /// temperatures.
  static let temperatures: [Entrant] =
    [.gradient, .smoothGrad].map { Entrant($0, Preset.paperV6.settings) }
    + [Method.softPullback, .pullbackAscent].flatMap { method in
      [Entrant(method, Preset.paperV6.settings)] + relativeNoises.map { relative(method, $0) }
    }

  /// - Parameter network: the network that is explained; relative temperatures are relative to the spreads that its
  ///   parameters tell of.
  /// - Throws: `PullbackError` if the method is not defined for the network.
  public func contender(for network: Network) throws(PullbackError) -> Contender {
    guard let method else { return Contender(name: name, explainer: RandomMap(name: name)) }
    return try Contender(method, fittingSettings(network), for: network.graph, in: .v6, name: name)
  }

  /// - Throws: as ``contender(for:)``.
  public func explainer(for network: Network) throws(PullbackError) -> any Explainer {
    guard let method else { return RandomMap(name: name) }
    return try method.explainer(fittingSettings(network), for: network.graph)
  }

  private func fittingSettings(_ network: Network) -> MethodSettings {
    var settings = settings
    if settings.relativeNoise != nil { settings.spreads = Spreads(of: network) }
    return settings.fitting(network.graph)
  }

  /// The settings of the soft rules, where they matter.
  var softSettings: [String: String] { method?.usesSoftRules == true ? settings.ofSoftRules : [:] }
}

/// A hyper-parameter of the semantic pullbacks that table 2 and figure 6 vary, all others as in the preset.
public enum SweptParameter: String, CaseIterable, Sendable {
  case relu, relu6, gelu, maxpool, attention
  case steps
  /// The length of a step, as for images of 3 x 224 x 224 values: others take it times sqrt(n / 150528).
  case alpha

  /// The title on an axis: `τ of ReLU`.
  public var title: String {
    switch self {
    case .relu: "τ of ReLU"
    case .relu6: "τ of ReLU6"
    case .gelu: "τ of GELU"
    case .maxpool: "τ of max pool"
    case .attention: "τ of attention"
    case .steps: "steps K"
    case .alpha: "step α"
    }
  }

  /// The values in ascending order; the values that the paper reports are among them.
  public var values: [Double] {
    switch self {
    case .relu: [0.1, 0.3, 0.4, 0.5, 0.6, 1, 2]
    case .relu6: [0.1, 0.3, 0.6, 1, 2]
    case .gelu: [0.25, 0.5, 1, 2]
    case .maxpool: [0.01, 0.1, 0.3, 0.5, 1]
    case .attention: [0.5, 1, 2, 5]
    case .steps: [1, 2, 3, 5, 10]
    case .alpha: [5, 10, 20, 40]
    }
  }

  /// The preset's.
  public var standard: Double {
    switch self {
    case .relu, .relu6: 0.6
    case .gelu, .attention: 1
    case .maxpool: 0.3
    case .steps: 5
    case .alpha: PullbackAscent.releasedAlpha
    }
  }

  /// The methods that it matters to.
  public var methods: [Method] { kind == nil ? [.pullbackAscent] : [.softPullback, .pullbackAscent] }

  /// The kind of operation whose temperature it is; nil for other settings.
  var kind: Temperatures.Kind? { Temperatures.Kind(rawValue: rawValue) }

  /// The parameter and a value as published tables write them.
  public func published(_ value: Double) -> (parameter: String, value: String) {
    if value == standard { return ("default", "default") }
    return switch self {
    case .steps: ("K", text(value))
    case .alpha: ("alpha", text(value))
    default: ("tau_\(rawValue)", value == value.rounded() ? "\(value)" : text(value))
    }
  }

  /// The name of a method with this value, which is the method's own for the preset's.
  public func name(_ method: Method, _ value: Double) -> String {
    Entrant.name(method, value == standard ? nil : "\(rawValue)=\(text(value))")
  }

  /// A value in short: `0.3`, `5`.
  public func text(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : "\(value)" }

  /// The values that are labelled on a logarithmic axis: the preset's, both ends, and others with room between them.
  public var labelled: [Double] {
    let length = log(values.last! / values[0])
    var kept = [standard]
    for value in [values[0], values.last!] + values where kept.allSatisfy({ abs(log(value / $0)) > 0.24 * length }) {
      kept.append(value)
    }
    return kept.sorted()
  }

  private func entrant(_ method: Method, _ value: Double, valuesPerImage: Int) -> Entrant {
    var settings = Preset.paperV6.settings
    switch self {
    case .steps: settings.steps = Int(value)
    case .alpha: settings.alpha = PullbackAscent.length(value, forValues: valuesPerImage)
    default: settings.temperatures[kind!] = Float(value)
    }
    return Entrant(method, settings, "\(rawValue)=\(text(value))")
  }

  /// The methods with the preset's hyper-parameters, and with each value of each parameter that matters to the graph.
  public static func entrants(for graph: Graph) -> [Entrant] {
    let kinds = Set(graph.nodes.map(\.operation.kind))
    let preset = [Method.softPullback, .pullbackAscent].map { Entrant($0, Preset.paperV6.settings) }
    let valuesPerImage = graph.inputShape.reduce(1, *)
    return preset
      + allCases.filter { $0.kind.map { kinds.contains($0.rawValue) } ?? true }.flatMap { parameter in
        parameter.methods.flatMap { method in
          parameter.values.filter { $0 != parameter.standard }.map {
            parameter.entrant(method, $0, valuesPerImage: valuesPerImage)
          }
        }
      }
  }
}

extension Float {
  /// `1`, `1.5`.
  public var inShort: String { self == rounded() ? "\(Int(self))" : "\(self)" }
}

extension Double {
  /// Nil if it is not finite, as records have it.
  public var orNil: Double? { isFinite ? self : nil }
}
