import Execution
import Pullbacks
import TestKit
import Testing

/// Rules of layer-wise relevance propagation against zennit in float64 (Tests/Oracles/lrp.py).
@Suite(.serialized) struct RelevanceRuleTests {
  /// The epsilon rule divides by outputs of either sign: one near zero amplifies rounding, in PyTorch's float32 to
  /// 2.8e-6 for the first convolution, whose smallest output is 0.03.
  @Test(arguments: RelevanceCase.all) func rule(_ item: RelevanceCase) throws {
    let tolerance = item.name == "Epsilon-conv" ? 1e-5 : 2e-6
    let network = try item.network()
    for executor in [FastExecutor.fast, PlainExecutor.plain] as [any Executor] {
      let found = try item.relevance(by: item.rule, network.run(by: executor))
      for (found, expected) in zip(found, item.expected) { expectClose(found, expected, within: tolerance, item.name) }
    }
  }

  /// The rule that CONTRIBUTING.md and the documentation show.
  struct ZPlus: Rule {
    let equation = "x+ A^T(q; W+) + x- A^T(q; W-), q = R / (A(x+; W+, b+) + A(x-; W-, 0))"
    let source = "Montavon et al. 2019, doi 10.1007/978-3-030-28954-6_10"
    func needs(at operation: any Pullbacks.Operation) -> Needs { .inputs }
    func pull(_ relevance: Tensor, at site: Site) -> [Tensor?] {
      site.share(
        relevance,
        among: [
          ([site.input().positivePart], site.parameters(weights: \.positivePart, biases: \.positivePart)),
          ([site.input().negativePart], site.parameters(weights: \.negativePart) { 0 * $0 }),
        ], epsilon: 1e-6)
    }
  }

  @Test(arguments: ["ZPlus-conv", "ZPlus-linear"]) func writtenByHand(_ name: String) throws {
    let item = try #require(RelevanceCase.all.first { $0.name == name })
    let asData = RelevanceRule(
      "shares in x+ W+ + x- W- + b+", source: "Montavon et al. 2019", epsilon: 1e-6,
      .init(
        among: .init(.positive, weights: .positive, biases: .positive),
        .init(.negative, weights: .negative, biases: .zero)))
    for rule in [ZPlus(), asData] as [any Rule] {
      let found = try item.relevance(by: rule, item.network())
      expectClose(found[0], item.expected[0], within: 2e-6, name)
    }
  }

  /// A table's rule for everything is asked for nothing at inputs, which take nothing, although cotangents pass one on
  /// their way to another.
  @Test func inputsNeedNoRule() throws {
    let graph = try Graph("two", inputs: [Graph.InputDescription("a", [2]), Graph.InputDescription("b", [2])]) {
      [("sum", $0[0].adding($0[1], "sum"))]
    }
    let rules = RuleSet("norm", [(.any, RelevanceRule.norm(epsilon: 0))])
    for executor in [PlainExecutor.plain, .fast] as [any Executor] {
      let network = try Network(graph, parameters: [:], executor: executor)
      let inputs = ["a": Tensor(shape: [1, 2], [1, 3]), "b": Tensor(shape: [1, 2], [1, -1])]
      let trace = try network.trace(at: inputs, rules: [rules])
      let relevance = try trace.pullbacks(Tensor(shape: [1, 2], [4, 4]), by: rules, to: ["a", "b"])
      #expect(relevance["a"]?.scalars == [2, 6] && relevance["b"]?.scalars == [2, -2])
    }
  }

  /// Rules are told apart by every number, and refused where they have no meaning.
  @Test func identity() throws {
    let rules: [RelevanceRule] = [
      .epsilon(), .epsilon(1e-3), .zPlus(), .zPlus(epsilon: 0), .alphaBeta(alpha: 2, beta: 1),
      .alphaBeta(alpha: 3, beta: 2), .gamma(0.25), .gamma(0.5), .box(low: [-1], high: [1]), .box(low: [-1], high: [2]),
      .wSquare(), .flat(),
    ]
    #expect(Set(rules).count == rules.count && Set(rules.map(\.equation)).count == rules.count)
    #expect(RelevanceRule.norm() == .epsilon())
    let graph = try Graph("tiny", input: [3]) { $0.relu("relu") }
    #expect(
      throws: PullbackError(
        .usage, "node relu",
        "the rule \"\(RelevanceRule.flat().equation)\" is for linear operations, and this is a relu")
    ) {
      try Network(graph, parameters: [:]).trace(
        at: Tensor(shape: [1, 3]), rules: [RuleSet("wrong", [(.any, RelevanceRule.flat())])])
    }
  }

  /// Without biases and epsilon every rule conserves relevance; an output of zero hands nothing on.
  @Test func conservation() throws {
    let graph = try Graph("layer", input: [2, 5, 4]) { $0.convolution("conv", 3, kernel: 3, bias: false) }
    let network = try Formula.network(graph)
    let x = Formula.image("x", [2, 2, 5, 4])
    let rules: [RelevanceRule] = [
      .epsilon(0), .zPlus(epsilon: 0), .alphaBeta(alpha: 2, beta: 1, epsilon: 0), .gamma(0.25, epsilon: 0),
      .box(low: [-1], high: [1], epsilon: 0), .wSquare(epsilon: 0), .flat(epsilon: 0),
    ]
    for rule in rules {
      let table = RuleSet("one rule", [(.any, rule)])
      let trace = try network.trace(at: x, rules: [table])
      let relevance = Formula.image("relevance", trace.value.shape)
      let sums = [relevance, try trace.pullback(relevance, by: table)].map { $0.scalars.reduce(0) { $0 + Double($1) } }
      #expect(abs(sums[0] - sums[1]) < 1e-4, "\(rule.equation)")
    }
    let table = RuleSet("one rule", [(.any, RelevanceRule.epsilon(0))])
    let trace = try network.trace(at: Tensor(shape: x.shape), rules: [table])
    let nothing = try trace.pullback(Tensor(shape: trace.value.shape, repeating: 1), by: table)
    #expect(nothing.scalars.allSatisfy { $0 == 0 })
  }
}
