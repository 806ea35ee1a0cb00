import Pullbacks
import TestKit
import Testing

/// Which rule a node gets, where rules have no meaning, and what routing does.
@Suite struct RuleTests {
  private func error(_ rules: RuleSet, input: [Int] = [2, 4, 4], _ body: (Signal) -> Signal) throws -> PullbackError? {
    let network = try Formula.network(Graph("tiny", input: input, body))
    do {
      _ = try network.trace(at: Tensor(shape: [1] + input), rules: [rules])
      return nil
    } catch {
      return error
    }
  }

  private func pulled(_ rules: RuleSet, at x: [Float], _ body: (Signal) -> Signal) throws -> [Float] {
    let network = try Formula.network(Graph("tiny", input: [x.count], body))
    let (value, pullback) = try network.valueWithPullback(at: Tensor(shape: [1, x.count], x), rules: rules)
    return try pullback(Tensor(shape: value.shape, repeating: 1)).scalars
  }

  // MARK: Lookup

  @Test func operationWithoutRule() throws {
    let rules = RuleSet("linear only", [(.kind("conv"), Gradient())])
    #expect(
      try error(rules) { $0.convolution("conv", 1, kernel: 1).gelu("act") }
        == PullbackError(
          .usage, "node act", "the rule set linear only has no rule for the operation gelu",
          advice: "name one with overriding(_:with:)"))
    // The image itself needs no rule.
    #expect(try error(rules) { $0.convolution("conv", 1, kernel: 1) } == nil)
  }

  @Test func firstMatchWins() throws {
    let x: [Float] = [-1, 2]
    let first = RuleSet("first", [(.kind("relu"), SoftGate(temperature: 1)), (.any, Gradient())])
    let second = RuleSet("second", [(.any, Gradient()), (.kind("relu"), SoftGate(temperature: 1))])
    #expect(try pulled(second, at: x) { $0.relu("a") } == [0, 1])
    let soft = try pulled(first, at: x) { $0.relu("a") }
    #expect(abs(soft[0] - 0.158655) < 1e-6 && abs(soft[1] - 0.977250) < 1e-6)
  }

  @Test func nodeOverrideBeatsKind() throws {
    let rules = RuleSet.softPullback().overriding(.node("b"), with: Gradient())
    let found = try pulled(rules, at: [-1, 2]) { $0.relu("a").adding($0.relu("b")) }
    let alone = try pulled(.softPullback(), at: [-1, 2]) { $0.relu("a") }
    #expect(found == [alone[0], alone[1] + 1])
    // The last override is the first entry.
    let twice = rules.overriding(.kind("relu"), with: Gradient())
    #expect(try pulled(twice, at: [-1, 2]) { $0.relu("a").adding($0.relu("b")) } == [0, 2])
    let late = RuleSet(
      "late", [(.kind("relu"), Gradient()), (.node("b"), SoftGate(temperature: 1)), (.any, Gradient())])
    #expect(try pulled(late, at: [-1, 2]) { $0.relu("a").adding($0.relu("b")) } == [0, 2])
  }

  /// The gradient at other inputs and parameters.
  private struct GradientElsewhere: Rule {
    let inputFactor: Float
    let parameterFactor: Float
    let equation = "J(a x; b W)^T v"
    let source = "this test"
    func needs(at operation: any Operation) -> Needs { .inputs }
    func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
      site.gradient(
        v, parameters: site.parameters.map { parameterFactor * $0 }, inputs: site.inputs.map { inputFactor * $0 })
    }
  }

  /// A rule may ask for the gradient at another point, where the operation computes anew what it saves and reads.
  @Test func gradientsElsewhere() throws {
    let operations: [any Operation] = [
      GELU(), LayerNorm(), GroupNorm(groups: 2), RMSNorm(), Softmax(), LogSoftmax(), Linear(3),
    ]
    let (x, v) = (Formula.image("x", [2, 4, 6]), Formula.image("v", [2, 4, 6]))
    for operation in operations {
      let graph = try Graph("one", input: [4, 6]) { $0.apply(operation, "op") }
      let network = try Formula.network(graph)
      let rules = RuleSet("elsewhere", [(.any, GradientElsewhere(inputFactor: 0.5, parameterFactor: 3))])
      let cotangent = operation is Linear ? Formula.image("w", [2, 4, 3]) : v
      let found = try network.valueWithPullback(at: x, rules: rules).pullback(cotangent)
      let other = network.mapParameters { 3 * $1 }
      let expected = try other.valueWithPullback(at: Float(0.5) * x).pullback(cotangent)
      #expect(identicalBits(found, expected), "\(operation.kind)")
    }
  }

  /// Two tables that differ in one number keep apart in one trace.
  @Test func temperaturesDoNotMix() throws {
    var sharp = Temperatures()
    sharp[.relu] = 0.1
    let sets: [RuleSet] = [.softPullback(), .softPullback(sharp), .softPullback(border: .excluded)]
    #expect(Set(sets).count == 3)
    #expect(RuleSet.softPullback() == sets[0])
    let graph = try Graph("tiny", input: [1, 4, 4]) { $0.relu("relu").maxPool("pool", kernel: 3, padding: 1) }
    let network = try Network(graph, parameters: [:])
    let x = Formula.image("x", [2, 1, 4, 4])
    let trace = try network.trace(at: x, rules: sets)
    let v = Formula.image("v", trace.value.shape)
    let together = try sets.map { try trace.pullback(v, by: $0) }
    for (rules, found) in zip(sets, together) {
      let alone = try network.trace(at: x, rules: [rules]).pullback(v, by: rules)
      #expect(identicalBits(found, alone))
    }
    #expect(together[0] != together[1] && together[0] != together[2])
  }

  /// A rule from outside the package, whose text says less than its value.
  private struct Scaled: Rule {
    let factor: Float
    var equation: String { "v times a factor" }
    var source: String { "nowhere" }
    func needs(at operation: any Pullbacks.Operation) -> Needs { [] }
    func pull(_ v: Tensor, at site: Site) -> [Tensor?] { [factor * v] }
  }

  /// Two rules that read alike are two rules.
  @Test func rulesOfOneTextDoNotMix() throws {
    let network = try Network(Graph("tiny", input: [2]) { $0.relu("relu") }, parameters: [:])
    let sets = [2, 3].map { RuleSet("scaled", [(.any, Scaled(factor: $0))]) }
    #expect(sets[0] != sets[1] && sets[0] == RuleSet("scaled", [(.any, Scaled(factor: 2))]))
    let trace = try network.trace(at: Tensor(shape: [1, 2], [1, -1]), rules: sets)
    let v = Tensor(shape: [1, 2], [1, 10])
    #expect(try sets.map { try trace.pullback(v, by: $0).scalars } == [[2, 20], [3, 30]])
  }

  /// So are two tables of DeepLift from different baselines, under one name and with the same equations.
  @Test func baselinesDoNotMix() throws {
    let network = try Formula.network(
      Graph("tiny", input: [1, 4, 4]) {
        $0.convolution("conv", 3, kernel: 3, padding: 1).relu("relu").maxPool("pool", kernel: 2).flatten()
          .linear("fc", 2)
      })
    let sets = try [-1, 0.5].map { value in
      try RuleSet.deepLift(of: network, baseline: Tensor(shape: [1, 1, 4, 4], repeating: value))
    }
    #expect(sets[0].name == sets[1].name && sets[0] != sets[1])
    #expect(sets[0].entries.map(\.rule.equation) == sets[1].entries.map(\.rule.equation))
    let x = Formula.image("x", [2, 1, 4, 4])
    let trace = try network.trace(at: x, rules: sets)
    let v = try network.oneHot([0, 1])
    let together = try sets.map { try trace.pullback(v, by: $0) }
    for (rules, found) in zip(sets, together) {
      #expect(identicalBits(found, try network.trace(at: x, rules: [rules]).pullback(v, by: rules)))
    }
    #expect(together[0] != together[1])
  }

  @Test func releasedTemperatures() {
    let released = Temperatures.Kind.allCases.map { Temperatures()[$0] }
    #expect(released == [0.6, 0.6, 1, 1.6, 0.3, 1])
  }

  // MARK: Where a rule has no meaning

  @Test func productOfTwoFactors() throws {
    for rules in [RuleSet.softPullback(), .hardPullback] {
      #expect(
        try error(rules) { $0.relu("a").multiplied(by: $0.gelu("b"), "product") }
          == PullbackError(
            .usage, "node product",
            "both factors of this multiply depend on the image, so no pullback is defined for it",
            advice: "name a rule for it, or for the operation that makes one factor routing"))
    }
    let named = RuleSet.softPullback().overriding(.node("product"), with: Gradient())
    #expect(try error(named) { $0.relu("a").multiplied(by: $0.gelu("b"), "product") } == nil)
  }

  @Test func outputBehindRouting() throws {
    #expect(
      try error(.softPullback(), input: [4]) { $0.linear("fc", 3).softmax("probabilities") }
        == PullbackError(
          .usage, "node probabilities",
          "the output is routing under the rule set soft-pullback: nothing can be pulled back from it",
          advice: "end the network before its last gate, by naming that value as the output, or take the gradient"))
  }

  /// A rule made for one operation says so at another, before anything is run.
  @Test func ruleAtAnotherOperation() throws {
    let rules: [(any Rule, String)] = [
      (SoftMaxPool(temperature: 1), "max pooling"), (FrozenStatistics(), "normalisations"),
      (FrozenAttention(temperature: 1), "attention"), (ReleasedAttention(temperature: 1), "attention"),
      (SoftGate(temperature: 1), "relu, relu6, gelu and silu"), (LogisticGate(temperature: 1), "relu"),
      (HardGate(), "gates"),
      (AveragedGate(deviation: 1), "gates"), (Rectified(HardGate()), "gates"),
    ]
    for (rule, operations) in rules {
      #expect(
        try error(.gradient.overriding(.node("conv"), with: rule)) { $0.convolution("conv", 1, kernel: 1) }
          == PullbackError(
            .usage, "node conv",
            "the rule \"\((rule as? Rectified)?.rule.equation ?? rule.equation)\" is for \(operations), "
              + "and this is a conv"))
    }
    #expect(
      try error(.gradient.overriding(.any, with: SoftGate(temperature: 1)), input: [2]) { $0.sigmoid("s") }
        == PullbackError(
          .usage, "node s",
          "the rule \"v * the soft gate at tau = 1.0\" is for relu, relu6, gelu and silu, and this is a sigmoid"))
  }

  /// A rectified rule stands where its rule does, and is routing where that one is.
  @Test func rectifiedRulesKeepTheirPlace() throws {
    #expect(
      try error(.gradient.overriding(.node("conv"), with: Rectified(SoftMaxPool(temperature: 1)))) {
        $0.convolution("conv", 1, kernel: 1)
      }
        == PullbackError(
          .usage, "node conv",
          "the rule \"\(SoftMaxPool(temperature: 1).equation)\" is for max pooling, and this is a conv"))
    #expect(
      try error(.softPullback().overriding(.kind("multiply"), with: Rectified(RoutedProduct()))) {
        $0.relu("a").multiplied(by: $0.gelu("b"), "product")
      }?.problem == "both factors of this multiply depend on the image, so no pullback is defined for it")
    // Nothing is pulled back through it, and the other path's cotangent is left alone.
    let routed = RuleSet.gradient.overriding(.node("a"), with: Rectified(Routing()))
    #expect(try pulled(routed, at: [1, 2]) { $0.relu("a").adding($0) } == [1, 1])
    #expect(try error(routed, input: [2]) { $0.relu("a") }?.subject == "node a")
    #expect(Rectified(Routing()).isRouting && !Rectified(Gradient()).isRouting)
  }

  // MARK: Routing

  /// Squeeze-and-excitation: the gate is a constant, and each channel is scaled by it.
  @Test func squeezeAndExcitation() throws {
    let graph = try Graph("gated", input: [2, 1, 2]) { x in
      x.multiplied(by: x.adaptiveAveragePool("squeeze", to: 1).sigmoid("gate"), "scale")
    }
    let network = try Network(graph, parameters: [:])
    let x = Tensor(shape: [1, 2, 1, 2], [1, 3, -2, 0])
    let v = Tensor(shape: [1, 2, 1, 2], [1, 10, 100, 1000])
    let (value, pullback) = try network.valueWithPullback(at: x, rules: .softPullback())
    // sigmoid(2) and sigmoid(-1)
    let (g, h) = (0.8807970780, 0.2689414214)
    expectClose(value.scalars.map(Double.init), [g, 3 * g, -2 * h, 0], within: 1e-6)
    expectClose(try pullback(v).scalars.map(Double.init), [g, 10 * g, 100 * h, 1000 * h], within: 1e-6)
    // The gradient goes through the gate as well: g' <v, x> / 2 to each place.
    let (_, gradient) = try network.valueWithPullback(at: x)
    let (a, b) = (g * (1 - g) * 31 / 2, h * (1 - h) * -200 / 2)
    expectClose(try gradient(v).scalars.map(Double.init), [g + a, 10 * g + a, 100 * h + b, 1000 * h + b], within: 1e-6)
  }

  /// Attention written out: softmax weights are routing, and the product with the values is linear in those.
  @Test func writtenOutAttentionIsFrozenAttention() throws {
    func network(_ isFused: Bool) throws -> Network {
      try Formula.network(
        Graph("tokens", input: [5, 4]) { x in
          let (q, k, v) = (x.linear("q", 4), x.linear("k", 4), x.linear("v", 4))
          if isFused { return q.attention("attention", keys: k, values: v, heads: 1, scale: 1) }
          return q.apply(MatrixMultiply(transposingRight: true), "scores", with: k).softmax("weights")
            .apply(MatrixMultiply(), "mixed", with: v)
        })
    }
    let x = Formula.image("x", [2, 5, 4])
    for rules in [RuleSet.gradient, .softPullback()] {
      let (fused, fusedPullback) = try network(true).valueWithPullback(at: x, rules: rules)
      let (written, writtenPullback) = try network(false).valueWithPullback(at: x, rules: rules)
      expectClose(fused, written, within: 1e-6)
      expectClose(try fusedPullback(fused), try writtenPullback(fused), within: 2e-6, rules.name)
    }
  }

  /// At the released temperatures GELU's and attention's soft rules are their hard ones; ReLU's is not.
  @Test func hardAndSoftPullback() throws {
    let x: [Float] = [-1.5, 0.2, 3]
    #expect(try pulled(.softPullback(), at: x) { $0.gelu() } == pulled(.hardPullback, at: x) { $0.gelu() })
    #expect(try pulled(.hardPullback, at: x) { $0.relu() } == [0, 1, 1])
    #expect(try pulled(.hardPullback, at: x) { $0.silu() } != pulled(.gradient, at: x) { $0.silu() })
  }
}
