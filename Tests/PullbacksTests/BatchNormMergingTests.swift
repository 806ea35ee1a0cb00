import Execution
import Networks
import Pullbacks
import TestKit
import Testing

/// A network whose batch norms are folded is the same function.
@Suite(.serialized) struct BatchNormMergingTests {
  /// At a picture that lies far from the kinks of the gradient, as the oracle chose it. Tolerances are five times what
  /// is measured.
  @Test(arguments: ["resnet18", "vgg11_bn", "densenet121"]) func sameFunction(_ name: String) throws {
    let network = try Formula.network(Architecture.named(name).graph(resolution: 64))
    let merged = network.mergingBatchNorms()
    let number = try Fixture.tensors("networks").tensor("\(name)-64/images").scalars[0]
    let x = Formula.image("image\(Int(number))", [1, 3, 64, 64])
    let soft = RuleSet.softPullback()
    let selector = try network.oneHot([3])
    let traces = try [network, merged].map { try $0.trace(at: x, rules: [.gradient, soft]) }
    expectClose(traces[1].value, traces[0].value, within: 3e-6, "\(name) logits")
    for rules in [RuleSet.gradient, soft] {
      let pulled = try traces.map { try $0.pullback(selector, by: rules) }
      expectClose(pulled[1], pulled[0], within: 1.5e-5, "\(name) \(rules.name)")
    }
  }

  private func norms(_ network: Network) -> [String] {
    network.graph.nodes.filter { $0.operation is BatchNorm }.map(\.name)
  }

  /// Of DenseNet's norms those before a convolution stay, and those after one go.
  @Test func normsElsewhereStay() throws {
    let network = try Formula.network(Architecture.named("densenet121").graph(resolution: 32))
    let merged = network.mergingBatchNorms()
    let graph = network.graph
    let consumers = Dictionary(grouping: graph.nodes.flatMap(\.inputs), by: { $0 }).mapValues(\.count)
    let after = graph.nodes.filter { node in
      node.operation is BatchNorm && graph.nodes[node.inputs[0]].operation is Convolution
        && consumers[node.inputs[0]] == 1
    }.map(\.name)
    #expect(after.count > 50 && norms(merged).count > 50)
    #expect(Set(norms(merged)) == Set(norms(network)).subtracting(after))
    #expect(merged.graph.nodes.map(\.name) == graph.nodes.map(\.name))
  }

  @Test func whatIsFolded() throws {
    let graph = try Graph("tiny", input: [2, 4, 4]) { image in
      let grouped = image.convolution("grouped", 4, kernel: 3, padding: 1, groups: 2, bias: false).batchNorm("folded")
      // Taken twice, so that its values are wanted without the norm too.
      let shared = grouped.convolution("shared", 4, kernel: 1)
      let sum = shared.batchNorm("after shared").adding(shared)
      return sum.batchNorm("after a sum").flatten().linear("fc", 5).batchNorm("features").batchNorm("twice")
    }
    let network = try Formula.network(graph)
    let merged = network.mergingBatchNorms()
    #expect(norms(merged) == ["after shared", "after a sum", "twice"])
    #expect(merged.graph.parameters.map(\.name).prefix(2) == ["grouped.weight", "grouped.bias"])
    #expect(merged.graph.index(of: "folded") == graph.index(of: "folded"))
    let x = Formula.image("x", [3, 2, 4, 4])
    for executor in [PlainExecutor.plain, .fast] as [any Executor] {
      expectClose(try merged.run(by: executor)(x), try network(x), within: 2e-6)
    }
    // Nothing is left to fold.
    #expect(norms(merged.mergingBatchNorms()) == norms(merged))
  }

  @Test func volumesAndSequences() throws {
    let graph = try Graph("volumes", input: [2, 3, 4, 4]) { volume in
      volume.convolution3D("conv3d", 4, SlidingWindow([2, 3, 3]), groups: 2, bias: false).batchNorm("norm3d")
        .reshaped([4, 8]).convolution1D("conv1d", 3, kernel: 3).batchNorm("norm1d")
    }
    let network = try Formula.network(graph)
    let merged = network.mergingBatchNorms()
    #expect(norms(merged).isEmpty)
    let x = Formula.image("x", [2, 2, 3, 4, 4])
    expectClose(try merged(x), try network(x), within: 2e-6)
  }

  /// A layer whose value is an output keeps it, and so does its norm; tokens are no channels.
  @Test func whatIsNot() throws {
    let graph = try Graph("outputs", inputs: [Graph.InputDescription("input", [2, 4, 4])]) { inputs in
      let conv = inputs[0].convolution("conv", 4, kernel: 3)
      return [("norm", conv.batchNorm("norm")), ("conv", conv)]
    }
    #expect(norms(try Formula.network(graph).mergingBatchNorms()) == ["norm"])
    let tokens = try Graph("tokens", input: [3, 4]) { $0.linear("fc", 3).batchNorm("norm") }
    #expect(norms(try Formula.network(tokens).mergingBatchNorms()) == ["norm"])
  }
}
