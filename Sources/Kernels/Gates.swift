import CKernels

/// A kernel that writes `y = f(x)`. Plain data, as ``GateMap``.
package enum ElementwiseMap: Sendable {
  package typealias Function =
    @convention(c) @Sendable (_ x: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>?, _ count: Int) -> Void

  case function(Function)
  /// `min(max(x, low), high)`
  case clip(low: Float, high: Float)

  package func callAsFunction(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
    switch self {
    case .function(let function): function(x, y, count)
    case .clip(let low, let high): pb_clip(x, low, high, y, count)
    }
  }
}

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
  /// `v [low < z < high]`
  case stepBetween(low: Float, high: Float)
  /// `v (Phi(sharpness (z - low)) - Phi(sharpness (z - high)))`
  case normalBetween(low: Float, high: Float, sharpness: Float)

  package func callAsFunction(
    _ v: UnsafePointer<Float>, _ z: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    switch self {
    case .hard(let function): function(v, z, y, count)
    case .soft(let function, let sharpness): function(v, z, sharpness, y, count)
    case .stepBetween(let low, let high): pb_gate_step_between(v, z, low, high, y, count)
    case .normalBetween(let low, let high, let sharpness):
      pb_gate_normal_between(v, z, low, high, sharpness, y, count)
    }
  }
}

// The activations that trained networks use most.
extension ElementwiseMap {
  package static let relu = ElementwiseMap.function(pb_relu)
  package static let gelu = ElementwiseMap.function(pb_gelu)
  package static let silu = ElementwiseMap.function(pb_silu)
  package static let sigmoid = ElementwiseMap.function(pb_sigmoid)
  package static let hardSwish = ElementwiseMap.function(pb_hardswish)
}

extension GateMap {
  /// `v [z > 0]`
  package static let step = GateMap.hard(pb_gate_step)
  /// v times the derivative of GELU
  package static let geluDerivative = GateMap.hard(pb_gelu_derivative)
  /// v times the derivative of SiLU
  package static let siluDerivative = GateMap.hard(pb_silu_derivative)
  /// v times the derivative of the sigmoid
  package static let sigmoidDerivative = GateMap.hard(pb_sigmoid_derivative)
  /// v times the derivative of HardSwish
  package static let hardSwishDerivative = GateMap.hard(pb_hardswish_derivative)
  /// `v relu6(z + 3) / 6`
  package static let hardSwish = GateMap.hard(pb_gate_hardswish)

  /// `v Phi(sharpness z)`
  package static func normal(sharpness: Float) -> GateMap { .soft(pb_gate_normal, sharpness: sharpness) }
  /// `v sigmoid(sharpness z)`
  package static func logistic(sharpness: Float) -> GateMap { .soft(pb_gate_logistic, sharpness: sharpness) }
  /// `v E relu6(z + 3 + e / sharpness) / 6` for `e ~ N(0, 1)`
  package static func averagedHardSwish(sharpness: Float) -> GateMap {
    .soft(pb_gate_hardswish_averaged, sharpness: sharpness)
  }
}
