import Kernels

/// Running sums along an axis, the batch axis not counted: `y_i = x_0 + ... + x_i`.
public struct CumulativeSum: Operation {
  /// The axis, the batch axis not counted.
  public var axis: Int
  /// Whether `x_i` itself is left out of `y_i`.
  public var isExclusive: Bool
  /// Whether sums run from the end.
  public var isReverse: Bool

  /// - Parameters:
  ///   - axis: the batch axis not counted.
  ///   - exclusive: whether `x_i` itself is left out of `y_i`.
  ///   - reverse: whether sums run from the end.
  public init(axis: Int, exclusive: Bool = false, reverse: Bool = false) {
    self.axis = axis
    isExclusive = exclusive
    isReverse = reverse
  }

  public var kind: String { "cumsum" }
  public var character: OperationCharacter { .linear }
  public var settings: String {
    "axis \(axis)" + (isExclusive ? ", exclusive" : "") + (isReverse ? ", from the end" : "")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard inputs[0].indices.contains(axis) else {
      throw PullbackError(.usage, kind, "axis \(axis) is not an axis of shape \(inputs[0])")
    }
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(sums(inputs[0], fromEnd: isReverse))
  }

  /// The running sums of v from the other end.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [sums(v, fromEnd: !isReverse)] }

  private func sums(_ x: Tensor, fromEnd: Bool) -> Tensor {
    let extent = x.shape[axis + 1]
    let inner = x.shape.dropFirst(axis + 2).reduce(1, *)
    return x.withUnsafeBuffer { x in
      Tensor(shape: [x.count]) { y in
        Parallel.forEachBlock(of: x.count / extent, size: max(1, (1 << 14) / extent)) { lines in
          for line in lines {
            let first = line / inner * extent * inner + line % inner
            var sum = 0.0
            for index in 0..<extent {
              let place = first + (fromEnd ? extent - 1 - index : index) * inner
              let value = Double(x[place])
              y[place] = Float(isExclusive ? sum : sum + value)
              sum += value
            }
          }
        }
      }
    }.reshaped(x.shape)
  }
}
