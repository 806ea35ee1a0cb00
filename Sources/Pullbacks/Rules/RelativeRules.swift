import Kernels

/// The spread of the values that go into an operation: a standard deviation for each channel.
public struct Spread: Hashable, Sendable {
  /// The source of the deviations.
  public enum Source: String, Hashable, Sendable, CaseIterable {
    /// The batch norm before the operation, and what lies between: see ``Spreads/init(of:)``.
    case batchNorm = "batch norm"
    /// Several batch norms, whose values are added up before the operation.
    case batchNorms = "sum of batch norms"
    /// Images that were run through the network.
    case calibration
    /// The image that is explained: each image's own values, channel by channel.
    case image = "this image"
  }

  /// The axis of `(N, ...)` that holds the channels.
  public enum ChannelAxis: String, Hashable, Sendable {
    /// Axis 1: maps `(N, C, H, W)`.
    case first
    /// The last axis: tokens `(N, T, C)`.
    case last
  }

  /// The source of the deviations.
  public let source: Source
  /// One for each channel; empty where they are those of the image at hand.
  public let deviations: [Float]
  /// The axis that holds the channels.
  public let channelAxis: ChannelAxis

  /// - Parameters:
  ///   - source: the source of the deviations.
  ///   - deviations: one for each channel.
  ///   - channelAxis: the axis of the channels.
  public init(_ source: Source, _ deviations: [Float], channelAxis: ChannelAxis = .first) {
    self.source = source
    self.deviations = deviations
    self.channelAxis = channelAxis
  }

  /// The deviations of each image's own values.
  public static func ofImage(channelAxis: ChannelAxis) -> Spread { Spread(.image, [], channelAxis: channelAxis) }

  /// The source of the deviations, in words.
  var text: String { source.rawValue }

  /// The smallest and the largest deviation; nil where they are those of the image at hand.
  public var range: ClosedRange<Float>? {
    guard let least = deviations.min(), let most = deviations.max() else { return nil }
    return least...most
  }

  /// The deviation in the middle of all; nil where they are those of the image at hand.
  public var median: Float? {
    let sorted = deviations.sorted()
    guard !sorted.isEmpty else { return nil }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// c times the deviation of each plane of z, image by image and channel by channel; a number per channel if all
  /// images have the same. Nil for constant channels. Other values are clamped so that 1/noise² is finite.
  ///
  /// - Parameter z: the pre-activations, with the channels in axis 1.
  func noise(_ c: Float, at z: @autoclosure () -> Tensor) -> [Float?] {
    (source == .image ? z().planeDeviations : deviations).map { deviation in
      let noise = c * deviation
      return noise >= Self.leastNoise ? min(noise, 1 / Self.leastNoise) : nil
    }
  }

  /// Noise below this counts as zero.
  static let leastNoise: Float = 1e-18
}

extension Tensor {
  /// The standard deviation of each plane of `(N, C, ...)`, image by image and channel by channel.
  fileprivate var planeDeviations: [Float] {
    let layout = ChannelLayout(shape)
    return Tensor(shape: [layout.images * layout.channels]) { deviations in
      withUnsafeBuffer { z in
        layout.forEachPlane { image, channel, offset in
          let (plane, count) = (z.baseAddress! + offset, Double(layout.plane))
          let mean = Arrays.sum(plane, layout.plane) / count
          let variance = Arrays.squaredDeviations(plane, mean, layout.plane) / count
          deviations[image * layout.channels + channel] = Float(variance.squareRoot())
        }
      }
    }.scalars
  }
}

/// The hard pullback of a gate averaged over normal noise whose deviation is c times the channel's own:
/// `v * E g(z + c sigma e)`, `e ~ N(0, 1)`. A channel that never changes (c sigma below 1e-18) has no noise,
/// and keeps its gate as it is.
///
/// An extension, not in the paper: with noise in units of each channel's spread the soft pullback does not depend on
/// how the network is written down, since multiplying a channel by s and dividing the weights after it by s leaves
/// `z / sigma` as it was.
public struct RelativeGate: Rule {
  /// The noise's deviation in units of the channel's.
  public var multiple: Float
  /// sigma
  public var spread: Spread

  /// - Parameters:
  ///   - multiple: c.
  ///   - spread: sigma.
  /// - Precondition: c is positive.
  public init(_ multiple: Float, of spread: Spread) {
    precondition(multiple > 0, "a multiple is positive")
    self.multiple = multiple
    self.spread = spread
  }

  public var equation: String { "v * E g(z + c sigma e), e ~ N(0, 1), c = \(multiple), sigma of \(spread.text)" }
  public func equation(at operation: any Operation) -> String {
    guard let gate = operation as? any Gate else { return equation }
    return "v * \(gate.averagedFormula), s = \(multiple) sigma, sigma of \(spread.text)"
  }
  public var source: String { "an extension: the paper's argument for ReLU with noise relative to each channel" }
  public func needs(at operation: any Operation) -> Needs { .inputs }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation.isGate, "gates", at: node)
    try spread.check(node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    spread.channelsFirst([v, site.input()]) { parts in
      let (v, z) = (parts[0], parts[1])
      let noise = spread.noise(multiple, at: z)
      if let kernels = kernels(of: site.operation, noise) {
        return v.combinePlanes(z) { plane, v, z, dx, count in kernels[plane % kernels.count](v, z, dx, count) }
      }
      let gates = site.gates
      // A parametric gate belongs to an index of axis 1. Where the channels of the spread are another axis, each of
      // their planes is a stretch for every gate.
      let stretches = spread.channelAxis == .last && z.rank > 2 ? gates.count : 1
      return v.combinePlanes(z) { plane, v, z, dx, count in
        for stretch in 0..<stretches {
          let start = stretch * (count / stretches)
          gates[(stretches > 1 ? stretch : plane) % gates.count].pullGate(
            v + start, deviation: noise[plane % noise.count], at: z + start, into: dx + start, count: count / stretches)
        }
      }
    }
  }

