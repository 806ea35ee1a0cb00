import CKernels
import Kernels

/// An elementwise nonlinearity `y = x g(x)` with a gate g, or the sigmoid.
public enum Activation: String, Operation, CaseIterable {
  /// `max(x, 0)`
  case relu
  /// `min(max(x, 0), 6)`
  case relu6
  /// `x Phi(x)`, Phi the standard normal distribution function (the exact GELU, not its tanh approximation)
  case gelu
  /// `x sigmoid(x)`
  case silu
  /// `1 / (1 + exp(-x))`
  case sigmoid

  public var kind: String { rawValue }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] { inputs[0] }

  /// The function over arrays.
  var function: ElementwiseMap {
    switch self {
    case .relu: pb_relu
    case .relu6: pb_relu6
    case .gelu: pb_gelu
    case .silu: pb_silu
    case .sigmoid: pb_sigmoid
    }
  }

  /// `v y'(x)` over arrays v and x.
  var derivative: Gate {
    switch self {
    case .relu: .hard(pb_gate_step)
    case .relu6: .hard(pb_gate_step6)
    case .gelu: .hard(pb_gelu_derivative)
    case .silu: .hard(pb_silu_derivative)
    case .sigmoid: .hard(pb_sigmoid_derivative)
    }
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(inputs[0].map { function($0, $1, $2) })
  }

  public var gradientNeeds: Needs { .inputs }

  /// `v y'(x)`; at the kinks of ReLU and ReLU6 the derivative is 0, as in PyTorch.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [v.combine(site.input(), derivative.callAsFunction)] }
}
