import Pullbacks

/// Where random explainers get their random numbers: named streams, or numbers given from outside, for comparisons with
/// another implementation.
public struct NoiseSource: Sendable {
  /// What numbers are drawn from.
  public enum Distribution: String, Sendable {
    /// Standard normal.
    case normal
    /// Uniform on `[0, 1)`.
    case uniform
  }

  /// Which numbers are asked for.
  public struct Request: Hashable, Sendable {
    /// What they are drawn from.
    public let distribution: Distribution
    /// `smoothgrad`; for a network's parameters followed by their name: `fusiongrad/conv1.weight`.
    public let purpose: String
    /// The image's index in the whole input; 0 for what all images share.
    public let image: Int
    /// Which draw of the same purpose and image.
    public let draw: Int
    /// How many, and in which shape.
    public let shape: [Int]
  }

  private let numbers: @Sendable (Request) -> Tensor

  /// - Parameter numbers: must give equal tensors, of the shape asked for, for equal requests.
  public init(_ numbers: @escaping @Sendable (Request) -> Tensor) { self.numbers = numbers }

  /// Named random streams.
  ///
  /// - Parameter seed: equal seeds give equal numbers.
  public static func streams(seed: UInt64) -> NoiseSource {
    NoiseSource { request in
      let stream = RandomStream(seed: seed, request.purpose, image: request.image, draw: request.draw)
      return switch request.distribution {
      case .normal: stream.normals(request.shape)
      case .uniform: stream.uniforms(request.shape)
      }
    }
  }

  func normals(_ purpose: String, image: Int = 0, draw: Int, _ shape: [Int]) -> Tensor {
    checked(Request(distribution: .normal, purpose: purpose, image: image, draw: draw, shape: shape))
  }

  func uniforms(_ purpose: String, image: Int = 0, draw: Int, _ shape: [Int]) -> Tensor {
    checked(Request(distribution: .uniform, purpose: purpose, image: image, draw: draw, shape: shape))
  }

  private func checked(_ request: Request) -> Tensor {
    let result = numbers(request)
    precondition(result.shape == request.shape, "noise of shape \(result.shape) for \(request)")
    return result
  }
}
