import Execution
import Networks
import Pullbacks
import TestKit
import Testing

/// A network written down otherwise: the same function, the same gradient, the same relative map, and another soft one.
@Suite(.serialized) struct RescalingTests {
  /// ResNets have sums, VGG a classifier over flattened maps, EfficientNet-Lite ReLU6 and depthwise convolutions,
  /// DenseNet concatenations and batch norms that read them, the PVT of the scenes a stem of batch norms and ReLUs.
  static let networks: [(name: String, resolution: Int)] = [
    ("vgg-scenes", 96), ("resnet-scenes", 96), ("resnet18", 64), ("resnet50", 64), ("vgg11_bn", 64), ("vgg13", 64),
    ("densenet121", 64), ("efficientnet-lite0", 64), ("pvt-scenes", 96),
  ]

  /// With powers of two the value, the gradient and the hard pullback have the same bits.
  @Test(arguments: networks) func theFunctionStays(_ name: String, _ resolution: Int) throws {
    let network = try Formula.network(Architecture.named(name).graph(resolution: resolution)).run(by: .fused)
    let other = network.rescaled(byPowersOfTwoUpTo: 3, seed: 1)
    #expect(other.graph.nodes.map(\.name) == network.graph.nodes.map(\.name))
    #expect(network.rescalableChannels.count > 100)
    let x = Formula.image("images", [2, 3, resolution, resolution])
    let v = try network.oneHot([3, 7])
    for rules in [RuleSet.gradient, .hardPullback] {
      let (expected, found) = (
        try network.valueWithPullback(at: x, rules: rules), try other.valueWithPullback(at: x, rules: rules)
      )
      #expect(identicalBits(found.value, expected.value), "\(rules.name): value")
      #expect(identicalBits(try found.pullback(v), try expected.pullback(v)), "\(rules.name): map")
    }
    // What the first free layer writes is rescaled, channel by channel, by more than one factor.
    let first = network.rescalableChannels[0].node
    let (z, scaled) = (try network.truncated(at: first)(x), try other.truncated(at: first)(x))
    let ratios = Set(zip(scaled.scalars, z.scalars).compactMap { $1 == 0 ? nil : $0 / $1 })
    #expect(ratios.count > 3 && ratios.isSubset(of: [0.125, 0.25, 0.5, 1, 2, 4, 8]))
  }

