import CKernels

/// A learned token put in front of a sequence: `(N, T, C)` to `(N, T + 1, C)`. A vision transformer reads the class
/// from it.
///
/// Parameter: the token, `(1, 1, C)`, which bears the node's own name.
public struct ClassToken: Operation {
  public init() {}
  public var kind: String { "classtoken" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkShape(inputs[0], rank: 2, of: kind)
    return [inputs[0][0] + 1, inputs[0][1]]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    [ParameterDescription("", [1, 1, inputs[0][1]])]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let (images, tokens, width) = (inputs[0].shape[0], inputs[0].shape[1], inputs[0].shape[2])
    return Evaluation(
      Tensor(shape: [images, tokens + 1, width]) { y in
        Tensor.withPointers(inputs[0], parameters[0]) { x, token in
          for image in 0..<images {
            let sequence = y.baseAddress! + image * (tokens + 1) * width
            sequence.update(from: token, count: width)
            (sequence + width).update(from: x + image * tokens * width, count: tokens * width)
          }
        }
      })
  }

  /// v without its first token.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [Slice(axis: 0, 1..<v.shape[1]).forward([v], [], mode: .evaluation).output]
  }

  /// The sum of v's first tokens over the images.
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let first = Slice(axis: 0, 0..<1).forward([v], [], mode: .evaluation).output
    var sum = Tensor(shape: site.parameters[0].shape)
    sum.withUnsafeMutableBuffer { sum in
      first.withUnsafeBuffer { pb_accumulate_rows($0.baseAddress!, sum.baseAddress!, v.shape[0], sum.count) }
    }
    return [sum]
  }
}
