import CKernels

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

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    switch self {
    case .relu: Evaluation(inputs[0].map(pb_relu))
    case .relu6: Evaluation(inputs[0].map(pb_relu6))
    case .gelu: Evaluation(inputs[0].map(pb_gelu))
    case .silu: Evaluation(inputs[0].map(pb_silu))
    case .sigmoid: Evaluation(inputs[0].map(pb_sigmoid))
    }
  }

  public var gradientNeeds: Needs { .inputs }

  /// `v y'(x)`; at the kinks of ReLU and ReLU6 the derivative is 0, as in PyTorch.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let x = site.input()
    switch self {
    case .relu: return [v.combine(x, pb_gate_step)]
    case .relu6: return [v.combine(x, pb_gate_step6)]
    case .gelu: return [v.combine(x, pb_gelu_derivative)]
    case .silu: return [v.combine(x, pb_silu_derivative)]
    case .sigmoid: return [v.combine(x, pb_sigmoid_derivative)]
    }
  }
}
