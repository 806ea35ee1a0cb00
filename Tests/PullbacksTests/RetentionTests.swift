import Pullbacks
import TestKit
import Testing

/// A trace keeps the activations that its rules read, and no others.
@Suite struct RetentionTests {
  private func kept(
    _ rules: [RuleSet], input: [Int] = [2, 8, 8], _ body: (Signal) -> Signal
  ) throws -> [String] {
    let network = try Formula.network(Graph("kept", input: input, body))
    return try network.trace(at: Tensor(shape: [1] + input), rules: rules).keptNodes
  }

  private func convolutions(_ image: Signal) -> Signal {
    image.convolution("conv1", 4, kernel: 3).batchNorm("bn1").relu("relu1").convolution("conv2", 4, kernel: 3)
      .relu("relu2").averagePool("pool", kernel: 2).flatten("flat").linear("fc", 3)
  }

  @Test func noRulesKeepNothing() throws {
    #expect(try kept([], convolutions) == [])
  }

  /// Convolution, batch norm and linear layers are affine, whatever the rules: only pre-activations are read.
  @Test(arguments: [RuleSet.gradient, .hardPullback, .softPullback()])
  func chainKeepsPreActivations(_ rules: RuleSet) throws {
    #expect(try kept([rules], convolutions) == ["bn1", "conv2"])
  }

  /// A max pool rectifies what its ReLU has read, unless somebody else wants the ReLU's value too.
  @Test func poolsReadPreActivations() throws {
    func pooled(_ x: Signal) -> Signal { x.convolution("conv", 4, kernel: 3).relu("relu").maxPool("pool", kernel: 2) }
    #expect(try kept([.gradient, .softPullback()]) { pooled($0).flatten().linear("fc", 3) } == ["conv"])
    let others = try kept([.softPullback()]) { image in
      let x = image.convolution("conv", 4, kernel: 3).relu("relu")
      return x.maxPool("pool", kernel: 2).adding(x.averagePool("mean", kernel: 2))
    }
    #expect(others == ["conv", "relu"])
  }

  @Test func severalRuleSetsShare() throws {
    #expect(try kept([.gradient, .softPullback()], convolutions) == ["bn1", "conv2"])
  }

  @Test func frozenRulesKeepLess() throws {
    func tokens(_ x: Signal) -> Signal {
      let normed = x.layerNorm("ln")
      return normed.linear("q", 4)
        .attention("attention", keys: normed.linear("k", 4), values: normed.linear("v", 4), heads: 2)
        .layerNorm("ln2").linear("fc", 3)
    }
    #expect(try kept([.softPullback()], input: [5, 4], tokens) == ["q", "k", "v"])
    #expect(try kept([.gradient], input: [5, 4], tokens) == ["input", "q", "k", "v", "attention"])
  }

  /// Nothing is pulled back through routing, so what made the gate is not kept.
  @Test func routingKeepsNothingBehindIt() throws {
    func gated(_ x: Signal) -> Signal {
      x.relu("relu").multiplied(
        by: x.adaptiveAveragePool("squeeze", to: 1).gelu("gelu").sigmoid("gate"), "scale")
    }
    #expect(try kept([.softPullback()], gated) == ["input", "relu", "gate"])
    #expect(try kept([.gradient], gated) == ["input", "relu", "squeeze", "gelu", "gate"])
  }

  /// A layer that nothing takes runs, but what it made is not kept.
  @Test func deadEndsAreReleased() throws {
    let names = try kept([.softPullback()]) { image in
      let x = image.relu("relu")
      _ = x.convolution("aside", 2, kernel: 1)
      return x
    }
    #expect(names == ["input"])
  }

  /// Training reads the inputs of layers with weights as well.
  @Test func trainingKeepsInputs() throws {
    let network = try Formula.network(Graph("kept", input: [2, 8, 8], convolutions))
    let trace = try network.trainingTrace(at: Tensor(shape: [2, 2, 8, 8]))
    #expect(trace.keptNodes == ["input", "conv1", "bn1", "relu1", "conv2", "flat"])
  }
}
