import Attribution
import Faithfulness
import Pullbacks

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

  /// - Parameter changes: of the hyper-parameters, for the name; none for the preset's.
  public init(_ method: Method, _ settings: MethodSettings, _ changes: String? = nil) {
    self.init(name: Self.name(method, changes), method: method, settings: settings)
  }

  static func name(_ method: Method, _ changes: String?) -> String {
    changes.map { "\(method.rawValue) \($0)" } ?? method.rawValue
  }

  /// - Throws: `PullbackError` if the method is not defined for the graph.
  public func contender(for graph: Graph) throws(PullbackError) -> Contender {
    guard let method else { return Contender(name: name, explainer: RandomMap(name: name)) }
    return try Contender(method, settings.completed(for: graph), for: graph, in: .v6, name: name)
  }

  /// The settings of the soft rules, where they matter.
  var softSettings: [String: String] { method?.usesSoftRules == true ? settings.ofSoftRules : [:] }
}
