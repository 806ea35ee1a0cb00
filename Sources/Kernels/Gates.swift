import CKernels

/// A kernel `map(x, y, count)` that writes `y = f(x)`.
package typealias ElementwiseMap =
  @convention(c) @Sendable (_ x: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>?, _ count: Int) -> Void

/// A kernel that writes `y = v g(z)`. Plain data, so that calling it for every row of a map costs no counting of
/// references.
package enum GateMap: Sendable {
  package typealias Function =
    @convention(c) @Sendable (
      _ v: UnsafePointer<Float>?, _ z: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>?, _ count: Int
    ) -> Void
  package typealias SoftFunction =
    @convention(c) @Sendable (
      _ v: UnsafePointer<Float>?, _ z: UnsafePointer<Float>?, _ sharpness: Float, _ y: UnsafeMutablePointer<Float>?,
      _ count: Int
    ) -> Void

  case hard(Function)
  /// With the reciprocal of its temperature.
  case soft(SoftFunction, sharpness: Float)

  package func callAsFunction(
    _ v: UnsafePointer<Float>, _ z: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    switch self {
    case .hard(let function): function(v, z, y, count)
    case .soft(let function, let sharpness): function(v, z, sharpness, y, count)
    }
  }
}

/// The vectorised maps of the activations that trained networks use most.
package enum Activations {
  package static let relu: ElementwiseMap = pb_relu
  package static let relu6: ElementwiseMap = pb_relu6
  package static let gelu: ElementwiseMap = pb_gelu
  package static let silu: ElementwiseMap = pb_silu
  package static let sigmoid: ElementwiseMap = pb_sigmoid
}

extension GateMap {
  /// `v [z > 0]`
  package static let step = GateMap.hard(pb_gate_step)
  /// `v [0 < z < 6]`
  package static let step6 = GateMap.hard(pb_gate_step6)
  /// v times the derivative of GELU
  package static let geluDerivative = GateMap.hard(pb_gelu_derivative)
  /// v times the derivative of SiLU
  package static let siluDerivative = GateMap.hard(pb_silu_derivative)
  /// v times the derivative of the sigmoid
  package static let sigmoidDerivative = GateMap.hard(pb_sigmoid_derivative)

  /// `v Phi(sharpness z)`
  package static func normal(sharpness: Float) -> GateMap { .soft(pb_gate_normal, sharpness: sharpness) }
  /// `v (Phi(sharpness z) - Phi(sharpness (z - 6)))`
  package static func normal6(sharpness: Float) -> GateMap { .soft(pb_gate_normal6, sharpness: sharpness) }
  /// `v sigmoid(sharpness z)`
  package static func logistic(sharpness: Float) -> GateMap { .soft(pb_gate_logistic, sharpness: sharpness) }
}
