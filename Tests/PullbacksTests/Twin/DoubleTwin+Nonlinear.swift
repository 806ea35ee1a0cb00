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

  func combine(_ operation: BinaryOperation, _ a: Double, _ b: Double) -> Double {
    switch operation {
    case .subtract: a - b
    case .divide: a / b
    case .power: pow(a, b)
    case .maximum: max(a, b)
    case .minimum: min(a, b)
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
      }
    }
  }

  func softmax(_ x: Grid) -> Grid {
    let last = x.shape.count - 1
    return Grid(x.shape) { x.line(last, through: $0).softmax[$0[last]] }
  }

  func pushSoftmax(_ dx: Grid, at x: Grid) -> Grid {
    let last = x.shape.count - 1
    return Grid(x.shape) { o in
      let y = x.line(last, through: o).softmax
      return y[o[last]] * (dx[o] - dot(y, dx.line(last, through: o)))
    }
  }

  // MARK: Max pooling

  /// A place of a window: nil where it lies outside the plane, with the value 0.
  typealias WindowPlace = (index: [Int]?, value: Double)

  /// The places of window `o` inside the plane, then those outside.
  private func places(_ pool: MaxPool, _ o: [Int], _ x: Grid) -> [WindowPlace] {
    (0..<pool.kernel.height * pool.kernel.width).map { place in
      let row = o[1] * pool.stride.height + place / pool.kernel.width - pool.padding.top
      let column = o[2] * pool.stride.width + place % pool.kernel.width - pool.padding.left
      guard (0..<x.shape[1]).contains(row), (0..<x.shape[2]).contains(column) else { return (nil, 0) }
      return ([o[0], row, column], x[o[0], row, column])
    }
  }

  func maxPoolWindow(_ pool: MaxPool, _ o: [Int], _ x: Grid) -> [WindowPlace] {
    places(pool, o, x).filter { $0.index != nil }
  }

  func pushMaxPool(_ pool: MaxPool, _ dx: Grid, at x: Grid, _ rule: SoftMaxPool?) -> Grid {
    Grid(extents([x])) { o in
      guard let rule else {
        let inside = maxPoolWindow(pool, o, x)
        return dx[inside.first { $0.value == inside.map(\.value).max()! }!.index!]
      }
      let window = rule.border == .zeros ? places(pool, o, x) : maxPoolWindow(pool, o, x)
      let shares = window.map { $0.value / Double(rule.temperature) }.softmax
      return zip(window, shares).map { place, share in place.index.map { share * dx[$0] } ?? 0 }.sum
    }
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

  // MARK: Attention

  /// `scale <q, k>` of query `t` and every key, over the features of `head`.
  private func scores(_ operation: ScaledDotProductAttention, _ q: Grid, _ k: Grid, head: Int, _ t: Int) -> [Double] {
    let width = q.shape[1] / operation.heads
    let scale = operation.scale.map(Double.init) ?? 1 / Double(width).squareRoot()
    return (0..<k.shape[0]).map { s in
      scale * (head * width..<(head + 1) * width).map { q[t, $0] * k[s, $0] }.sum
    }
  }

  func attention(_ operation: ScaledDotProductAttention, _ x: [Grid], sharpness: Double = 1) -> Grid {
    Grid(extents(x)) { o in
      let head = o[1] / (x[2].shape[1] / operation.heads)
      let weights = scores(operation, x[0], x[1], head: head, o[0]).map { sharpness * $0 }.softmax
      return dot(weights, x[2].line(0, through: o.replacingFirst(with: 0)))
    }
  }

  /// The derivative of the attention of `(q / temperature, k / temperature, v)` along tangents of these three.
  func pushAttention(
    _ operation: ScaledDotProductAttention, _ dx: [Grid], at x: [Grid], temperature: Double
  ) -> Grid {
    let q = (1 / temperature) * x[0]
    let k = (1 / temperature) * x[1]
    return Grid(extents(x)) { o in
      let head = o[1] / (x[2].shape[1] / operation.heads)
      let weights = scores(operation, q, k, head: head, o[0]).softmax
      let slopes = zip(
        scores(operation, dx[0], k, head: head, o[0]), scores(operation, q, dx[1], head: head, o[0])
      ).map { $0 + $1 }
      let mean = dot(weights, slopes)
      let first = o.replacingFirst(with: 0)
      return dot(zip(weights, slopes).map { $0 * ($1 - mean) }, x[2].line(0, through: first))
        + dot(weights, dx[2].line(0, through: first))
    }
  }
}

extension [Int] {
  fileprivate func replacingFirst(with value: Int) -> [Int] { [value] + dropFirst() }
}
