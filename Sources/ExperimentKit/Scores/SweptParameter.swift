import Attribution
import Foundation
import Pullbacks

/// A hyper-parameter of the semantic pullbacks that table 2 and figure 6 vary, all others as in the preset.
public enum SweptParameter: String, CaseIterable, Sendable {
  case relu, relu6, gelu, maxpool, attention
  case steps
  /// The length of a step, as for images of 3 x 224 x 224 values: others take it times sqrt(n / 150528).
  case alpha

  /// On an axis: `τ of ReLU`.
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

  /// In the order of their size; among them what the paper reports.
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

  /// Whose temperature it is.
  var kind: Temperatures.Kind? { Temperatures.Kind(rawValue: rawValue) }

  /// As published tables name it, with a value as they write it.
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
    for value in [values[0], values.last!] + values where kept.allSatisfy({ abs(log(value / $0)) > 0.14 * length }) {
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
