import Pullbacks

/// The settings that the methods share, with the released values (protocol v6) as defaults.
public struct MethodSettings: Sendable {
  public var temperatures = Temperatures()
  /// Temperatures of single nodes, over those of their kind.
  public var nodeTemperatures: [String: Float] = [:]
  public var border: SoftMaxPool.Border = .zeros
  public var alpha: Double?
  public var steps = 5
  public var clipping: PullbackAscent.Clipping = .never

  public init() {}

  /// The soft pullback's rules for `graph`, with the temperatures of single nodes put in.
  ///
  /// - Throws: ``PullbackError`` if a temperature is named for a node that does not exist or whose rule has none.
  public func softRules(for graph: Graph) throws(PullbackError) -> RuleSet {
    var rules = RuleSet.softPullback(temperatures, border: border)
    for (name, temperature) in nodeTemperatures.sorted(by: { $0.key < $1.key }) {
      guard let index = graph.index(of: name) else {
        throw PullbackError(
          .usage, "temperature of \(name)", "\(graph.name) has no node of this name, and it is not a kind of operation",
          advice: "kinds are \(Temperatures.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      guard let kind = Temperatures.Kind(rawValue: graph.nodes[index].operation.kind) else {
        throw PullbackError(
          .usage, "temperature of \(name)", "the rule of a \(graph.nodes[index].operation.kind) has no temperature")
      }
      var own = temperatures
      own[kind] = temperature
      let table = RuleSet.softPullback(own, border: border)
      rules = rules.overriding(.node(name), with: try table.rule(for: graph.nodes[index]))
    }
    return rules
  }
}

/// Every explainer by name.
public enum Method: String, Sendable, CaseIterable {
  case softPullback = "soft-pullback"
  case pullbackAscent = "pullback-ascent"
  case gradient
  case gradientAscent = "gradient-ascent"

  /// The short name over a column of a figure.
  public var abbreviation: String {
    switch self {
    case .softPullback: "SfP"
    case .pullbackAscent: "PA"
    case .gradient: "Grad"
    case .gradientAscent: "GA"
    }
  }

  /// The explainer with `settings`, for a network of this graph.
  ///
  /// - Throws: ``PullbackError`` if a setting does not fit the graph.
  public func explainer(_ settings: MethodSettings = MethodSettings(), for graph: Graph) throws(PullbackError) -> any Explainer {
    switch self {
    case .softPullback: Pullback(try settings.softRules(for: graph), name: rawValue)
    case .gradient: Pullback(.gradient, name: rawValue)
    case .pullbackAscent: ascent(try settings.softRules(for: graph), settings)
    case .gradientAscent: ascent(.gradient, settings)
    }
  }

  private func ascent(_ rules: RuleSet, _ settings: MethodSettings) -> PullbackAscent {
    PullbackAscent(
      rules, name: rawValue, alpha: settings.alpha, steps: settings.steps, clipping: settings.clipping)
  }
}
