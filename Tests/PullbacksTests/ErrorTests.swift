import Pullbacks
import TestKit
import Testing

/// Every error of graphs, networks, traces and rules says who, what was expected, what was found.
@Suite struct ErrorTests {
  private func message(_ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) -> String {
    do {
      try body()
      Issue.record("nothing was thrown", sourceLocation: sourceLocation)
      return ""
    } catch {
      return (error as? PullbackError)?.description ?? "another error: \(error)"
    }
  }

  private func building(input: [Int] = [3, 8, 8], _ body: (Signal) -> Signal) -> String {
    message { _ = try Graph("tiny", input: input, body) }
  }

  private func tiny() throws -> Network {
    try Formula.network(
      Graph("tiny", input: [3, 8, 8]) {
        $0.convolution("conv", 4, kernel: 3).relu("relu").flatten("flat").linear("fc", 10)
      })
  }

  // MARK: Graph

  @Test func duplicateName() {
    #expect(building { $0.relu("a").gelu("a") } == "node a: the name is used twice")
    #expect(building { $0.relu("input") } == "node input: the name is used twice")
  }

  @Test func firstMistakeIsReported() {
    let problem = building { $0.transposed([0, 1], "turn").relu("a").relu("a") }
    #expect(problem == "node turn: transpose: [0, 1] is not an order of the axes of shape [3, 8, 8]")
  }

  @Test func unnamedNodesAreNamedByKindAndPlace() throws {
    let graph = try Graph("tiny", input: [4]) { $0.relu().relu().gelu() }
    #expect(graph.nodes.map(\.name) == ["input", "relu_1", "relu_2", "gelu_3"])
    #expect(graph.index(of: "relu_2") == 2 && graph.index(of: "nobody") == nil)
  }

  /// An operation, the shapes it is given, and what it says to them.
  struct Misfit: Sendable, CustomTestStringConvertible {
    let operation: any Pullbacks.Operation
    let shapes: [[Int]]
    let problem: String
    var testDescription: String { problem }
    init(_ operation: any Pullbacks.Operation, _ shapes: [Int]..., problem: String) {
      (self.operation, self.shapes, self.problem) = (operation, shapes, problem)
    }
  }

  private static let rank = "expected an input of rank 3 without the batch axis, found shape"

  static let misfits = [
    Misfit(Convolution(4, kernel: 3), [5], problem: "\(rank) [5]"),
    Misfit(Convolution(4, kernel: 3), [1, 2, 5], problem: "a 3x3 kernel does not fit an input of 2x5"),
    Misfit(
      Convolution(4, kernel: 3, groups: 3), [4, 5, 5],
      problem: "3 groups divide neither 4 inputs nor 4 outputs evenly"),
    Misfit(Linear(3), [], problem: "expected a feature axis, found shape []"),
    Misfit(BatchNorm(), [], problem: "expected a channel axis, found a scalar"),
    Misfit(LayerNorm(), [], problem: "expected a feature axis, found a scalar"),
    Misfit(LayerNorm(axis: .channels), [], problem: "expected a feature axis, found a scalar"),
    Misfit(
      ChannelAffine(scale: [1], shift: [0]), [3, 2, 2],
      problem: "1 scales and 1 shifts do not fit an input of shape [3, 2, 2]"),
    Misfit(MaxPool(kernel: 3), [1, 2, 5], problem: "a 3x3 window does not fit an input of 2x5"),
    Misfit(MaxPool(kernel: 3, padding: 2), [1, 9, 9], problem: "padding 2 is more than half of the 3x3 window"),
    Misfit(AveragePool.adaptive(2), [9], problem: "\(rank) [9]"),
    Misfit(Add(), [2, 3], [3, 2], problem: "the shapes [2, 3] and [3, 2] cannot be broadcast together"),
    Misfit(Multiply(), [2, 3], problem: "expected 2 inputs, found 1 of shapes [[2, 3]]"),
    Misfit(Multiply(), [2, 3], [2], problem: "the shapes [2, 3] and [2] cannot be broadcast together"),
    Misfit(Expand(to: [2, 3]), [2], problem: "the shapes [2] and [2, 3] cannot be broadcast together"),
    Misfit(Expand(to: [1, 3]), [2, 3], problem: "shape [2, 3] cannot be repeated to [1, 3]"),
    Misfit(PReLU(slopes: 2), [3, 4], problem: "2 slopes do not fit an input of shape [3, 4]"),
    Misfit(MatrixMultiply(), [2, 3], [2, 3], problem: "the extents of [[2, 3], [2, 3]] do not match"),
    Misfit(
      ScaledDotProductAttention(heads: 1), [2, 3], [2, 4], [2, 3],
      problem: "queries, keys and values of shapes [[2, 3], [2, 4], [2, 3]] do not fit together"),
    Misfit(
      ScaledDotProductAttention(heads: 2), [2, 4], [2, 4], [2, 3],
      problem: "2 heads do not share 4 and 3 features evenly"),
    Misfit(Softmax(), [], problem: "expected a last axis with values, found shape []"),
    Misfit(Reshape([5]), [2, 3], problem: "shape [2, 3] cannot become [5]: the element counts differ"),
    Misfit(Transpose([0, 0]), [2, 3], problem: "[0, 0] is not an order of the axes of shape [2, 3]"),
    Misfit(Slice(axis: 1, 2..<5), [2, 3], problem: "2..<5 of axis 1 is not within shape [2, 3]"),
    Misfit(Concatenate(axis: 2), [2, 3], problem: "axis 2 is not an axis of shape [2, 3]"),
    Misfit(Concatenate(axis: 0), [2, 3], [2, 4], problem: "shapes [2, 3] and [2, 4] differ in more than axis 0"),
    // Settings that no shape fits.
    Misfit(
      Convolution(4, kernel: 3, stride: 0), [1, 5, 5],
      problem: "kernel 3x3, stride 0x0 and dilation 1x1 must be positive and padding 0 not negative"),
    Misfit(
      Convolution(4, kernel: 3, padding: -1), [1, 5, 5],
      problem: "kernel 3x3, stride 1x1 and dilation 1x1 must be positive and padding -1 not negative"),
    Misfit(
      MaxPool(kernel: Extent(0, 1)), [1, 5, 5],
      problem: "kernel 0x1, stride 0x1 and dilation 1x1 must be positive and padding 0 not negative"),
    Misfit(
      AveragePool.sliding(kernel: 2, stride: Extent(1, -1)), [1, 5, 5],
      problem: "kernel 2x2, stride 1x-1 and dilation 1x1 must be positive and padding 0 not negative"),
  ]

