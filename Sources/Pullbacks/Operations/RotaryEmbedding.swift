import Glibc
import Kernels

/// Rotary positions: of every head's features of token t, each pair is turned by the angle `t f`, with a frequency f
/// for each pair. Scores of queries and keys then depend on how far apart the tokens are.
///
/// Inputs are `(N, T, heads d)`. Feature i of a head is paired with feature `i + count`, where `count` is that of the
/// frequencies, at most `d / 2`; features beyond the pairs stay as they are. Source: Su et al. 2021 (arXiv 2104.09864),
/// with the pairs of Hugging Face's Llama.
public struct RotaryEmbedding: Operation {
  /// The number of heads into which the last axis is split.
  public var heads: Int
  /// Angles per place, one for each pair of features of a head.
  public var frequencies: [Double]

  /// - Parameters:
  ///   - heads: the number of heads that split the last axis.
  ///   - frequencies: angles per place, one for each pair of features of a head.
  public init(heads: Int, frequencies: [Double]) {
    self.heads = heads
    self.frequencies = frequencies
  }

  public var kind: String { "rotary" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "\(heads) head\(heads == 1 ? "" : "s"), \(frequencies.count) frequencies" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard heads > 0, inputs[0].count == 2, inputs[0][1] % heads == 0, inputs[0][1] / heads >= 2 * frequencies.count
    else {
      throw PullbackError(
        .usage, kind,
        "expected tokens (T, C) whose features \(heads) heads share, \(2 * frequencies.count) or more for each; found "
          + "\(inputs[0])")
    }
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(turned(inputs[0], by: 1))
  }

  /// v turned back.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [turned(v, by: -1)] }

  private func turned(_ x: Tensor, by direction: Double) -> Tensor {
    let (tokens, width, count) = (x.shape[1], x.shape[2], frequencies.count)
    let head = width / heads
    let angles = (0..<tokens * count).map { Double($0 / count) * frequencies[$0 % count] * direction }
    let (cosines, sines) = (angles.map { Float(cos($0)) }, angles.map { Float(sin($0)) })
    return x.withUnsafeBuffer { x in
      Tensor(shape: [x.count / (tokens * width), tokens, width]) { y in
        _ = y.update(from: x)
        for start in stride(from: 0, to: x.count, by: head) {
          let angle = start / width % tokens * count
          for pair in 0..<count {
            let (a, b) = (x[start + pair], x[start + pair + count])
            let (cosine, sine) = (cosines[angle + pair], sines[angle + pair])
            y[start + pair] = a * cosine - b * sine
            y[start + pair + count] = b * cosine + a * sine
          }
        }
      }
    }
  }
}
