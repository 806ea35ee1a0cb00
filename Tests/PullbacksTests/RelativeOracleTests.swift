import Execution
import Pullbacks
import TestKit
import Testing

/// Maps of small networks by the relative rules, against PyTorch in float64 (Tests/Oracles/relative.py, which explains
/// the networks).
@Suite struct RelativeOracleTests {
  struct Item: Sendable, CustomTestStringConvertible {
    let name: String
    let activation: any Pullbacks.Operation
    /// As many channels have as many slopes.
    var isParametric = false
    var testDescription: String { name }
  }

  static let items = [
    Item(name: "relu", activation: ReLU()), Item(name: "relu6", activation: ReLU6()),
    Item(name: "clip", activation: Clip(-1, 2)), Item(name: "leakyrelu", activation: LeakyReLU(slope: 0.2)),
    Item(name: "prelu", activation: PReLU(), isParametric: true), Item(name: "gelu", activation: GELU()),
    Item(name: "silu", activation: SiLU()), Item(name: "hardswish", activation: HardSwish()),
  ]

  private func network(_ item: Item) throws -> Network {
    let graph = try Graph(item.name, input: [3, 12, 10]) { x in
      func active(_ x: Signal, _ name: String) -> Signal {
        x.apply(item.isParametric ? PReLU(slopes: x.shape[0]) : item.activation, "act_\(name)")
      }
      func layer(_ x: Signal, _ name: String, _ outputs: Int) -> Signal {
        x.convolution("conv_\(name)", outputs, kernel: 3, padding: 1).batchNorm("bn_\(name)")
      }
      let pool = active(layer(x, "a", 8), "a").maxPool("pool", kernel: 3, stride: 2, padding: 1)
      let sum = active(layer(pool, "b", 8).adding(pool), "sum")
      let branches = [active(layer(sum, "c", 6), "c"), active(layer(sum, "d", 5), "d")]
      let joined = Signal.concatenate(branches).maxPool("cat_pool", kernel: 2)
      return active(layer(joined, "e", 7), "e").globalAveragePool().linear("fc", 4)
    }
    return try Formula.network(graph)
  }

  private static let tensors = try! Fixture.tensors("relative")
  private static let nodes = ["act_a", "pool", "act_sum", "act_c", "act_d", "cat_pool", "act_e"]

  /// What batch norms tell, also through activations and sums: quadratures on either side, ours a coarse one.
  @Test(arguments: items) func spreads(_ item: Item) throws {
    let found = Spreads(of: try network(item))
    for node in Self.nodes {
      let spread = try #require(found[node])
      expectClose(
        spread.deviations.map(Double.init),
        try Self.tensors.tensor("\(item.name)/spread.\(node)").scalars.map(Double.init), within: 1e-4, node)
    }
  }

  @Test(arguments: items) func maps(_ item: Item) throws {
    let network = try network(item)
    let x = Formula.image("images", [2, 3, 12, 10])
    let v = Formula.image("cotangent", [2, 4])
    let told = Spreads(
      Dictionary(
        uniqueKeysWithValues: try Self.nodes.map {
          ($0, Spread(.batchNorm, try Self.tensors.tensor("\(item.name)/spread.\($0)").scalars))
        }))
    for executor in [PlainExecutor.plain, FastExecutor.fast] as [any Executor] {
      let network = network.run(by: executor)
      expectClose(try network(x), try Self.tensors.tensor("\(item.name)/value"), within: 1e-6, "value")
      for (source, spreads, c) in [("batchnorm", told, 1.5), ("image", Spreads(), 0.5)] as [(String, Spreads, Float)] {
        for border in SoftMaxPool.Border.allCases {
          let rules = RuleSet.relativePullback(c, spreads, over: network.graph, border: border)
          let expected = try Self.tensors.tensor("\(item.name)/\(source).\(border.rawValue)")
          expectClose(
            try network.valueWithPullback(at: x, rules: rules).pullback(v), expected, within: 2e-6,
            "\(source), \(border.rawValue)")
        }
      }
    }
  }
}
