import Execution
import Pullbacks
import TestKit
import Testing

/// Descriptions and rules that nobody would write on purpose.
@Suite(.serialized) struct HostileGraphTests {
  /// Behind an embedding of tokens beside a picture nothing is pulled back: zeros would be a wrong answer.
  @Test func stopsBehindIntegers() throws {
    let graph = try Graph(
      "both", inputs: [.init("x", [3, 4]), .init("ids", [3], type: .int64)]
    ) { inputs in
      [("logits", inputs[0].adding(inputs[1].embedding("e", 7, width: 4)).flatten().linear("fc", 2))]
    }
    let network = try Formula.network(graph)
    let ids = Tensor(shape: [1, 3], integers: [1, 5, 0])
    let trace = try network.trace(at: ["x": Formula.image("x", [1, 3, 4]), "ids": ids], rules: [.gradient])
    let v = Formula.image("v", [1, 2])
    let error = try #require(throws: PullbackError.self) { try trace.pullback(v, by: .gradient, to: "e") }
    #expect(
      error.description
        == "node e: it depends on integers alone, and cotangents are pulled back to what depends on inputs of floats; "
        + "start the network there, by starting(at:)")
    let embedded = try network.starting(at: "e")
    let there = try embedded.trace(
      at: [
        "x": Formula.image("x", [1, 3, 4]), "e": network.truncated(at: "e").trace(at: ["ids": ids], rules: []).value,
      ],
      rules: [.gradient])
    #expect(try there.pullback(v, by: .gradient, to: "e").imageNorms[0] > 0)
  }

  /// A convolution and its batch norm stand around a larger map of another branch, and around the convolution at which
  /// the batch goes on together.
  @Test func layersOfAChainFarApart() throws {
    let graph = try Graph("branches", input: [2, 16, 16]) { x in
      let first = x.convolution("first", 2, kernel: 3, stride: 2, padding: 1)
      let large = x.convolution("large", 2, kernel: 3, padding: 1).relu("large_relu").maxPool("pool", kernel: 2)
      let other = large.convolution("other", 2, kernel: 3, padding: 1)
      return first.batchNorm("norm").relu("relu").adding(other, "sum").flatten().linear("fc", 2)
    }
    let network = try Formula.network(graph)
    let (x, v) = (Formula.image("images", [3, 2, 16, 16]), Formula.image("cotangent", [3, 2]))
    let results = try [network.run(by: .plain), network.run(by: .fused)].map {
      let (value, pullback) = try $0.valueWithPullback(at: x, rules: .softPullback())
      return (value, try pullback(v))
    }
    #expect(identicalBits(results[0].0, results[1].0) && identicalBits(results[0].1, results[1].1))
  }

  /// A value is taken by an activation, whose convolution comes late, and by others in between: its cotangent is summed
  /// up in the order of its consumers all the same.
  @Test(arguments: 0..<3) func cotangentsOfManyConsumers(_ variant: Int) throws {
    let graph = try Graph("consumers", input: [3, 12, 12]) { x in
      let z = x.convolution("z", 4, kernel: 3, padding: 1)
      let other = x.convolution("other", 4, kernel: 3, padding: 1)
      let (value, taken) =
        switch variant {
        case 0: (z, z)
        case 1: (z.batchNorm("norm"), z)
        default: (z.batchNorm("norm").adding(other, "sum"), other)
        }
      let rectified = value.relu("relu")
      let others = [
        taken.gelu("gelu"), taken.silu("silu"), taken.averagePool("pool", kernel: 3, stride: 1, padding: 1),
      ]
      let late = rectified.convolution("late", 4, kernel: 3, padding: 1)
      return others.reduce(late) { $0.adding($1) }.flatten().linear("fc", 3)
    }
    let network = try Formula.network(graph)
    let (x, v) = (Formula.image("images", [2, 3, 12, 12]), Formula.image("cotangent", [2, 3]))
    let pulled = try [network.run(by: .plain), network.run(by: .fused)].map {
      try $0.valueWithPullback(at: x, rules: .gradient).pullback(v)
    }
    #expect(identicalBits(pulled[0], pulled[1]))
  }

  /// The one input that the output depends on is held: the other stays, as an input that nothing depends on.
  @Test func holdingAllThatMatters() throws {
    let graph = try Graph("two", inputs: [.init("a", [3]), .init("b", [2])]) { [("out", $0[0].linear("fc", 2))] }
    let network = try Formula.network(graph)
    let held = try network.holding("a", at: Tensor(shape: [3], [1, 2, 3]))
    #expect(held.graph.inputs.map(\.name) == ["b"])
    let expected = try network.trace(
      at: ["a": Tensor(shape: [1, 3], [1, 2, 3]), "b": Tensor(shape: [1, 2])], rules: []
    ).value
    #expect(try held(Tensor(shape: [4, 2])) == expected.repeated(4))
  }

  @Test func namesThatNodesWouldGetAreTaken() throws {
    let graph = try Graph("tiny", input: [4]) { $0.relu("relu_2").relu().relu() }
    #expect(Set(graph.nodes.map(\.name)).count == 4)
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "nothing was thrown"
  }

  @Test func signalsOfAnotherNetwork() {
    var kept: Signal?
    _ = try? Graph("one", input: [4]) { x in
      kept = x.relu().relu().relu()
      return kept!
    }
    #expect(
      message { _ = try Graph("two", input: [4]) { $0.adding(kept!, "sum") } }
        .hasPrefix("node sum: an input is a signal of another network"))
    #expect(
      message { _ = try Graph("two", input: [4]) { _ in kept! } }
        == "output output: it is a signal of another network")
  }

  static let ofOne: [any Pullbacks.Operation] = [
    ReLU(), GELU(), Sigmoid(), PReLU(), Softmax(), Identity(), Reshape([8]), Transpose([1, 0]), Slice(axis: 0, 0..<1),
    Linear(2), Convolution.sequence(2, kernel: 1), BatchNorm(), LayerNorm(), GroupNorm(groups: 1), RMSNorm(),
    MaxPool.sequence(kernel: 2), AveragePool.slidingSequence(kernel: 2), Reduce(.mean, axes: [0]),
    CumulativeSum(axis: 0), Pad([0, 0], [0, 1]), UnaryFunction.exp, Expand(to: [2, 4]),
  ]

  @Test func operationsOfOneInputTakeNoOther() {
    for operation in Self.ofOne {
      #expect(
        message { _ = try Graph("tiny", input: [2, 4]) { $0.apply(operation, "node", with: $0) } }
          == "node node: \(operation.kind): expected 1 input, found 2 of shapes [[2, 4], [2, 4]]")
    }
  }

  /// Why nothing can be pulled back is said as it is.
  @Test func outputsThatNothingIsPulledBackFrom() throws {
    func refusal(_ input: Graph.InputDescription, _ x: Tensor, _ body: (Signal) -> Signal) -> String {
      message {
        let graph = try Graph("tiny", inputs: [input]) { [("out", body($0[0]))] }
        _ = try Formula.network(graph).trace(at: x, rules: [.gradient])
      }
    }
    #expect(
      refusal(.init("x", [2]), Tensor(shape: [1, 2])) { $0.constant(Tensor(shape: [2]), "mask") }
        == "node mask: the output does not depend on an input: there is nothing to pull back to")
    let ids = Tensor(shape: [1, 3], integers: [0, 1, 2])
    #expect(
      refusal(.init("ids", [3], type: .int64), ids) { $0.embedding("words", 4, width: 2).flatten().linear("fc", 2) }
        == "node fc: the output depends on integers alone, and no cotangent reaches an integer; "
        + "explain the network from words on: by starting(at:), or by exporting it from there")
  }

  @Test func cotangentOfIntegers() throws {
    let network = try Formula.network(Graph("tiny", input: [4]) { $0.linear("fc", 2) })
    let trace = try network.trace(at: Tensor(shape: [1, 4]), rules: [.gradient])
    #expect(
      message { _ = try trace.pullback(Tensor(shape: [1, 2], integers: [0, 1]), by: .gradient) }
        == "cotangent: expected floats, found integers")
  }
}

