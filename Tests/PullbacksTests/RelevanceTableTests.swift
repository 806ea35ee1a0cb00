import Networks
import Pullbacks
import TestKit
import Testing

/// Composites of layer-wise relevance propagation against zennit in float64, batch norms folded exactly
/// (Tests/Oracles/lrp.py).
@Suite(.serialized) struct RelevanceTableTests {
  static func composites(for graph: Graph) throws -> [(String, RuleSet)] {
    let (low, high) = (RelevanceFixture.box("low"), RelevanceFixture.box("high"))
    return try [
      ("EpsilonPlus", .epsilonPlus), ("EpsilonPlusFlat", .epsilonPlusFlat(for: graph)),
      ("EpsilonGammaBox", .epsilonGammaBox(low: low, high: high, for: graph)),
      ("EpsilonAlpha2Beta1", .epsilonAlpha2Beta1), ("EpsilonAlpha2Beta1Flat", .epsilonAlpha2Beta1Flat(for: graph)),
    ]
  }

  /// Tolerances are five times what is measured: 4e-7 on the small networks, 1.7e-6 on the large ones.
  @Test(arguments: RelevanceNetwork.names) func composite(_ name: String) throws {
    let item = try RelevanceNetwork(name)
    let tolerance = item.isLarge ? 1e-5 : 2e-6
    let network = item.network.mergingBatchNorms()
    expectClose(try network(item.images), item.logits, within: 3e-6, "\(name) logits")
    let composites = try Self.composites(for: network.graph)
    let trace = try network.trace(at: item.images, rules: composites.map(\.1))
    for (composite, rules) in composites {
      let relevance = try trace.pullback(network.oneHot(item.targets), by: rules, to: "normalise")
      expectClose(item.sample(relevance), item.expected(composite), within: tolerance, "\(name) \(composite)")
    }
  }

  @Test func compositesOfGraphsThatHaveNoFirstLayer() throws {
    let graph = try Graph("dense", input: [4]) { $0.linear("fc", 2) }
    #expect(try RuleSet.epsilonPlusFlat(for: graph).rule(for: graph.nodes[1]) as? RelevanceRule == .flat())
    #expect(
      throws: PullbackError(
        .usage, "dense",
        "has no operation of kind conv, at which the table has another rule for the first")
    ) { try RuleSet.epsilonGammaBox(low: [-1], high: [1], for: graph) }
    let image = try Graph("image", input: [3, 4, 4]) { $0.convolution("conv", 2, kernel: 3) }
    #expect(
      throws: PullbackError(
        .usage, "box of conv", "expected one bound, or one for each of 3 channels, found 2")
    ) { try RuleSet.epsilonGammaBox(low: [-1, -1], high: [1, 1], for: image) }
  }
}