  /// How far a map is from another: the cosine and the relative Euclidean distance, of all images together.
  private func distance(_ a: Tensor, _ b: Tensor) -> (cosine: Double, euclidean: Double) {
    let (a, b) = (a.scalars.map(Double.init), b.scalars.map(Double.init))
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map { $0 * $1 }.sum }
    return (dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot(), relativeErrors(a, b).euclidean)
  }

  /// The property that the relative rules are made for, in trained networks and others. A fixed temperature's map
  /// moves: by a relative distance of 0.4 (the PVT of the scenes) to 1.5 (VGG13), to a cosine of 0.92 to 0.51.
  @Test(arguments: networks) func theRelativeMapStays(_ name: String, _ resolution: Int) throws {
    let trained = try SceneNetwork(rawValue: name).map { try $0.network() }
    let network = try trained ?? Formula.network(Architecture.named(name).graph(resolution: resolution))
    let other = network.rescaled(byPowersOfTwoUpTo: 2, seed: 2)
    let x = Formula.image("images", [2, 3, resolution, resolution])
    let v = try network.oneHot([3, 7])
    func map(_ network: Network, _ rules: RuleSet) throws -> Tensor {
      try network.valueWithPullback(at: x, rules: rules).pullback(v)
    }
    for c: Float in [0.5, 1.5] {
      for spreads in [Spreads.init(of:), { _ in Spreads() }] as [(Network) -> Spreads] {
        let expected = try map(network, .relativePullback(c, spreads(network), over: network.graph))
        expectClose(
          try map(other, .relativePullback(c, spreads(other), over: other.graph)), expected, within: 1e-5, "c = \(c)")
      }
    }
    // Rescaled clips are pulled back by the same formula.
    let fixed = RuleSet.softPullback().overriding(.kind("clip"), with: AveragedGate(deviation: 0.6))
    let moved = distance(try map(other, fixed), try map(network, fixed))
    #expect(moved.euclidean > 0.3 && moved.cosine < 0.95, "\(moved)")
  }

  /// Calibrated on the same images, too; and in units of the spreads nothing but those are different.
  @Test func measuredSpreadsScale() throws {
    let network = try SceneNetwork.resnet.network()
    let other = network.rescaled(byPowersOfTwoUpTo: 4, seed: 3)
    let x = Formula.image("images", [3] + network.graph.inputShape)
    let v = try network.oneHot([1, 2, 3])
    func map(_ network: Network) throws -> Tensor {
      let spreads = try Spreads.measured(of: network, at: [x])
      return try network.valueWithPullback(at: x, rules: .relativePullback(1, spreads, over: network.graph)).pullback(v)
    }
    expectClose(try map(other), try map(network), within: 1e-5)
  }

  /// GELU, layer norm and attention fix the scale: PVT-v2 has no channel to rescale, and stays as it is.
  @Test func transformersHaveNoFreeChannel() throws {
    let network = try Formula.network(Architecture.named("pvt_v2_b0").graph(resolution: 64))
    #expect(network.rescalableChannels.isEmpty)
    let x = Formula.image("images", [1, 3, 64, 64])
    #expect(identicalBits(try network.rescaled(byPowersOfTwoUpTo: 5)(x), try network(x)))
  }

  /// Sums tie channels, concatenations and slices move them, a gate that multiplies passes them on, a smooth activation
  /// and a batch norm fix what they read.
  @Test func whichChannelsAreFree() throws {
    let graph = try Graph("free", input: [2, 8, 8]) { x in
      let stem = x.convolution("stem", 4, kernel: 3, padding: 1).relu("relu")
      let sum = stem.convolution("branch", 4, kernel: 3, padding: 1).adding(stem, "sum")
      let gate = sum.globalAveragePool().linear("squeeze", 4).sigmoid("gate").reshaped([4, 1, 1])
      let joined = Signal.concatenate([sum.multiplied(by: gate), x.convolution("side", 3, kernel: 1)])
        .slice(axis: 0, 1..<6)
      let normed = joined.convolution("inner", 3, kernel: 1).batchNorm("norm").apply(PReLU(slopes: 3), "prelu")
      return normed.maxPool("pool", kernel: 2).flatten().linear("hidden", 5).gelu("gelu").linear("logits", 2)
    }
    let network = try Formula.network(graph)
    let found = Dictionary(grouping: network.rescalableChannels, by: \.node).mapValues { $0.map(\.channel) }
    #expect(found == ["stem": [0, 1, 2, 3], "side": [0, 1, 2], "norm": [0, 1, 2]])
    let x = Formula.image("x", [2, 2, 8, 8])
    var factor: Float = 0.3
    let other = try network.rescaled { _ in
      factor += 0.37
      return factor
    }
    expectClose(try other(x), try network(x), within: 1e-6)
    let (sum, scaled) = (try network.truncated(at: "sum")(x), try other.truncated(at: "sum")(x))
    #expect(relativeErrors(scaled, sum).euclidean > 0.1)
    for bad: Float in [0, -1, .infinity, .nan] {
      let error = try #require(throws: PullbackError.self) {
        try network.rescaled { $0 == HiddenChannel("side", 1) ? bad : 1 }
      }
      #expect(error.description.hasPrefix("channel 1 of side: expected a positive factor, found \(bad)"))
    }
  }

  /// A network whose batch norms are merged is rescaled at its convolutions.
  @Test func withoutBatchNorms() throws {
    let network = try SceneNetwork.vgg.network().mergingBatchNorms()
    let other = network.rescaled(byPowersOfTwoUpTo: 3)
    let x = Formula.image("images", [2] + network.graph.inputShape)
    #expect(network.rescalableChannels.first?.node == network.graph.nodes.first { $0.operation is Convolution }?.name)
    #expect(identicalBits(try other.run(by: .fused)(x), try network.run(by: .fused)(x)))
    func map(_ network: Network) throws -> Tensor {
      try network.valueWithPullback(at: x, rules: .relativePullback(1, Spreads(), over: network.graph))
        .pullback(network.oneHot([0, 1]))
    }
    expectClose(try map(other), try map(network), within: 1e-5)
  }
}
