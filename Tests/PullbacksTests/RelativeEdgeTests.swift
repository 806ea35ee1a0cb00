import Execution
import Foundation
import Networks
import Pullbacks
import TestKit
import Testing

/// The relative rules where numbers and layouts are unusual.
@Suite struct RelativeEdgeTests {
  private func map(
    _ network: Network, _ rules: RuleSet, at x: Tensor, _ v: Tensor, by executor: any Executor = .fused
  ) throws -> Tensor {
    try network.run(by: executor).valueWithPullback(at: x, rules: rules).pullback(v)
  }

  private static let executors: [any Executor] = [PlainExecutor.plain, FastExecutor.fused]

  private func small() throws -> Network {
    try Formula.network(
      Graph("small", input: [2, 8, 8]) { x in
        x.convolution("a", 4, kernel: 3, padding: 1).batchNorm("bn").relu("relu").maxPool("pool", kernel: 2)
          .convolution("b", 4, kernel: 3, padding: 1).batchNorm("bn_b").apply(HardSwish(), "swish")
          .globalAveragePool().linear("fc", 3)
      })
  }

  // MARK: Unusual deviations

  /// No deviation, multiple or pre-activation makes a gate leave the range of the hard gate, or a NaN.
  @Test(arguments: [Float(1e-38), 1e-20, 1e-3, 1, 1e6, 1e30, 3e38])
  func anyMultiple(_ c: Float) throws {
    let values: [Float] = [-1e30, -40, -3, -1e-30, 0, .leastNonzeroMagnitude, 0.5, 3, 6, 1e10, 3e38]
    for operation in RelativeMonteCarloTests.gates where operation.character == .gate {
      let graph = try Graph("one", input: [3, values.count]) { $0.apply(operation, "op") }
      let parameters = operation is PReLU ? ["op.weight": Tensor(shape: [3], [0.1, 0.25, 0.3])] : [:]
      let network = try Network(graph, parameters: parameters)
      let z = Tensor(shape: [1, 3, values.count], values + values + values)
      let deviations: [Float] = [0, .leastNonzeroMagnitude, 3e38]
      let rules = RuleSet.relativePullback(
        c, Spreads(["op": Spread(.calibration, deviations)]), over: graph)
      for executor in Self.executors {
        let found = try map(network, rules, at: z, Tensor(shape: z.shape, repeating: 1), by: executor)
        #expect(found.scalars.allSatisfy { $0 >= -1e-6 && $0 <= 1 + 1e-6 }, "\(operation.kind): \(found.scalars)")
      }
    }
  }

  /// Noise that a float's digits swallow leaves every gate as it is.
  @Test(arguments: RelativeMonteCarloTests.gates.indices) func noNoise(_ index: Int) throws {
    let operation = RelativeMonteCarloTests.gates[index]
    // A hard sigmoid is routing.
    guard operation.character == .gate else { return }
    let graph = try Graph("one", input: [3, 6]) { $0.apply(operation, "op") }
    let slopes = ["op.weight": Tensor(shape: [3], [0.1, 0.25, 0.3])]
    let network = try Network(graph, parameters: operation is PReLU ? slopes : [:])
    // Off all kinks.
    let z = Tensor(shape: [1, 3, 6], (0..<18).map { [-5, -2.1, -0.3, 0.2, 2.1, 7][$0 % 6] })
    let ones = Tensor(shape: z.shape, repeating: 1)
    let hard = try map(network, .hardPullback, at: z, ones)
    for deviation: Float in [1e-9, 1e-16, 1e-18, 1e-30, 0] {
      let rules = RuleSet.relativePullback(
        1, Spreads(["op": Spread(.calibration, [deviation, deviation, deviation])]), over: graph)
      expectClose(try map(network, rules, at: z, ones), hard, within: 1e-6, "\(operation.kind) at \(deviation)")
    }
  }

