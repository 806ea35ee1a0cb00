import Pullbacks

/// A way to explain what in an image speaks for a class: where the network is evaluated, by which rules a selector of
/// its output is pulled back, and how the results are combined.
///
/// Explainers are values: settings go into the initialiser, images into `attribute`, and nothing is
/// remembered in between.
public protocol Explainer: Sendable {
  /// The name on the command line: `soft-pullback`.
  var name: String { get }

  /// Every setting, by name, as records and the command line write them.
  var settings: [String: String] { get }

  /// Passes through the network for one image and one selector.
  ///
  /// - Parameter graph: of the network that is to be explained.
  func cost(for graph: Graph) -> Cost

  /// The baseline of explainers whose attributions are shares of `f(x) - f(baseline)`; nil where they are not.
  var sharedFrom: Baseline? { get }

  /// The attributions of a few images, one tensor per selector. Callers use `attribute`, which takes any
  /// number.
  ///
  /// - Parameters:
  ///   - x: images `(N, C, H, W)`, no more than ``Context/batchSize``.
  ///   - selectors: what of each image's output is explained.
  ///   - network: the network that is explained.
  ///   - context: where in the whole input these images stand, and the random numbers.
  func explain(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor]
}

extension Explainer {
  public var sharedFrom: Baseline? { nil }

  /// The attribution of each image.
  ///
  /// Images go through in batches of ``Context/batchSize``; results do not depend on it.
  ///
  /// - Parameters:
  ///   - x: images `(N, C, H, W)` in `[-1, 1]`.
  ///   - selectors: what of each image's output is explained. Several share what passes they can.
  ///   - network: the network that is explained.
  ///   - context: the random numbers, the size of batches, and who is told of progress.
  /// - Returns: per selector signed values of the shape of `x`, in the units of the output per unit of the input unless
  ///   the explainer says otherwise. Explainers without channels repeat their map for each.
  public func attribute(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context = Context()
  ) throws(PullbackError) -> [Tensor] {
    for selector in selectors where selector.targets.count != x.shape[0] {
      throw PullbackError(
        .usage, "target", "expected one for each of \(x.shape[0]) images, found \(selector.targets.count)")
    }
    guard x.rank == network.graph.inputShape.count + 1, x.shape[0] > context.batchSize else {
      return try explain(x, selectors, of: network, in: context)
    }
    var parts = [[Tensor]](repeating: [], count: selectors.count)
    for first in stride(from: 0, to: x.shape[0], by: context.batchSize) {
      let images = first..<min(x.shape[0], first + context.batchSize)
      var context = context
      context.firstImage += first
      let results = try explain(x.images(images), selectors.map { $0[Array(images)] }, of: network, in: context)
      for (index, result) in results.enumerated() { parts[index].append(result) }
    }
    return parts.map { Tensor(batching: $0) }
  }

  /// The attribution of each image for one selector.
  ///
  /// - Parameters:
  ///   - x: images `(N, C, H, W)` in `[-1, 1]`.
  ///   - selector: what of each image's output is explained.
  ///   - network: the network that is explained.
  ///   - context: the random numbers, the size of batches, and who is told of progress.
  public func attribute(
    _ x: Tensor, _ selector: Selector, of network: Network, in context: Context = Context()
  ) throws(PullbackError) -> Tensor {
    try attribute(x, [selector], of: network, in: context)[0]
  }
}

/// Passes through a network, counted per image.
public struct Cost: Sendable, Equatable, CustomStringConvertible {
  /// Runs of the network on one image.
  public var forward: Int
  /// Cotangents pulled back through it.
  public var backward: Int

  /// - Parameters:
  ///   - forward: how many forward passes.
  ///   - backward: how many backward passes.
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

/// What an explanation is run with, other than the explainer's settings: none of it but the random numbers changes a
/// result.
public struct Context: Sendable {
  /// Where random explainers get their numbers.
  public var noise: NoiseSource
  /// The index, in the whole input, of the first image handed over: random numbers go by it.
  public var firstImage = 0
  /// How many images or draws go through the network at once, which bounds the memory.
  public var batchSize: Int
  /// Called after passes through the network, with how many images went through.
  public var report: (@Sendable (Cost) -> Void)?

  /// - Parameters:
  ///   - noise: where random explainers get their numbers.
  ///   - batchSize: how many images or draws go through the network at once.
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

  func report(forward: Int = 0, backward: Int = 0) { report?(Cost(forward: forward, backward: backward)) }

  /// Calls `body` with ranges of `count` rows that go through the network at once.
  func forEachBatch(
    of count: Int, _ body: (Range<Int>) throws(PullbackError) -> Void
  ) throws(PullbackError) {
    for first in stride(from: 0, to: count, by: batchSize) { try body(first..<min(count, first + batchSize)) }
  }
}
