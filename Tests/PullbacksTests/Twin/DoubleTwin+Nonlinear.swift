import Foundation
import Pullbacks
import TestKit

extension DoubleTwin {
  /// The value of an activation.
  func activate(_ z: Double) -> Double {
    switch operation {
    case is ReLU: max(z, 0)
    case is ReLU6: min(max(z, 0), 6)
    case is GELU: z * Self.phi(z)
    case is SiLU: z * Self.logistic(z)
    case is Sigmoid: Self.logistic(z)
    default: preconditionFailure("no twin of \(operation.kind)")
    }
  }

  /// The derivative.
  func slope(_ z: Double) -> Double {
    let s = Self.logistic(z)
    return switch operation {
    case is ReLU: z > 0 ? 1 : 0
    case is ReLU6: z > 0 && z < 6 ? 1 : 0
    case is GELU: Self.phi(z) + z * Foundation.exp(-z * z / 2) / (2 * Double.pi).squareRoot()
    case is SiLU: s + z * s * (1 - s)
    case is Sigmoid: s * (1 - s)
    default: preconditionFailure("no twin of \(operation.kind)")
    }
  }

  func gate(_ rule: SoftGate, _ dx: Grid, at x: Grid) -> Grid {
    let tau = Double(rule.temperature)
    return Grid(
      x.shape,
      zip(x.values, dx.values).map { z, tangent in
        switch operation {
        case is SiLU: tangent * Self.logistic(z / tau)
        case is ReLU6: tangent * (Self.phi(z / tau) - Self.phi((z - 6) / tau))
        default: tangent * Self.phi(z / tau)
        }
      })
  }

  func gate(_ rule: LogisticGate, _ dx: Grid, at x: Grid) -> Grid {
    Grid(x.shape, zip(x.values, dx.values).map { $1 * Self.logistic($0 / Double(rule.temperature)) })
  }

  func combine(_ operation: BinaryOperation, _ a: Double, _ b: Double) -> Double {
    switch operation {
    case .subtract: a - b
    case .divide: a / b
    case .power: pow(a, b)
    case .maximum: max(a, b)
    case .minimum: min(a, b)
    case .remainder: a - b * trunc(a / b)
    }
  }

  /// The total derivative, place by place.
  func pushBinary(_ operation: BinaryOperation, _ dx: [Grid], at x: [Grid]) -> Grid {
    Grid(extents(x)) { o in
      let (a, b, da, db) = (x[0].broadcast(o), x[1].broadcast(o), dx[0].broadcast(o), dx[1].broadcast(o))
      return switch operation {
      case .subtract: da - db
      case .divide: da / b - a * db / (b * b)
      case .power: pow(a, b) * (b * da / a + log(a) * db)
      case .maximum: a > b ? da : db
      case .minimum: a < b ? da : db
      case .remainder: da - trunc(a / b) * db
      }
    }
  }

  // MARK: Softmax

  func softmax(_ axis: Int?, _ x: Grid) -> Grid {
    let axis = axis ?? x.shape.count - 1
    return Grid(x.shape) { x.line(axis, through: $0).softmax[$0[axis]] }
  }

  func pushSoftmax(_ axis: Int?, _ dx: Grid, at x: Grid) -> Grid {
    let axis = axis ?? x.shape.count - 1
    return Grid(x.shape) { o in
      let y = x.line(axis, through: o).softmax
      return y[o[axis]] * (dx[o] - dot(y, dx.line(axis, through: o)))
    }
  }

  func logSoftmax(_ axis: Int?, _ x: Grid) -> Grid {
    let y = softmax(axis, x)
    return Grid(x.shape, y.values.map { log($0) })
  }

  func pushLogSoftmax(_ axis: Int?, _ dx: Grid, at x: Grid) -> Grid {
    let axis = axis ?? x.shape.count - 1
    return Grid(x.shape) { o in dx[o] - dot(x.line(axis, through: o).softmax, dx.line(axis, through: o)) }
  }

  // MARK: Layer norm

  private func features(_ norm: LayerNorm, _ x: Grid) -> Int { norm.axis == .last ? x.shape.count - 1 : 0 }

  func layerNorm(_ norm: LayerNorm, _ x: Grid) -> Grid {
    let axis = features(norm, x)
    return Grid(x.shape) { o in
      let line = x.line(axis, through: o)
      let deviation = (line.variance + Double(norm.epsilon)).squareRoot()
      return parameters[0][o[axis]] * (x[o] - line.mean) / deviation + parameters[1][o[axis]]
    }
  }

  func pushLayerNorm(_ norm: LayerNorm, _ dx: Grid, at x: Grid, isFrozen: Bool) -> Grid {
    let axis = features(norm, x)
    return Grid(x.shape) { o in
      let line = x.line(axis, through: o)
      let tangent = dx.line(axis, through: o)
      let deviation = (line.variance + Double(norm.epsilon)).squareRoot()
      if isFrozen { return parameters[0][o[axis]] * dx[o] / deviation }
      // d var = 2 mean((x - mean) dx), as the mean of (x - mean) is 0; d deviation = d var / (2 deviation).
      let slope = dot(line.map { $0 - line.mean }, tangent) / Double(line.count) / deviation
      let quotient = (dx[o] - tangent.mean) / deviation - (x[o] - line.mean) * slope / (deviation * deviation)
      return parameters[0][o[axis]] * quotient
    }
  }
}
