/// The spread of the values that go into an operation: a standard deviation for each channel.
public struct Spread: Hashable, Sendable {
  /// Where the deviations come from.
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

  /// Which axis of `(N, ...)` has the channels.
  public enum ChannelAxis: String, Hashable, Sendable {
    /// Axis 1: maps `(N, C, H, W)`.
    case first
    /// The last axis: tokens `(N, T, C)`.
    case last
  }

  /// Where the deviations come from.
  public let source: Source
  /// One for each channel; empty where they are those of the image at hand.
  public let deviations: [Float]
  /// Which axis has the channels.
  public let channelAxis: ChannelAxis

  /// - Parameters:
  ///   - source: where the deviations come from.
  ///   - deviations: one for each channel.
  ///   - channelAxis: which axis has the channels.
  public init(_ source: Source, _ deviations: [Float], channelAxis: ChannelAxis = .first) {
    self.source = source
    self.deviations = deviations
    self.channelAxis = channelAxis
  }

  /// The deviations of each image's own values.
  public static func ofImage(channelAxis: ChannelAxis) -> Spread { Spread(.image, [], channelAxis: channelAxis) }

  /// Where the deviations come from, in words.
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

  /// c times the deviation of each plane of z, image by image and channel by channel; one for each channel where all
  /// images have the same.
  ///
  /// - Parameter z: with the channels in axis 1.
  func noise(_ c: Float, at z: Tensor) -> [Float] {
    guard source == .image else { return deviations.map { c * $0 } }
    let layout = ChannelLayout(z.shape)
    return z.withUnsafeBuffer { z in
      (0..<layout.images * layout.channels).map { plane in
        let values = z[plane * layout.plane..<(plane + 1) * layout.plane]
        let mean = values.reduce(0) { $0 + Double($1) } / Double(layout.plane)
        let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(layout.plane)
        return c * Float(variance.squareRoot())
      }
    }
  }
}

/// The hard pullback of a gate averaged over normal noise whose deviation is c times the channel's own:
/// `v * E g(z + c sigma e)`, `e ~ N(0, 1)`. A channel that never changes has no noise, and keeps its gate as it is.
///
/// An extension, not in the paper: with noise in units of each channel's spread the soft pullback does not depend on how
/// the network is written down, since multiplying a channel by s and dividing the weights after it by s leaves
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
      let layout = ChannelLayout(z.shape)
      let noise = spread.noise(multiple, at: z)
      let gates = site.operation as? any ChannelwiseGate
      return Tensor(shape: z.shape) { dx in
        Tensor.withPointers(v, z) { v, z in
          layout.forEachPlane { image, channel, offset in
            let deviation = noise[(image * layout.channels + channel) % noise.count]
            let gate: any Gate =
              gates?.gate(ofChannel: channel, site.parameters) ?? site.operation(as: (any Gate).self)
            let (v, z, dx) = (v + offset, z + offset, dx.baseAddress! + offset)
            guard let kernel = gate as? any VectorisedGate else {
              return gate.pullGate(v, deviation: deviation > 0 ? deviation : nil, at: z, into: dx, count: layout.plane)
            }
            (deviation > 0 ? kernel.averagedMap(deviation: deviation) : kernel.gateMap)(v, z, dx, layout.plane)
          }
        }
      }
    }
  }
}

/// Max pooling whose switches are perturbed by Gumbel noise of c times the channel's own deviation: each v is shared out
/// by `softmax(window / tau)` with `tau = c sigma sqrt(6) / pi`, for which the noise's standard deviation is c sigma. An
/// extension, as ``RelativeGate``.
public struct RelativeMaxPool: Rule {
  /// The noise's deviation in units of the channel's.
  public var multiple: Float
  /// sigma
  public var spread: Spread
  /// What the places of a window outside the plane do.
  public var border: SoftMaxPool.Border

  /// - Parameters:
  ///   - multiple: c.
  ///   - spread: sigma.
  ///   - border: what the places of a window outside the plane do.
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
    try spread.check(node)
  }

  /// In units of tau the temperature is 1.
  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    let z = site.input()
    let layout = ChannelLayout(z.shape)
    let noise = spread.noise(multiple, at: z)
    // A channel without spread is shared out as by the hard rule: its windows are sharpened as far as floats allow.
    let sharpness = noise.map { Float.pi / (6 as Float).squareRoot() / max($0, 1e-20) }
    let sharpened = Tensor(shape: z.shape) { y in
      z.withUnsafeBuffer { z in
        layout.forEachPlane { image, channel, offset in
          let factor = sharpness[(image * layout.channels + channel) % sharpness.count]
          for place in offset..<offset + layout.plane { y[place] = factor * z[place] }
        }
      }
    }
    let pool = site.operation(as: (any MaxPooling).self)
    return [pool.softAdjoint(v, at: site.moved(to: [sharpened]), temperature: 1, zeroPadding: border == .zeros)]
  }
}

extension Spread {
  /// Throws unless the deviations fit a node's channels.
  fileprivate func check(_ node: Graph.Node) throws(PullbackError) {
    let channels = channelAxis == .first ? node.shape.first : node.shape.last
    guard source == .image || deviations.count == channels else {
      throw PullbackError(
        .usage, "node \(node.name)", "expected a deviation for each of \(channels ?? 0) channels, "
          + "found \(deviations.count)", advice: "measure the spreads of this network")
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