/// What other people write and what breaks its contract ends the program with a message.
@Suite struct BrokenContractTests {
  struct Undeclared: Rule {
    var equation: String { "v z" }
    var source: String { "nobody" }
    func needs(at operation: any Pullbacks.Operation) -> Needs { [] }
    func pull(_ v: Tensor, at site: Site) -> [Tensor?] { [site.input()] }
  }

  struct Misshapen: Pullbacks.Operation {
    var kind: String { "misshapen" }
    var character: OperationCharacter { .linear }
    func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] { inputs[0] }
    func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
      Evaluation(Tensor(shape: [inputs[0].shape[0], 1]))
    }
    func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [v] }
  }

  private static func run(_ rule: (any Rule)?, _ layer: @Sendable (Signal) -> Signal) throws {
    let graph = try Graph("tiny", input: [3, 8, 8]) { layer($0).flatten().linear("fc", 2) }
    let network = try Formula.network(graph)
    let rules = rule.map { RuleSet.gradient.overriding(.node("layer"), with: $0) } ?? .gradient
    for executor in [PlainExecutor(), FastExecutor()] as [any Executor] {
      let (_, pullback) = try network.run(by: executor).valueWithPullback(
        at: Tensor(shape: [1, 3, 8, 8]), rules: rules)
      _ = try pullback(network.oneHot([0]))
    }
  }

  private func said(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }

  @Test func ruleReadsWhatItDidNotDeclare() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try Self.run(Undeclared()) { $0.relu("layer") }
    }
    #expect(said(result).contains("node layer: its rule or its relu reads an input in the backward pass"))
  }

  @Test func ruleGivesAnotherShape() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try Self.run(PassThrough()) { $0.convolution("layer", 2, kernel: 3) }
    }
    #expect(said(result).contains("node layer: the rule for this conv gives a cotangent of shape [1, 2, 6, 6]"))
  }

  @Test func operationGivesAnotherShape() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try Self.run(nil) { $0.apply(Misshapen(), "layer") }
    }
    #expect(said(result).contains("node layer: the value of misshapen is float32 of shape [1, 1]"))
  }

  @Test func imagesThatABatchDoesNotHave() async {
    await #expect(processExitsWith: .failure) { _ = Tensor(shape: [2, 3]).image(2) }
    await #expect(processExitsWith: .failure) { _ = Tensor(shape: [2, 3]).image(-1) }
  }
}
