import Kernels

/// The matrix product of the last two axes: `(N, ..., M, K)` times `(N, ..., K, P)`; the axes before them are broadcast
/// as numpy does.
public struct MatrixMultiply: Operation {
  /// Whether the second factor is given as `(N, ..., P, K)`.
  public var transposesRight: Bool
  /// - Parameter transposingRight: whether the second factor is given as `(N, ..., P, K)`.
  public init(transposingRight: Bool = false) { transposesRight = transposingRight }

  public var kind: String { "matmul" }
  public var character: OperationCharacter { .product }
  public var settings: String { transposesRight ? "second factor transposed" : "" }
  public var takesBatchesOfOne: Bool { true }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    let problem = PullbackError(.usage, kind, "the extents of \(inputs) do not match")
    guard inputs.count == 2, inputs.allSatisfy({ $0.count >= 2 }) else { throw problem }
    let right = transposesRight ? Array(inputs[1].suffix(2).reversed()) : Array(inputs[1].suffix(2))
    guard inputs[0].last! == right[0] else { throw problem }
    return try broadcastShape(inputs.map { Array($0.dropLast(2)) }, of: kind) + [inputs[0].dropLast().last!, right[1]]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(product(inputs[0], inputs[1], transposingRight: transposesRight))
  }

  public var gradientNeeds: Needs { .inputs }

  /// For `Y = A B`: `dA = V B^T` and `dB = A^T V`, each summed over the axes along which that factor was repeated.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [
      site.wants[0]
        ? product(v, site.input(1), transposingRight: !transposesRight).summed(to: site.inputShapes[0]) : nil,
      site.wants[1]
        ? (transposesRight
          ? product(v, site.input(0), transposingLeft: true) : product(site.input(0), v, transposingLeft: true))
          .summed(to: site.inputShapes[1])
        : nil,
    ]
  }

  private func product(
    _ a: Tensor, _ b: Tensor, transposingLeft: Bool = false, transposingRight: Bool = false
  ) -> Tensor {
    let left = Array(a.shape.suffix(2))
    let right = Array(b.shape.suffix(2))
    let (m, k) = transposingLeft ? (left[1], left[0]) : (left[0], left[1])
    let n = transposingRight ? right[0] : right[1]
    let outer = leadingShape(a.shape, b.shape)
    let walk = BroadcastWalk(over: outer, [Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2))])
    return Tensor(shape: outer + [m, n]) { y in
      Tensor.withPointers(a, b) { a, b in
        Parallel.forEach(outer.product) { index in
          let (first, second) = (walk.place(0, index), walk.place(1, index))
          matrixProduct(
            MatrixOperand(a + first * m * k, stride: left[1], transposed: transposingLeft),
            MatrixOperand(b + second * k * n, stride: right[1], transposed: transposingRight),
            into: y.baseAddress! + index * m * n, stride: n, m: m, n: n, k: k)
        }
      }
    }
  }

  /// The common shape to which the axes before the last two are broadcast, the batch axis first.
  private func leadingShape(_ a: [Int], _ b: [Int]) -> [Int] {
    [max(a[0], b[0])] + (try! broadcastShape([a, b].map { Array($0.dropFirst().dropLast(2)) }, of: kind))
  }
}
