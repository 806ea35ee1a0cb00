import Networks
import Pullbacks

/// An architecture with small numbers for weights, to be measured: times do not depend on them.
///
/// - Throws: `PullbackError` if there is no such architecture, or it is not defined for the resolution.
public func someNetwork(_ model: String, resolution: Int? = nil) throws -> Network {
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

/// A batch of images for a network, to be measured.
public func someImages(_ count: Int, for network: Network) -> Tensor {
  Tensor(shape: [count] + network.graph.inputShape) { buffer in
    for index in buffer.indices { buffer[index] = Float((index &* 2_654_435_761) >> 9 & 255) / 127.5 - 1 }
  }
}
