import Attribution
import ExperimentKit
import Failures
import Networks
import Pullbacks
import Subjects

/// A network that is at hand, with what the page has to know of it.
struct LoadedNetwork: Sendable {
  let offered: OfferedNetwork
  let subject: Subject
  private let spreads: Spreads

  /// - Throws: `PullbackError` if it cannot be loaded, or takes no pictures or tells no classes.
  init(_ offered: OfferedNetwork) throws {
    let subject = try offered.load()
    try Self.check(subject)
    self.offered = offered
    self.subject = subject
    spreads = Spreads(of: subject.network)
  }

  /// - Throws: `PullbackError` of kind `usage` if a network takes no pictures or tells no classes.
  static func check(_ subject: Subject) throws {
    let graph = subject.graph
    guard subject.takesPictures, Picture.canShow(graph.inputShape), graph.inputs.count == 1 else {
      throw PullbackError(
        .usage, "studio",
        "shows networks of one picture (C, H, W) with 1, 3 or 4 channels, and \(subject.name) takes "
          + graph.inputs.map { "\($0.name) \($0.shape)" }.joined(separator: ", "),
        advice: subject.takesPictures
          ? "pullbacks attribute explains it" : "say with --preprocess how pictures become its inputs")
    }
    guard graph.outputShape.count == 1 else {
      throw PullbackError(
        .usage, "studio", "shows classifiers, and the output of \(subject.name) has the shape \(graph.outputShape)",
        advice: "pullbacks attribute explains its values by --target")
    }
  }

  var graph: Graph { subject.graph }

  /// The temperature of a request as the option `--temperature` names it: the one that was asked for, or the one that
  /// `attribute` uses if none is named; nil for methods without soft rules.
  func temperature(_ asked: String?, of method: Method) -> String? {
    method.usesSoftRules ? asked ?? usualTemperature : nil
  }

  /// The settings as `attribute` takes them from the command line.
  ///
  /// - Parameter temperature: as ``temperature(_:of:)`` gives it.
  /// - Throws: `PullbackError` if it is not understood.
  func settings(_ temperature: String?) throws -> MethodSettings {
    var settings = Preset.general.settings
    try settings.setTemperatures(temperature ?? usualTemperature, for: graph)
    if !settings.relativeTemperatures.isEmpty { settings.spreads = spreads }
    _ = try settings.softRules(for: graph)
    settings.camLayer = Architecture.lastMaps(in: graph)
    return settings.fitting(graph)
  }

  /// The tables of rules of methods that the page is likely to switch between.
  var usualRules: [RuleSet] {
    [usualTemperature, "released"].compactMap { try? settings($0).softRules(for: graph) } + [.gradient]
  }

  /// The temperature that `attribute` uses if none is named.
  var usualTemperature: String { subject.usualTemperature }

  /// Whether an explainer takes so many passes that others should not wait for it.
  static func isLong(_ method: Method) -> Bool {
    switch method {
    case .smoothGrad, .smoothPullback, .fusionGrad, .fusionPullback, .integratedGradients, .integratedPullbacks,
      .occlusion, .rise:
      true
    default: false
    }
  }

  /// The description that the page receives.
  var description: Description {
    let kinds = Set(graph.nodes.map(\.operation.kind))
    let usual = try? settings(usualTemperature)
    return Description(
      id: offered.id, title: subject.title, name: subject.name, shape: graph.inputShape,
      classes: (0..<graph.outputShape[0]).map(subject.className), notes: subject.notes,
      methods: Method.allCases.compactMap { method in
        guard let usual, let explainer = try? method.explainer(usual, for: graph) else { return nil }
        let cost = explainer.cost(for: graph)
        return Description.Explainer(
          name: method.rawValue, formula: method.facts.formula, source: method.facts.source,
          caveat: method.facts.caveat, hasTemperature: method.usesSoftRules, passes: cost.forward + cost.backward,
          isLong: Self.isLong(method))
      },
      temperature: usualTemperature,
      released: Dictionary(
        uniqueKeysWithValues: Temperatures.Kind.allCases.filter { kinds.contains($0.rawValue) }
          .map { ($0.rawValue, $0.released) }))
  }

  struct Description: Encodable, Sendable {
    struct Explainer: Encodable, Sendable {
      let name, formula, source: String
      let caveat: String?
      let hasTemperature: Bool
      let passes: Int
      let isLong: Bool
    }

    let id, title, name: String
    /// The shape of one input.
    let shape: [Int]
    /// The names of the classes.
    let classes: [String]
    let notes: [String]
    let methods: [Explainer]
    /// The usual one, as `--temperature` names it.
    let temperature: String
    /// The paper's temperatures of the kinds of operation that the network has.
    let released: [String: Float]
  }
}
