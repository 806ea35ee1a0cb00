import CKernels
import Kernels

/// A learned tensor added to every input of `(N, T, C)`: `y = x + e`, where e tells each token its place.
///
/// Parameter: e, `(1, T, C)`, which bears the node's own name.
public struct PositionEmbedding: Operation {
  public init() {}
  public var kind: String { "posembedding" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkShape(inputs[0], rank: 2, of: kind)
    return inputs[0]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] { [ParameterDescription("", [1] + inputs[0])] }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let size = parameters[0].count
    return Evaluation(
      Tensor(shape: x.shape) { y in
        Tensor.withPointers(x, parameters[0]) { x, embedding in
          Parallel.forEach(y.count / size) { image in
            pb_add(x + image * size, embedding, y.baseAddress! + image * size, size)
          }
        }
      })
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [v] }

  /// The sum of v over the images.
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    var sum = Tensor(shape: site.parameters[0].shape)
    let size = sum.count
    sum.withUnsafeMutableBuffer { sum in
      v.withUnsafeBuffer { pb_accumulate_rows($0.baseAddress!, sum.baseAddress!, v.count / size, size) }
    }
    return [sum]
  }
}