  /// The smallest noise leaves the hard rule, the largest makes a ReLU's gate one half and a pool's shares equal.
  @Test func limits() throws {
    let network = try small()
    let (x, v) = (Formula.image("x", [2, 2, 8, 8]), Formula.image("v", [2, 3]))
    let spreads = Spreads(of: network)
    let hard = try map(network, .hardPullback, at: x, v)
    expectClose(
      try map(network, .relativePullback(1e-7, spreads, over: network.graph), at: x, v), hard, within: 1e-5, "tiny c")
    let large = try map(network, .relativePullback(1e8, spreads, over: network.graph), at: x, v)
    let half = RuleSet.hardPullback.overriding(.kind("relu"), with: AveragedGate(deviation: 1e9))
      .overriding(.kind("hardswish"), with: AveragedGate(deviation: 1e9))
      .overriding(.kind("maxpool"), with: SoftMaxPool(temperature: 1e9))
    expectClose(large, try map(network, half, at: x, v), within: 1e-6, "huge c")
  }

  /// A plane without spread: the largest values of a window take equal shares, as in the limit of small noise, and so
  /// do the zeros of a border where they count.
  @Test func poolsOfConstants() throws {
    let pool = MaxPool(kernel: 3, stride: 2, padding: 1)
    let graph = try Graph("pool", input: [2, 4, 4]) { $0.apply(pool, "pool") }
    let network = try Network(graph, parameters: [:])
    let x = Tensor(shape: [1, 2, 4, 4], Array(repeating: 0, count: 16) + (0..<16).map { $0 % 3 == 0 ? 2 : 1 })
    let v = Tensor(shape: [1, 2, 2, 2], repeating: 1)
    for border in SoftMaxPool.Border.allCases {
      let rules = RuleSet.relativePullback(
        1, Spreads(["pool": Spread(.calibration, [0, 0])]), over: graph, border: border)
      let small = RuleSet.gradient.overriding(.any, with: SoftMaxPool(temperature: 1e-3, border: border))
      let found = try map(network, rules, at: x, v)
      expectClose(found, try map(network, small, at: x, v), within: 1e-6, border.rawValue)
      let own = RuleSet.relativePullback(1e-30, Spreads(), over: graph, border: border)
      expectClose(found, try map(network, own, at: x, v), within: 1e-6, border.rawValue)
    }
  }

  /// A dead channel, whose gamma is 0, keeps its hard gate: where beta is negative, the map is that of a network
  /// without the channel.
  @Test func deadChannels() throws {
    let network = try small()
    var parameters = network.parameters
    func change(_ name: String, _ count: Int, to value: Float) {
      let old = parameters[name]!
      parameters[name] = Tensor(
        shape: old.shape, Array(repeating: value, count: count) + old.scalars.dropFirst(count))
    }
    change("bn.weight", 1, to: 0)
    change("bn.bias", 1, to: -0.3)
    let dead = try Network(network.graph, parameters: parameters)
    change("a.weight", 2 * 9, to: 0)
    let without = parameters
    let (x, v) = (Formula.image("x", [2, 2, 8, 8]), Formula.image("v", [2, 3]))
    for spreads in [Spreads(of: dead), Spreads(), try Spreads.measured(of: dead, at: [x])] {
      for executor in Self.executors {
        let found = try map(dead, .relativePullback(1.5, spreads, over: dead.graph), at: x, v, by: executor)
        #expect(found.imageNorms.allSatisfy { $0 > 0 && $0.isFinite })
        let other = try map(
          Network(network.graph, parameters: without), .relativePullback(1.5, spreads, over: dead.graph), at: x, v,
          by: executor)
        expectClose(found, other, within: 1e-6)
      }
    }
    #expect(Spreads(of: dead)["relu"]?.deviations[0] == 0)
    #expect(try Spreads.measured(of: dead, at: [x])["relu"]?.deviations[0] == 0)
  }

