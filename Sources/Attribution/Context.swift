import Kernels
import Pullbacks

/// Passes through a network, counted per input.
public struct Cost: Sendable, Equatable, CustomStringConvertible {
  /// Runs of the network on one input.
  public var forward: Int
  /// Cotangents pulled back through it.
  public var backward: Int

  /// - Parameters:
  ///   - forward: the number of forward passes.
  ///   - backward: the number of backward passes.
  public init(forward: Int, backward: Int) {
    self.forward = forward
    self.backward = backward
  }

  /// One after the other.
  public static func + (a: Cost, b: Cost) -> Cost {
    Cost(forward: a.forward + b.forward, backward: a.backward + b.backward)
  }

  public var description: String { "\(forward) forward, \(backward) backward" }
}

/// The context of an explanation: everything other than the explainer's settings. Only the random numbers change a
/// result.
public struct Context: Sendable {
  /// The source of random numbers.
  public var noise: NoiseSource
  /// The keys that seed the random numbers of each image. Nil is the image's own content,
  /// ``Pullbacks/Tensor/contentKey``: then a map depends on its image alone, not on its place among others.
  public var keys: [Int]?
  /// The number of images or draws that go through the network at once, which bounds the memory.
  public var batchSize: Int
  /// Called after passes through the network, with how many images went through.
  public var report: (@Sendable (Cost) -> Void)?
  /// Called before images go through the network; an error that it throws ends the explanation.
  public var proceed: (@Sendable () throws(PullbackError) -> Void)?
  /// A cached forward pass, used by explanations of its input.
  public var kept: KeptPass?

  /// - Parameters:
  ///   - noise: the source of random numbers.
  ///   - batchSize: the number of images or draws that go through the network at once.
  ///   - report: is told of passes through the network.
  /// - Precondition: the batch size is positive.
  public init(
    noise: NoiseSource = .streams(seed: 314), batchSize: Int = 8, report: (@Sendable (Cost) -> Void)? = nil
  ) {
    precondition(batchSize > 0, "a batch has at least one image")
    self.noise = noise
    self.batchSize = batchSize
    self.report = report
  }

  /// The keys that seed the random numbers of each image of `x`.
  func keys(of x: Tensor) -> [Int] { keys ?? (0..<x.shape[0]).map { x.image($0).contentKey } }

  func report(forward: Int = 0, backward: Int = 0) { report?(Cost(forward: forward, backward: backward)) }

  /// Calls `body` with ranges of `count` rows that go through the network at once.
  func forEachBatch(
    of count: Int, _ body: (Range<Int>) throws(PullbackError) -> Void
  ) throws(PullbackError) {
    for first in stride(from: 0, to: count, by: batchSize) {
      try proceed?()
      try body(first..<min(count, first + batchSize))
    }
  }

  /// A forward pass at `x`; the cached one if the input matches.
  func trace(
    of network: Network, at x: Tensor, rules: [RuleSet], keeping: [String]
  ) throws(PullbackError) -> Trace {
    if let kept, let trace = try kept.trace(of: network, at: x, rules: rules, keeping: keeping) { return trace }
    return try network.trace(at: x, rules: rules, keeping: keeping)
  }
}

/// The forward pass at one input, cached for several explanations. Each pulls back through it with its own rules, so a
/// new temperature or class costs only a backward pass. Results are the same as without it, bit for bit.
public final class KeptPass: Sendable {
  private let network: Network
  private let input: Tensor
  private let usual: [RuleSet]
  private let trace = Locked<Trace?>(nil)

  /// Makes the cache; the first explanation runs the pass.
  ///
  /// - Parameters:
  ///   - network: the network that will be explained.
  ///   - input: a batch.
  ///   - usual: the rule sets to prepare the pass for.
  public init(of network: Network, at input: Tensor, for usual: [RuleSet]) {
    (self.network, self.input, self.usual) = (network, input, usual)
  }

  /// The network's output at the input.
  ///
  /// - Throws: `PullbackError` if the input does not fit the network.
  public var value: Tensor {
    get throws(PullbackError) { try trace(of: network, at: input, rules: [], keeping: [])!.value }
  }

  /// Nil for another network or another input.
  func trace(
    of network: Network, at x: Tensor, rules: [RuleSet], keeping: [String]
  ) throws(PullbackError) -> Trace? {
    guard network.isSame(as: self.network), x == input else { return nil }
    if let known = trace.withLock({ $0 }), let reused = try known.reused(for: rules, keeping: keeping) { return reused }
    let new = try network.trace(at: x, rules: rules + usual, keeping: keeping)
    trace.withLock { $0 = new }
    return new
  }
}

/// The way in which random numbers that an explainer draws belong to images.
public enum RandomNumbers: Sendable {
  /// None.
  case none
  /// Numbers of its own for every image.
  case perImage
  /// Numbers that all images share, as those of a noisy network: images go through the explainer together.
  case shared
}

/// The source of random numbers: named streams, or numbers given from outside, for comparisons with another
/// implementation.
public struct NoiseSource: Sendable {
  /// The distribution that numbers are drawn from.
  public enum Distribution: String, Sendable {
    /// Standard normal.
    case normal
    /// Uniform on `[0, 1)`.
    case uniform
  }

  /// A request for random numbers.
  public struct Request: Hashable, Sendable {
    /// The distribution that they are drawn from.
    public let distribution: Distribution
    /// `smoothgrad`; for a network's parameters followed by their name: `fusiongrad/conv1.weight`.
    public let purpose: String
    /// The image's key, see ``Context/keys``; nil for numbers that all images share.
    public let image: Int?
    /// The index of the draw among draws of the same purpose and image.
    public let draw: Int
    /// The shape of the numbers.
    public let shape: [Int]
  }

  private let numbers: @Sendable (Request) -> Tensor

  /// - Parameter numbers: must give equal tensors, of the shape asked for, for equal requests.
  public init(_ numbers: @escaping @Sendable (Request) -> Tensor) { self.numbers = numbers }

  /// Named random streams. Numbers that all images share are those of image 0.
  ///
  /// - Parameter seed: equal seeds give equal numbers.
  public static func streams(seed: UInt64) -> NoiseSource {
    NoiseSource { $0.numbers(seed: seed, purpose: $0.purpose, image: $0.image ?? 0) }
  }

  func normals(_ purpose: String, image: Int?, draw: Int, _ shape: [Int]) -> Tensor {
    checked(Request(distribution: .normal, purpose: purpose, image: image, draw: draw, shape: shape))
  }

  func uniforms(_ purpose: String, image: Int?, draw: Int, _ shape: [Int]) -> Tensor {
    checked(Request(distribution: .uniform, purpose: purpose, image: image, draw: draw, shape: shape))
  }

  private func checked(_ request: Request) -> Tensor {
    let result = numbers(request)
    precondition(result.shape == request.shape, "noise of shape \(result.shape) for \(request)")
    return result
  }
}

extension NoiseSource.Request {
  /// The numbers of this distribution, draw and shape from a stream of another name.
  ///
  /// - Parameters:
  ///   - seed: the seed of the stream.
  ///   - purpose: the purpose of the stream.
  ///   - image: the number of the image that the stream belongs to.
  public func numbers(seed: UInt64, purpose: String, image: Int) -> Tensor {
    let stream = RandomStream(seed: seed, purpose, image: image, draw: draw)
    return switch distribution {
    case .normal: stream.normals(shape)
    case .uniform: stream.uniforms(shape)
    }
  }
}