  @Test(arguments: misfits + ShapeMisfits.all) func misfit(_ item: Misfit) throws {
    #expect(throws: PullbackError(.usage, item.operation.kind, item.problem)) {
      try item.operation.outputShape(item.shapes)
    }
  }

  /// Axes without extent and values too large to address are refused when the network is described.
  @Test func impossibleExtents() {
    let empty = "an axis has no extent in the shape"
    #expect(building(input: [3, 0, 8]) { $0 } == "node input: input: \(empty) [3, 0, 8]")
    #expect(building(input: [-1]) { $0 } == "node input: input: \(empty) [-1]")
    #expect(building { $0.convolution("conv", 0, kernel: 1) } == "node conv: conv: \(empty) [0, 8, 8]")
    #expect(building { $0.flatten().linear("fc", -2) } == "node fc: linear: \(empty) [-2]")
    #expect(building { $0.adaptiveAveragePool("pool", to: 0) } == "node pool: avgpool: \(empty) [3, 0, 0]")
    let large = "has 2^31 elements or more"
    #expect(
      building(input: [1 << 16, 1 << 15, 1]) { $0 } == "node input: input: the shape [65536, 32768, 1] \(large)")
    #expect(building(input: [.max, 2]) { $0 } == "node input: input: the shape [\(Int.max), 2] \(large)")
    #expect(
      building(input: [1 << 20]) { $0.linear("fc", 1 << 12) }
        == "node fc: linear: the shape [4096, 1048576] \(large)")
  }

  // MARK: Network

  @Test func missingParameters() throws {
    let graph = try tiny().graph
    let weight = Tensor(shape: [4, 3, 3, 3])
    #expect(
      message { _ = try Network(graph, parameters: ["conv.weight": weight, "fc.bias": Tensor(shape: [10])]) }
        == "tiny: 2 of 4 tensors are missing: conv.bias, fc.weight; "
          + "check that the parameters belong to this architecture")
    #expect(
      message { _ = try Network(graph, parameters: [:]) }.hasPrefix(
        "tiny: 4 of 4 tensors are missing: conv.weight, conv.bias, fc.weight and 1 more;"))
  }

  @Test func parameterOfAnotherShape() throws {
    var parameters = try tiny().parameters
    parameters["fc.weight"] = Tensor(shape: [144, 10])
    let graph = try tiny().graph
    #expect(
      message { _ = try Network(graph, parameters: parameters) }
        == "tensor fc.weight: expected shape [10, 144], found [144, 10]; check that the parameters belong to tiny")
  }

  @Test func inputOfAnotherShape() throws {
    let network = try tiny()
    for shape in [[1, 3, 8, 9], [3, 8, 8], [0, 3, 8, 8], [1, 192]] {
      #expect(
        message { _ = try network(Tensor(shape: shape)) }
          == "input of tiny: expected shape (N, 3, 8, 8), found \(shape)")
    }
  }

  @Test func classOutOfRange() throws {
    let network = try tiny()
    for target in [10, -1] {
      #expect(message { _ = try network.oneHot([0, target]) } == "class \(target): tiny has the classes 0 to 9")
    }
    let selected = try network.oneHot([9, 0]).scalars
    #expect(selected.indices.filter { selected[$0] != 0 } == [9, 10] && selected[9] == 1 && selected[10] == 1)
  }

  // MARK: Trace

  @Test func cotangentOfAnotherShape() throws {
    let x = Tensor(shape: [2, 3, 8, 8])
    let (_, pullback) = try tiny().valueWithPullback(at: x)
    let problem = "cotangent: expected the output's shape [2, 10], found [1, 10]"
    #expect(message { _ = try pullback(Tensor(shape: [1, 10])) } == problem)
    let trace = try tiny().trainingTrace(at: x)
    #expect(message { _ = try trace.parameterGradients(Tensor(shape: [1, 10])) } == problem)
  }

  @Test func ruleSetTheTraceWasNotMadeFor() throws {
    let trace = try tiny().trace(at: Tensor(shape: [1, 3, 8, 8]), rules: [.softPullback()])
    var temperatures = Temperatures()
    temperatures[.relu] = 0.5
    for rules in [RuleSet.gradient, .softPullback(temperatures)] {
      #expect(
        message { _ = try trace.pullback(Tensor(shape: [1, 10]), by: rules) }
          == "rule set \(rules.name): the trace was not made for it; name it in trace(at:rules:)")
    }
  }
}
