import Execution
import Foundation
import Networks
import Pullbacks
import TestKit
import Testing

/// Noise relative to each channel: the rules against those of a fixed deviation, and where spreads come from.
/// `RescalingTests` has the property that they are for.
@Suite struct RelativeTests {
  private func pulled(
    _ operation: any Pullbacks.Operation, _ shape: [Int], _ rule: any Rule, at x: Tensor, _ v: Tensor,
    parameters: [String: Tensor] = [:]
  ) throws -> Tensor {
    let graph = try Graph("one", input: shape) { $0.apply(operation, "op") }
    let network = try Network(graph, parameters: parameters)
    return try network.valueWithPullback(at: x, rules: .gradient.overriding(.node("op"), with: rule)).pullback(v)
  }

  private static let gates: [any Gate] = [
    ReLU(), ReLU6(), GELU(), SiLU(), HardSwish(), LeakyReLU(slope: 0.2), Mish(), ELU(),
  ]

  /// Each channel is pulled back as by the averaged gate with its own deviation, to the bit; tokens have their channels
  /// last.
  @Test(arguments: [Spread.ChannelAxis.first, .last])
  func channelsHaveTheirOwnNoise(_ axis: Spread.ChannelAxis) throws {
    let deviations: [Float] = [0.3, 1, 2.5]
    let shape = axis == .first ? [3, 4, 5] : [5, 3]
    let x = 4 * Formula.image("x", [2] + shape)
    let v = Formula.image("v", [2] + shape)
    for gate in Self.gates {
      let spread = Spread(.calibration, deviations, channelAxis: axis)
      let found = try pulled(gate, shape, RelativeGate(1.5, of: spread), at: x, v)
      for (channel, deviation) in deviations.enumerated() {
        let alone = try pulled(gate, shape, AveragedGate(deviation: 1.5 * deviation), at: x, v)
        let inner = axis == .first ? 20 : 1
        let places = (0..<x.count).filter { $0 / inner % 3 == channel }
        #expect(places.allSatisfy { found.scalars[$0] == alone.scalars[$0] }, "\(gate.kind), channel \(channel)")
      }
    }
  }

  /// A channel without spread keeps its gate; so does a parametric one, channel by channel.
  @Test func channelsWithoutSpread() throws {
    let x = 4 * Formula.image("x", [2, 2, 3, 3])
    let v = Formula.image("v", [2, 2, 3, 3])
    for gate in Self.gates {
      let found = try pulled(gate, [2, 3, 3], RelativeGate(2, of: Spread(.calibration, [0, 0])), at: x, v)
      #expect(identicalBits(found, try pulled(gate, [2, 3, 3], HardGate(), at: x, v)), "\(gate.kind)")
    }
    let slopes = ["op.weight": Tensor(shape: [2], [0.1, -0.3])]
    let found = try pulled(
      PReLU(slopes: 2), [2, 3, 3], RelativeGate(1, of: Spread(.calibration, [0.7, 0.7])), at: x, v, parameters: slopes)
    let expected = try pulled(PReLU(slopes: 2), [2, 3, 3], AveragedGate(deviation: 0.7), at: x, v, parameters: slopes)
    #expect(identicalBits(found, expected))
  }

  /// Max pooling at `tau = c sigma sqrt(6) / pi`, channel by channel, and its meaning: the average of hard pools under
  /// Gumbel noise of deviation c sigma.
  @Test(arguments: SoftMaxPool.Border.allCases) func maxPool(_ border: SoftMaxPool.Border) throws {
    let pool = MaxPool(kernel: 3, stride: 2, padding: 1)
    let x = 2 * Formula.image("x", [2, 2, 7, 6])
    let v = Formula.image("v", [2, 2, 4, 3])
    let deviations: [Float] = [0.4, 1.2]
    let found = try pulled(
      pool, [2, 7, 6], RelativeMaxPool(1.5, of: Spread(.calibration, deviations), border: border), at: x, v)
    for (channel, deviation) in deviations.enumerated() {
      let temperature = 1.5 * deviation * (6 as Float).squareRoot() / .pi
      let alone = try pulled(pool, [2, 7, 6], SoftMaxPool(temperature: temperature, border: border), at: x, v)
      let places = (0..<x.count).filter { $0 / 42 % 2 == channel }
      expectClose(
        places.map { Double(found.scalars[$0]) }, places.map { Double(alone.scalars[$0]) }, within: 2e-6,
        border.rawValue)
    }
  }

  // MARK: Spreads

  private func network(_ body: (Signal) -> Signal, _ parameters: [String: [Float]]) throws -> Network {
    let graph = try Graph("spreads", input: [2, 4, 4], body)
    var all = Formula.parameters(graph)
    for (name, values) in parameters { all[name] = Tensor(shape: [values.count], values) }
    return try Network(graph, parameters: all)
  }

