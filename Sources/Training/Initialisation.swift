import Networks
import Pullbacks

extension Network {
  /// `graph` before any training, its parameters drawn from the stream "initial <name>" of `seed`.
  ///
  /// Convolutions: `N(0, 2 / (outputs per group * kernel places))` (He et al., 2015, arXiv 1502.01852, in its fan-out
  /// form). Matrices: `N(0, 2 / (inputs + outputs))` (Glorot & Bengio, 2010). Scales and running variances are 1; biases,
  /// shifts and running means 0.
  public init(untrained graph: Graph, seed: UInt64) throws(PullbackError) {
    var parameters: [String: Tensor] = [:]
    for node in graph.nodes {
      for description in node.parameters {
        let (name, shape) = (node.fullName(description), description.shape)
        let isOne = description.name == "running_var" || (shape.count == 1 && description.name == "weight")
        guard shape.count > 1 else {
          parameters[name] = Tensor(shape: shape, repeating: isOne ? 1 : 0)
          continue
        }
        let groups = (node.operation as? Convolution)?.groups ?? 1
        let fan = shape.count == 2 ? shape[0] + shape[1] : shape[0] / groups * shape[2] * shape[3]
        let deviation = Float((2 / Double(fan)).squareRoot())
        parameters[name] = deviation * RandomStream(seed: seed, "initial \(name)").normals(shape)
      }
    }
    try self.init(graph, parameters: parameters)
  }
}
