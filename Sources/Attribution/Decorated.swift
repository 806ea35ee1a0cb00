import Pullbacks

/// Another explainer's attribution, finished by a map of its values.
public struct Decorated: Explainer {
  /// What is done to each value.
  public enum Finish: String, Sendable {
    /// `|a|`: saliency is the gradient's.
    case magnitude
    /// `x a`: input times gradient, and what the released runs call DeepLift.
    case timesInput = "times input"
  }

  public let name: String
  /// The explainer whose attribution is finished.
  public let base: any Explainer
  /// What is done to it.
  public let finish: Finish

  /// - Parameters:
  ///   - base: the explainer whose attribution is finished.
  ///   - finish: what is done to it.
  ///   - name: of the explainer.
  public init(_ base: any Explainer, _ finish: Finish, name: String) {
    self.base = base
    self.finish = finish
    self.name = name
  }

  public var settings: [String: String] { base.settings.merging(["then": finish.rawValue]) { $1 } }
  public func cost(for graph: Graph) -> Cost { base.cost(for: graph) }

  public func explain(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    try base.explain(x, selectors, of: network, in: context).map { finished($0, at: x) }
  }

  /// What becomes of the other explainer's attribution at `x`.
  package func finished(_ attribution: Tensor, at x: Tensor) -> Tensor {
    switch finish {
    case .magnitude: attribution.magnitudes
    case .timesInput: x * attribution
    }
  }
}