  /// A kernel for each deviation of the noise, if the operation has kernels.
  private func kernels(of operation: any Operation, _ noise: [Float?]) -> [GateMap]? {
    (operation as? any VectorisedGate).map { gate in
      noise.map { $0.map(gate.averagedMap(deviation:)) ?? gate.gateMap }
    }
  }
}

extension RelativeGate: PlanewiseRule {
  package func maps(at operation: any Operation, _ parameters: [Tensor], _ z: Tensor) -> [GateMap]? {
    guard operation is any VectorisedGate, spread.channelAxis == .first || z.rank <= 2 else { return nil }
    return kernels(of: operation, spread.noise(multiple, at: z))
  }
}

extension Site {
  /// The gates of the site's operation: one for all, or one for each index of axis 1.
  fileprivate var gates: [any Gate] {
    guard let gates = operation as? any ChannelwiseGate else { return [operation(as: (any Gate).self)] }
    return (0..<inputShapes[0][1]).map { gates.gate(ofChannel: $0, parameters) }
  }
}

extension Tensor {
  /// `body(plane, a, b, y, n)` writes a plane of the result from the planes of this tensor `(N, C, ...)` and `other`.
  fileprivate func combinePlanes(
    _ other: Tensor,
    _ body: (Int, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  ) -> Tensor {
    let layout = ChannelLayout(shape)
    return Tensor(shape: shape) { y in
      Tensor.withPointers(self, other) { a, b in
        layout.forEachPlane { image, channel, offset in
          body(
            image * layout.channels + channel, a + offset, b + offset, y.baseAddress! + offset, layout.plane)
        }
      }
    }
  }
}

/// Max pooling whose switches are perturbed by Gumbel noise of c times the channel's own deviation: each v is shared
/// out by `softmax(window / tau)` with `tau = c sigma sqrt(6) / pi`, for which the noise's deviation is c sigma.
///
/// A channel that never changes (c sigma below 1e-18), such as a plane of zeros behind a ReLU, is shared out as in the
/// limit of small noise: the largest values of a window take equal shares.
///
/// An extension, as ``RelativeGate``.
public struct RelativeMaxPool: Rule {
  /// The noise's deviation in units of the channel's.
  public var multiple: Float
  /// sigma
  public var spread: Spread
  /// The treatment of a window's places outside the plane.
  public var border: SoftMaxPool.Border

  /// - Parameters:
  ///   - multiple: c.
  ///   - spread: sigma.
  ///   - border: the treatment of a window's places outside the plane.
  /// - Precondition: c is positive.
  public init(_ multiple: Float, of spread: Spread, border: SoftMaxPool.Border = .zeros) {
    precondition(multiple > 0, "a multiple is positive")
    self.multiple = multiple
    self.spread = spread
    self.border = border
  }

  public var equation: String {
    "v shared out by softmax(window / tau), tau = c sigma sqrt(6) / pi, c = \(multiple), sigma of \(spread.text), "
      + "border: \(border.rawValue)"
  }
  public var source: String { "an extension: the paper's rule with noise relative to each channel" }
  public func needs(at operation: any Operation) -> Needs { .inputs }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation is any MaxPooling, "max pooling", at: node)
    guard spread.channelAxis == .first else {
      throw PullbackError(
        .usage, "node \(node.name)", "a pool's channels are the first axis, and these deviations are of the last")
    }
    try spread.check(node)
  }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    [site.operation(as: (any MaxPooling).self).adjoint(adjoints(at: site.input()), v, at: site)]
  }
}

extension RelativeMaxPool: PoolingRule {
  package func adjoints(at z: @autoclosure () -> Tensor) -> [MaxPoolShape.Adjoint] {
    spread.noise(multiple, at: z()).map { noise in
      .soft(
        sharpness: .pi / (6 as Float).squareRoot() / (noise ?? Spread.leastNoise), zeroPadding: border == .zeros)
    }
  }
}

extension Spread {
  /// Throws unless the deviations fit a node's channels, and each is a number that noise can have.
  fileprivate func check(_ node: Graph.Node) throws(PullbackError) {
    guard source != .image else { return }
    let channels = channelAxis == .first ? node.shape.first : node.shape.last
    guard deviations.count == channels else {
      throw PullbackError(
        .usage, "node \(node.name)",
        "expected a deviation for each of \(channels ?? 0) channels, "
          + "found \(deviations.count)", advice: "measure the spreads of this network")
    }
    if let channel = deviations.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw PullbackError(
        .data, "node \(node.name)", "the deviation of channel \(channel) is \(deviations[channel])",
        advice: "see whether the network's parameters, or the images that it was measured on, are finite")
    }
  }

  /// Calls `body` with tensors whose channels are in axis 1, and moves the result's back.
  fileprivate func channelsFirst(_ tensors: [Tensor], _ body: ([Tensor]) -> Tensor) -> [Tensor?] {
    let rank = tensors[0].rank
    guard channelAxis == .last, rank > 2 else { return [body(tensors)] }
    let forth = [0, rank - 1] + Array(1..<rank - 1)
    let back = [0] + Array(2..<rank) + [1]
    return [body(tensors.map { $0.permuted(forth) }).permuted(back)]
  }
}