  /// A deviation that is no number is refused, and says where it stands.
  @Test(arguments: [Float.nan, .infinity, -1]) func deviationsThatAreNone(_ bad: Float) throws {
    let network = try small()
    let rules = RuleSet.relativePullback(
      1, Spreads(["relu": Spread(.calibration, [1, 1, bad, 1])]), over: network.graph)
    let error = try #require(throws: PullbackError.self) {
      try map(network, rules, at: Formula.image("x", [1, 2, 8, 8]), Formula.image("v", [1, 3]))
    }
    #expect(error.description.hasPrefix("node relu: the deviation of channel 2 is \(bad)"))
    var parameters = network.parameters
    parameters["bn.weight"] = Tensor(shape: [4], [1, bad, 1, 1])
    let told = try Spreads(of: Network(network.graph, parameters: parameters))["relu"]!.deviations[1]
    #expect(bad == -1 ? told == 1 : !told.isFinite)
  }

  // MARK: Unusual layouts

  /// Sequences `(C, L)` have their channels first, tokens `(T, C)` last, also behind convolutions, transpositions and
  /// layer norms; what a channel's own spread is, is known of each.
  @Test func axesOfChannels() throws {
    let graph = try Graph("axes", input: [3, 6, 4]) { x in
      let maps = x.convolution("conv", 5, kernel: 1).gelu("maps")
      let tokens = maps.reshaped([5, 24]).transposed([1, 0]).gelu("tokens")
      let hidden = tokens.layerNorm("ln").linear("hidden", 7).gelu("mlp")
      let back = hidden.transposed([1, 0]).gelu("back")
      let sequence = back.convolution1D("conv1d", 2, kernel: 3).gelu("sequence").maxPool1D("pool", kernel: 2)
      return sequence.flatten().gelu("features").linear("fc", 2)
    }
    let network = try Formula.network(graph)
    let x = Formula.image("x", [2, 3, 6, 4])
    let measured = try Spreads.measured(of: network, at: [x])
    for (name, channels, axis) in [
      ("maps", 5, .first), ("tokens", 5, .last), ("mlp", 7, .last), ("back", 7, .first), ("sequence", 2, .first),
      ("pool", 2, .first), ("features", 22, .first),
    ] as [(String, Int, Spread.ChannelAxis)] {
      let spread = try #require(measured[name])
      #expect(spread.deviations.count == channels && spread.channelAxis == axis, "\(name)")
      // By definition, over images and places.
      let source = try #require(graph.nodes.first { $0.name == name }).inputs[0]
      let z = try network.truncated(at: graph.nodes[source].name)(x)
      let inner = axis == .last ? 1 : z.shape.dropFirst(2).reduce(1, *)
      let values = z.scalars.enumerated().filter { $0.offset / inner % channels == 1 }.map { Double($0.element) }
      #expect(abs(Double(spread.deviations[1]) / values.variance.squareRoot() - 1) < 1e-5, "\(name)")
    }
    // Of one image the measured spreads are the image's own.
    let v = Formula.image("v", [1, 2])
    let own = try Spreads.measured(of: network, at: [x.image(1)])
    for executor in Self.executors {
      expectClose(
        try map(network, .relativePullback(1.5, Spreads(), over: graph), at: x.image(1), v, by: executor),
        try map(network, .relativePullback(1.5, own, over: graph), at: x.image(1), v, by: executor), within: 1e-6)
    }
  }

  /// ConvNeXt and others move channels to the end of maps `(H, W, C)`.
  @Test func mapsWithChannelsLast() throws {
    let graph = try Graph("last", input: [3, 4, 5]) { x in
      x.transposed([1, 2, 0]).layerNorm("ln").linear("hidden", 6).gelu("gelu").linear("out", 3).transposed([2, 0, 1])
        .globalAveragePool()
    }
    let spreads = try Spreads.measured(of: Formula.network(graph), at: [Formula.image("x", [2, 3, 4, 5])])
    #expect(spreads["gelu"]?.channelAxis == .last && spreads["gelu"]?.deviations.count == 6)
  }

  /// A parametric gate over tokens has a slope for each token and a deviation for each channel.
  @Test func parametricGatesOverTokens() throws {
    let graph = try Graph("tokens", input: [3, 4]) { $0.apply(PReLU(slopes: 3), "prelu") }
    let network = try Network(graph, parameters: ["prelu.weight": Tensor(shape: [3], [0.1, 0.5, -0.3])])
    let (x, v) = (Formula.image("x", [2, 3, 4]), Formula.image("v", [2, 3, 4]))
    let deviations: [Float] = [0.2, 0.7, 1, 3]
    let spread = Spread(.calibration, deviations, channelAxis: .last)
    let found = try map(network, .relativePullback(1.5, Spreads(["prelu": spread]), over: graph), at: x, v)
    let expected = x.scalars.indices.map { place in
      let gate = LeakyReLU(slope: [0.1, 0.5, -0.3][place / 4 % 3])
      let z = Double(x.scalars[place])
      return Double(v.scalars[place]) * gate.averagedGate(z, deviation: 1.5 * Double(deviations[place % 4]))
    }
    expectClose(found.scalars.map(Double.init), expected, within: 1e-6)
  }

  // MARK: Where spreads come from

  /// Gates of concatenated and sliced channels have the spreads of these.
  @Test func concatenatedAndSliced() throws {
    let network = try Formula.network(
      Graph("parts", input: [2, 6, 6]) { x in
        let a = x.convolution("a", 3, kernel: 1).batchNorm("bn_a")
        let b = x.convolution("b", 2, kernel: 1).batchNorm("bn_b")
        let joined = Signal.concatenate([a, b], "cat")
        let part = joined.slice(axis: 0, 2..<5, "part").relu("part_relu")
        let odd = joined.sliced(axis: 0, from: 4, to: -10, by: -2).relu("odd_relu")
        let rows = joined.slice(axis: 1, 1..<4).relu("rows_relu")
        return Signal.concatenate([joined.relu("cat_relu").slice(axis: 1, 1..<4), part.slice(axis: 1, 1..<4)])
          .globalAveragePool().linear("fc", 2)
          .adding(odd.globalAveragePool().linear("fc_b", 2)).adding(rows.globalAveragePool().linear("fc_c", 2))
      })
    let gammas = network.parameters["bn_a.weight"]!.scalars + network.parameters["bn_b.weight"]!.scalars
    let spreads = Spreads(of: network)
    #expect(spreads["cat_relu"]?.deviations == gammas && spreads["rows_relu"]?.deviations == gammas)
    #expect(spreads["part_relu"]?.deviations == Array(gammas[2..<5]))
    #expect(spreads["odd_relu"]?.deviations == [gammas[4], gammas[2], gammas[0]])
    let (x, v) = (Formula.image("x", [2, 2, 6, 6]), Formula.image("v", [2, 2]))
    let rules = RuleSet.relativePullback(1, spreads, over: network.graph)
    #expect(identicalBits(try map(network, rules, at: x, v), try map(network, rules, at: x, v, by: .plain)))
  }

  /// Merging batch norms loses the gammas; the spreads that they told still fit the gates, whose names stay.
  @Test func mergedBatchNorms() throws {
    let network = try SceneNetwork.resnet.network()
    let merged = network.mergingBatchNorms()
    #expect(Spreads(of: merged) == Spreads())
    let x = Formula.image("images", [2] + network.graph.inputShape)
    let v = try network.oneHot([1, 2])
    let spreads = Spreads(of: network)
    func relative(_ network: Network) throws -> Tensor {
      try map(network, .relativePullback(1, spreads, over: network.graph), at: x, v)
    }
    expectClose(try relative(merged), try relative(network), within: 2e-5)
  }

  /// A part of a network is pulled back as the whole is; spreads of gates that it lacks are ignored.
  @Test func truncated() throws {
    let network = try SceneNetwork.vgg.network()
    let gates = network.graph.nodes.filter { $0.operation is ReLU }
    let part = try network.truncated(at: gates[2].name)
    let whole = Spreads(of: network)
    let x = Formula.image("images", [1] + network.graph.inputShape)
    let v = Formula.image("v", [1] + gates[2].shape)
    let rules = RuleSet.relativePullback(1, whole, over: part.graph)
    #expect(Spreads(of: part)[gates[1].name] == whole[gates[1].name])
    let trace = try network.run(by: .fused).trace(
      at: x, rules: [.relativePullback(1, whole, over: network.graph)], keeping: [gates[2].name])
    #expect(identicalBits(try trace.activation(gates[2].name), try part.run(by: .fused)(x)))
    #expect(
      identicalBits(try map(part, rules, at: x, v), try map(part, rules, at: x, v, by: .plain)))
  }
}
