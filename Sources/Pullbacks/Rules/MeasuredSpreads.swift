// Spreads that images show.

extension Spreads {
  /// The spreads that images show: the standard deviation of each channel over all images and places.
  ///
  /// - Parameters:
  ///   - network: the network whose values are looked at.
  ///   - batches: batches of images, `(N, C, H, W)`; together they must be more than a few for the numbers to mean
  ///     something.
  /// - Complexity: one forward pass for each image.
  public static func measured(of network: Network, at batches: some Sequence<Tensor>) throws(PullbackError) -> Spreads {
    var measurement = SpreadMeasurement(of: network)
    for batch in batches { try measurement.add(batch) }
    return measurement.spreads
  }

  /// Spreads that were measured earlier, and kept.
  ///
  /// - Parameters:
  ///   - deviations: a standard deviation for each channel, by the name of the activation or max pool.
  ///   - graph: the graph of the network that they were measured of.
  /// - Throws: `PullbackError` of kind `data` unless there is a finite deviation, not below zero, for each channel of
  ///   each of the graph's activations and max pools, and for nothing else.
  public init(measured deviations: [String: [Float]], for graph: Graph) throws(PullbackError) {
    var spreads: [String: Spread] = [:]
    for (node, axis) in graph.softenedNodes {
      guard let found = deviations[node.name] else {
        throw PullbackError(
          .data, "node \(node.name)", "there are no deviations of what this \(node.operation.kind) takes")
      }
      let expected = graph.nodes[node.inputs[0]].channels(axis)
      guard found.count == expected else {
        throw PullbackError(
          .data, "node \(node.name)", "expected a deviation for each of \(expected) channels, found \(found.count)")
      }
      if let channel = found.firstIndex(where: { !$0.isFinite || $0 < 0 }) {
        throw PullbackError(
          .data, "node \(node.name)",
          "expected finite deviations that are not below zero, found \(found[channel]) for channel \(channel)")
      }
      spreads[node.name] = Spread(.calibration, found, channelAxis: axis)
    }
    if let name = deviations.keys.filter({ spreads[$0] == nil }).min() {
      throw PullbackError(
        .data, "node \(name)",
        graph.index(of: name) == nil
          ? "\(graph.name) has no node of this name" : "it is no activation and no max pool, and has no spread")
    }
    self.init(spreads)
  }
}

/// Spreads in the making: images are added batch by batch, as they are read.
///
/// The result does not depend on how images are put into batches.
public struct SpreadMeasurement: Sendable {
  private let network: Network
  private let nodes: [Graph.Node]
  private let sources: [Graph.Node]
  private var sums: [ChannelSums]

  /// - Parameter network: the network whose values are looked at.
  public init(of network: Network) {
    let graph = network.graph
    let softened = graph.softenedNodes
    self.network = network
    nodes = softened.map(\.node)
    sources = nodes.map { graph.nodes[$0.inputs[0]] }
    sums = zip(sources, softened).map { ChannelSums(channels: $0.channels($1.channelAxis), axis: $1.channelAxis) }
  }

  /// Looks at a batch of images, `(N, C, H, W)`.
  ///
  /// - Throws: `PullbackError` of kind `data` if values are not finite.
  /// - Complexity: one forward pass for each image.
  public mutating func add(_ images: Tensor) throws(PullbackError) { try add(images, by: network) }

  /// ``add(_:)`` by a network of the same nodes and channels for inputs of another extent, such as longer texts.
  public mutating func add(_ images: Tensor, by network: Network) throws(PullbackError) {
    let trace = try network.trace(at: images, rules: [], keeping: sources.map(\.name))
    for (place, source) in sources.enumerated() {
      sums[place].add(try trace.activation(source.name))
      guard sums[place].areFinite else {
        throw PullbackError(
          .data, "node \(source.name)", "its values are not finite: they overflowed float32 on the way")
      }
    }
  }

  /// The spreads of the images so far: those of no image are zero.
  public var spreads: Spreads {
    Spreads(Dictionary(uniqueKeysWithValues: zip(nodes, sums).map { node, sums in (node.name, sums.spread) }))
  }
}

/// Sums over images and places of each channel's values and their squares, counted from the channel's first value: a
/// channel that never changes has no spread at all.
private struct ChannelSums {
  private let channels: Int
  private let axis: Spread.ChannelAxis
  private var count = 0.0
  private var origins: [Double] = []
  private var sums: [Double]
  private var squares: [Double]

  init(channels: Int, axis: Spread.ChannelAxis) {
    (self.channels, self.axis) = (channels, axis)
    sums = [Double](repeating: 0, count: channels)
    squares = sums
  }

  mutating func add(_ value: Tensor) {
    let inner = axis == .first ? value.shape.dropFirst(2).reduce(1, *) : 1
    value.withUnsafeBuffer { values in
      if origins.isEmpty { origins = (0..<channels).map { Double(values[$0 * inner]) } }
      for first in stride(from: 0, to: values.count, by: inner) {
        let channel = first / inner % channels
        for place in first..<first + inner {
          let x = Double(values[place]) - origins[channel]
          sums[channel] += x
          squares[channel] += x * x
        }
      }
    }
    count += Double(value.count / channels)
  }

  var areFinite: Bool { squares.allSatisfy(\.isFinite) }

  var spread: Spread {
    let deviations = zip(sums, squares).map { sum, square in
      let mean = sum / max(1, count)
      return Float(max(0, square / max(1, count) - mean * mean).squareRoot())
    }
    return Spread(.calibration, deviations, channelAxis: axis)
  }
}
