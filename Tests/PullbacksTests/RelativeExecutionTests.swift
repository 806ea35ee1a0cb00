import Execution
@testable import Networks
import Pullbacks
import TestKit
import Testing

/// The relative rules in passes that compute several layers in one go, against the same network layer by layer.
@Suite(.serialized) struct RelativeExecutionTests {
  /// Spreads of batch norms where they are known and of the image elsewhere, and of the image everywhere.
  private func ruleSets(_ network: Network) -> [RuleSet] {
    [Spreads(of: network), Spreads()].flatMap { spreads in
      SoftMaxPool.Border.allCases.map { .relativePullback(1.5, spreads, over: network.graph, border: $0) }
    }
  }

  /// Plainly and fast to the bit, for an image alone and in a batch: an image's map depends on no other image.
  @Test(arguments: ["mixed", "resnet18", "vgg11_bn", "efficientnet-lite0", "densenet121"])
  func fusedHasTheBitsOfPlain(_ name: String) throws {
    let network =
      name == "mixed" ? try MixedNetwork.network() : try Formula.network(Architecture.named(name).graph(resolution: 64))
    let x = Formula.image("images", [3] + network.graph.inputShape)
    let v = Formula.image("cotangent", [3] + network.graph.nodes[network.graph.output].shape)
    for rules in ruleSets(network) {
      let (value, pullback) = try network.run(by: .fused).valueWithPullback(at: x, rules: rules)
      let fused = try pullback(v)
      #expect(fused.imageNorms.allSatisfy { $0 > 0 && $0.isFinite })
      let plain = try network.run(by: .plain).valueWithPullback(at: x, rules: rules)
      #expect(identicalBits(value, plain.value), "value")
      #expect(identicalBits(fused, try plain.pullback(v)), "map")
      let alone = try network.run(by: .fused).valueWithPullback(at: x.image(1), rules: rules).pullback(v.image(1))
      #expect(identicalBits(alone, fused.image(1)), "alone")
    }
  }

  /// To every node, also amid layers that are computed in one go; gates with and without kernels, parametric ones, and
  /// pools of rectified values.
  @Test func stopsAmidLayersOfOneGo() throws {
    let graph = try Graph("residual", input: [4, 12, 10]) { x in
      let stem = x.convolution("stem", 8, kernel: 3, padding: 1).batchNorm("stem_bn").relu("stem_relu")
        .maxPool("pool", kernel: 3, stride: 2, padding: 1)
      let branch = stem.convolution("branch", 8, kernel: 3, padding: 1, bias: false).batchNorm("branch_bn")
      return branch.adding(stem, "sum").apply(HardSwish(), "swish")
        .convolution("prelu_conv", 8, kernel: 3, padding: 1).batchNorm("prelu_bn").apply(PReLU(slopes: 8), "prelu")
        .convolution("leaky_conv", 8, kernel: 3, padding: 1).batchNorm("leaky_bn").apply(LeakyReLU(slope: 0.2), "leaky")
        .convolution("last", 8, kernel: 3, padding: 1).batchNorm("last_bn").relu6("last_relu6")
        .convolution("logits", 4, kernel: 3).globalAveragePool("mean")
    }
    let network = try Formula.network(graph)
    let (x, v) = (Formula.image("x", [2, 4, 12, 10]), Formula.image("v", [2, 4]))
    let names = graph.nodes.map(\.name)
    for rules in ruleSets(network) {
      let fused = try network.run(by: .fused).trace(at: x, rules: [rules])
      let plain = try network.run(by: .plain).trace(at: x, rules: [rules])
      for stops in [names] + names.map({ [$0, "input"] }) {
        let found = try fused.pullbacks(v, by: rules, to: stops)
        let expected = try plain.pullbacks(v, by: rules, to: stops)
        for stop in stops {
          #expect(identicalBits(found[stop]!, expected[stop]!), "\(rules.name) to \(stop) of \(stops)")
          #expect(found[stop]!.imageNorms.allSatisfy { $0 > 0 })
        }
      }
    }
  }
}
