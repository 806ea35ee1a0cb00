import Execution
@testable import Networks
import Pullbacks
import TestKit
import Testing

/// Passes that compute several layers in one go, against the same network layer by layer.
@Suite(.serialized) struct ExecutionTests {
  private func plain(_ network: Network) -> Network { run(network, .plain) }

  private func run(_ network: Network, _ executor: any Executor) -> Network { network.run(by: executor) }

  /// Not a bit differs, whatever the rules.
  @Test func fusedHasTheBitsOfPlain() throws {
    let network = run(try MixedNetwork.network(), .fused)
    let (x, v) = (MixedNetwork.images(3), MixedNetwork.cotangent(3))
    let fused = try MixedNetwork.results(network, x, v)
    let plain = try MixedNetwork.results(plain(network), x, v)
    for (index, pair) in zip(fused, plain).enumerated() { #expect(identicalBits(pair.0, pair.1), "result \(index)") }
  }

  /// Nor where weights could be transformed; where they are, some do.
  @Test func onlyTransformedWeightsRoundOtherwise() throws {
    let network = try Formula.network(Architecture.named("resnet18").graph(resolution: 64))
    let x = Formula.image("images", [2, 3, 64, 64])
    let v = try network.oneHot([3, 7])
    func results(_ executor: any Executor) throws -> (value: Tensor, pulled: Tensor) {
      let (value, pullback) = try run(network, executor).valueWithPullback(at: x, rules: .softPullback())
      return (value, try pullback(v))
    }
    let (plain, fused, transformed) = (try results(.plain), try results(.fused), try results(.fast))
    #expect(identicalBits(fused.value, plain.value) && identicalBits(fused.pulled, plain.pulled))
    #expect(!identicalBits(transformed.value, plain.value) && !identicalBits(transformed.pulled, plain.pulled))
  }

  /// A chain hands out the values inside it that are asked for, and pulls back to them.
  @Test(arguments: ["stem", "stem_bn", "stem_relu", "dense", "dense_relu", "grouped", "pool", "residual", "wide"])
  func innerNodes(_ name: String) throws {
    let network = try MixedNetwork.network()
    let (x, v) = (MixedNetwork.images(2), MixedNetwork.cotangent(2))
    let rules = RuleSet.softPullback()
    let fused = try network.trace(at: x, rules: [rules], keeping: [name])
    let plain = try plain(network).trace(at: x, rules: [rules], keeping: [name])
    #expect(identicalBits(try fused.activation(name), try plain.activation(name)))
    let pulled = try fused.pullback(v, by: rules, to: name)
    #expect(pulled.imageNorms.allSatisfy { $0 > 1e-3 })
    #expect(identicalBits(pulled, try plain.pullback(v, by: rules, to: name)))
  }

  /// One backward pass to several layers, also to layers that are otherwise pulled back through in one go.
  @Test func stopsAmidLayersOfOneGo() throws {
    let graph = try Graph("residual", input: [4, 12, 10]) { x in
      let stem = x.convolution("stem", 8, kernel: 3, padding: 1).batchNorm("stem_bn").relu("stem_relu")
      let branch = stem.convolution("branch", 8, kernel: 3, padding: 1, bias: false).batchNorm("branch_bn")
      let sum = branch.adding(stem, "sum")
      // The first sum is taken twice, the second once, by its ReLU.
      return sum.relu("sum_relu").convolution("head", 8, kernel: 3, padding: 1).batchNorm("head_bn")
        .adding(sum, "again").relu("last_relu").convolution("logits", 4, kernel: 3).globalAveragePool("mean")
    }
    let network = try Formula.network(graph)
    let (x, v) = (Formula.image("x", [2, 4, 12, 10]), Formula.image("v", [2, 4]))
    let names = graph.nodes.map(\.name)
    for rules in [RuleSet.gradient, .softPullback()] {
      let fused = try run(network, .fused).trace(at: x, rules: [rules])
      let plain = try plain(network).trace(at: x, rules: [rules])
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

  static let networks = [
    ("resnet18", 64), ("resnet50", 96), ("vgg11_bn", 64), ("vgg13", 64), ("pvt_v2_b0", 64), ("densenet121", 64),
    ("convnext_tiny", 64), ("efficientnet-lite0", 64), ("vgg-scenes", 96), ("resnet-scenes", 96), ("pvt-scenes", 96),
  ]

  /// On every family of networks, with transformed weights. Soft pullbacks are compared, which no kink makes jump.
  @Test(arguments: networks) func familiesAgree(_ name: String, _ resolution: Int) throws {
    let network = run(try Formula.network(Architecture.named(name).graph(resolution: resolution)), .fast)
    let x = Formula.image("images", [2, 3, resolution, resolution])
    let v = try network.oneHot([3, 7])
    let rules = RuleSet.softPullback()
    let transformed = try network.valueWithPullback(at: x, rules: rules)
    let plain = try plain(network).valueWithPullback(at: x, rules: rules)
    expectClose(transformed.value, plain.value, within: 5e-6, "\(name) value")
    expectClose(try transformed.pullback(v), try plain.pullback(v), within: 2e-5, "\(name) soft pullback")
  }
}
