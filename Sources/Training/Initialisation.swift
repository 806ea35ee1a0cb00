import Networks
import Pullbacks

extension Network {
  /// Where the scales of batch norms begin, and stay within a tenth or two: it sets the size of the pre-activations
  /// behind them, against which soft rules have a fixed temperature. Networks of ImageNet arrive at 0.2 to 0.5, where
  /// weight decay has had ninety epochs to shrink scales; a short run has to begin there.
  public static let batchNormScale: Float = 1 / 3

  /// `graph` before any training, its parameters drawn from the stream "initial <name>" of `seed`.
  ///
  /// Convolutions: `N(0, 2 / (outputs per group * kernel places))` (He et al., 2015, arXiv 1502.01852, in its fan-out
  /// form). Matrices: `N(0, 2 / (inputs + outputs))` (Glorot & Bengio, 2010). Scales and running variances are 1, but
  /// the scales of batch norms ``batchNormScale``; biases, shifts and running means 0.
  public init(untrained graph: Graph, seed: UInt64) throws(PullbackError) {
    var parameters: [String: Tensor] = [:]
    for node in graph.nodes {
      for description in node.parameters {
        let (name, shape) = (node.fullName(description), description.shape)
        guard shape.count > 1 else {
          parameters[name] = Tensor(shape: shape, repeating: Self.initialScalar(description.name, of: node.operation))
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

  private static func initialScalar(_ parameter: String, of operation: any Operation) -> Float {
    switch parameter {
    case "weight": operation is BatchNorm ? batchNormScale : 1
    case "running_var": 1
    default: 0
    }
  }
}
