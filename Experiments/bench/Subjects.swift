import ExperimentKit
import Foundation

/// The three passes: forward, gradient, soft pullback, the latter two with their forward pass.
enum Pass: String, CaseIterable {
  case forward, gradient, soft

  func run(_ network: Network, _ x: Tensor) throws {
    switch self {
    case .forward: _ = try network(x)
    case .gradient: try pull(network, x, .gradient)
    case .soft: try pull(network, x, .softPullback())
    }
  }

  private func pull(_ network: Network, _ x: Tensor, _ rules: RuleSet) throws {
    let selector = try network.oneHot([Int](repeating: 7, count: x.shape[0]))
    _ = try network.valueWithPullback(at: x, rules: rules).pullback(selector)
  }
}
