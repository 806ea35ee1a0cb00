import ExperimentKit
import Foundation

/// An architecture with small numbers for weights: times do not depend on them.
func someNetwork(_ model: String, resolution: Int = 224) throws -> Network {
  let graph = try Architecture.named(model).graph(resolution: resolution)
  var parameters: [String: Tensor] = [:]
  for (name, description) in graph.parameters {
    // Weights that keep activations at order one, whose products neither vanish nor overflow.
    let fanIn = max(1, description.shape.dropFirst().reduce(1, *))
    let scale = description.shape.count < 2 ? 1 : (6 / Float(fanIn)).squareRoot()
    let isOne = name.hasSuffix("running_var") || name.hasSuffix("weight") && description.shape.count < 2
    let spread = name.hasSuffix("weight") ? scale : 0.01
    parameters[name] = Tensor(shape: description.shape) { buffer in
      for index in buffer.indices {
        let noise = Float((index &* 2_654_435_761) >> 7 & 1023) / 1023 - 0.5
        buffer[index] = isOne ? 1 : spread * noise
      }
    }
  }
  return try Network(graph, parameters: parameters)
}

/// A batch of images for a network.
func someImages(_ count: Int, for network: Network) -> Tensor {
  Tensor(shape: [count] + network.graph.inputShape) { buffer in
    for index in buffer.indices { buffer[index] = Float((index &* 2_654_435_761) >> 9 & 255) / 127.5 - 1 }
  }
}

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