  /// A batch norm gives |gamma|; sums add variances; behind a convolution nothing is known.
  @Test func batchNormsTellSpreads() throws {
    let spreads = Spreads(
      of: try network(
        { x in
          let a = x.convolution("a", 2, kernel: 1).batchNorm("bn_a")
          let b = x.convolution("b", 2, kernel: 1).batchNorm("bn_b")
          let sum = a.relu("relu_a").convolution("c", 2, kernel: 1).relu("relu_c").adding(a.adding(b).relu("relu_sum"))
          return sum.relu("relu_last").maxPool("pool", kernel: 2)
        }, ["bn_a.weight": [3, -0.5], "bn_a.bias": [0, 1], "bn_b.weight": [4, 1.2], "bn_b.bias": [1, 1]]))
    #expect(spreads["relu_a"] == Spread(.batchNorm, [3, 0.5]))
    let sum = try #require(spreads["relu_sum"])
    expectClose(sum.deviations.map(Double.init), [5, 1.3], within: 1e-6)
    #expect(spreads["relu_c"] == nil && spreads["relu_last"] == nil && spreads["pool"] == nil && spreads["a"] == nil)
  }

  /// What an activation makes of a normal variable, against as many draws.
  @Test(arguments: [ReLU() as any Gate, ReLU6(), SiLU(), HardSwish()])
  func momentsThroughAGate(_ gate: any Gate) throws {
    let (beta, gamma): (Float, Float) = (0.7, 2.5)
    let spreads = Spreads(
      of: try network(
        { $0.convolution("a", 1, kernel: 1).batchNorm("bn").apply(gate, "gate").maxPool("pool", kernel: 2) },
        ["bn.weight": [gamma], "bn.bias": [beta]]))
    let draws = RandomStream(seed: 2, "moments").normals([200_000]).scalars
    let values = draws.map { gate.value(Double(beta + gamma * $0)) }
    let found = Double(try #require(spreads["pool"]?.deviations.first))
    #expect(abs(found / values.variance.squareRoot() - 1) < 0.01, "\(gate.kind): \(found)")
  }

  /// Measured on images: the standard deviation of each channel over images and places.
  @Test func measuredSpreads() throws {
    let network = try network({ $0.convolution("a", 3, kernel: 3).gelu("gelu") }, [:])
    let x = Formula.image("images", [5, 2, 4, 4])
    let z = try network.truncated(at: "a")(x).scalars.map(Double.init)
    let spreads = try Spreads.measured(of: network, at: [x.images(0..<2), x.images(2..<5)])
    let found = try #require(spreads["gelu"])
    #expect(found.source == .calibration && found.deviations.count == 3)
    for channel in 0..<3 {
      let values = z.indices.filter { $0 / 4 % 3 == channel }.map { z[$0] }
      #expect(abs(Double(found.deviations[channel]) / values.variance.squareRoot() - 1) < 1e-5)
    }
    #expect(Spreads().completed(by: spreads) == spreads)
  }

  @Test func refusals() throws {
    let graph = try Graph("tiny", input: [3, 4, 4]) { $0.relu("relu") }
    let network = try Network(graph, parameters: [:])
    let rules = RuleSet.gradient.overriding(.node("relu"), with: RelativeGate(1, of: Spread(.calibration, [1, 2])))
    let error = try #require(throws: PullbackError.self) {
      try network.trace(at: Tensor(shape: [1, 3, 4, 4]), rules: [rules])
    }
    #expect(
      error.description
        == "node relu: expected a deviation for each of 3 channels, found 2; measure the spreads of this network")
    let misplaced = try #require(throws: PullbackError.self) {
      try network.trace(
        at: Tensor(shape: [1, 3, 4, 4]),
        rules: [.gradient.overriding(.any, with: RelativeMaxPool(1, of: .ofImage(channelAxis: .first)))])
    }
    #expect(misplaced.problem.hasSuffix("is for max pooling, and this is a relu"))
    let pool = try Network(Graph("pool", input: [3, 4]) { $0.maxPool1D("pool", kernel: 2) }, parameters: [:])
    let tokens = Spread(.calibration, [1, 1, 1, 1], channelAxis: .last)
    let turned = try #require(throws: PullbackError.self) {
      try pool.trace(
        at: Tensor(shape: [1, 3, 4]),
        rules: [.gradient.overriding(.node("pool"), with: RelativeMaxPool(1, of: tokens))])
    }
    #expect(turned.problem == "a pool's channels are the first axis, and these deviations are of the last")
  }
}
