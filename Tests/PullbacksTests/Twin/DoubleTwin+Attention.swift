import Pullbacks
import TestKit

extension DoubleTwin {
  /// `<q, k>` times the scale, of query `t` and every key, over the features of `head`.
  private func products(_ operation: ScaledDotProductAttention, _ q: Grid, _ k: Grid, head: Int, _ t: Int) -> [Double] {
    let width = q.shape[1] / operation.heads
    let scale = operation.scale.map(Double.init) ?? 1 / Double(width).squareRoot()
    let keyHead = head * operation.keyHeads / operation.heads
    return (0..<k.shape[0]).map { s in
      scale * (0..<width).map { q[t, head * width + $0] * k[s, keyHead * width + $0] }.sum
    }
  }

  /// The mask's row of query `t`, minus infinity where a query may not see; zeros without mask.
  private func mask(_ operation: ScaledDotProductAttention, _ x: [Grid], head: Int, _ t: Int) -> [Double] {
    (0..<x[1].shape[0]).map { s in
      if operation.isCausal && s > t { return -.infinity }
      guard x.count == 4 else { return 0 }
      return x[3].shape.count == 3 ? x[3][head, t, s] : x[3][t, s]
    }
  }

  /// The weights of query `t`: `softmax(sharpness scale <q, k> + maskSharpness mask)`.
  private func weights(
    _ operation: ScaledDotProductAttention, _ x: [Grid], head: Int, _ t: Int, sharpness: Double, maskSharpness: Double
  ) -> [Double] {
    zip(products(operation, x[0], x[1], head: head, t), mask(operation, x, head: head, t))
      .map { sharpness * $0 + maskSharpness * $1 }.softmax
  }

  /// The values along the keys for place `o` of the output.
  private func values(_ operation: ScaledDotProductAttention, _ v: Grid, _ o: [Int], head: Int) -> [Double] {
    let width = v.shape[1] / operation.keyHeads
    let feature = head * operation.keyHeads / operation.heads * width + o[1] % width
    return v.line(0, through: [0, feature])
  }

  private func head(_ operation: ScaledDotProductAttention, _ v: Grid, _ o: [Int]) -> Int {
    o[1] / (v.shape[1] / operation.keyHeads)
  }

  func attention(_ operation: ScaledDotProductAttention, _ x: [Grid], sharpness: Double = 1) -> Grid {
    Grid(extents(x)) { o in
      let head = head(operation, x[2], o)
      let weights = weights(operation, x, head: head, o[0], sharpness: sharpness, maskSharpness: sharpness)
      return dot(weights, values(operation, x[2], o, head: head))
    }
  }

  /// The derivative of the attention of `(q / temperature, k / temperature, v, mask)` along tangents of these.
  func pushAttention(
    _ operation: ScaledDotProductAttention, _ dx: [Grid], at x: [Grid], temperature: Double
  ) -> Grid {
    let q = (1 / temperature) * x[0]
    let k = (1 / temperature) * x[1]
    return Grid(extents(x)) { o in
      let head = head(operation, x[2], o)
      let weights = weights(
        operation, [q, k] + x.dropFirst(2), head: head, o[0], sharpness: 1, maskSharpness: 1)
      let tangents = [
        products(operation, dx[0], k, head: head, o[0]), products(operation, q, dx[1], head: head, o[0]),
        x.count == 4 ? mask(operation, dx, head: head, o[0]).map { $0.isFinite ? $0 : 0 } : weights.map { _ in 0 },
      ]
      let slopes = weights.indices.map { place in tangents.map { $0[place] }.sum }
      let mean = dot(weights, slopes)
      return dot(zip(weights, slopes).map { $0 * ($1 - mean) }, values(operation, x[2], o, head: head))
        + dot(weights, values(operation, dx[2], o, head: head))
    }
  }
}
