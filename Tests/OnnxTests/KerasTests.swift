import Foundation
import Onnx
import Pullbacks
import TestKit
import Testing

/// A transformer's block that Keras wrote, channels last, against TensorFlow in float64 (Tests/Oracles/onnx_keras.py):
/// layer norms as products and sums, with factors and without, and attention by sums of Einstein's with heads merged
/// into the batch.
@Suite struct KerasTests {
  @Test func blockIsMadeOfLayers() throws {
    let model = try OnnxModel(contentsOf: URL(fileURLWithPath: Fixture.path("onnx-keras/block.onnx")))
    let numbers = try Fixture.tensors("onnx-keras")
    let counts = Dictionary(grouping: model.network.graph.nodes, by: \.operation.kind).mapValues(\.count)
    #expect(counts["attention"] == 1 && counts["layernorm"] == 2 && counts["gelu_tanh"] == 1, "\(counts)")
    #expect(counts["softmax"] == nil && counts["multiply"] == nil, "\(counts)")
    for executor in [PlainExecutor() as any Executor, model.network.executor] {
      let (value, pullback) = try model.network.run(by: executor).valueWithPullback(
        at: numbers.tensor("input/picture"), rules: .gradient)
      try expectClose(value, numbers.tensor("value"), within: 1e-6, "value")
      try expectClose(pullback(numbers.tensor("selector")), numbers.tensor("gradient"), within: 2e-6, "gradient")
    }
  }

  /// Ways to write `x s + (β - μ s)`, and sums and products that look like it.
  enum Sum: CaseIterable {
    case norm, exchanged, power, quotient
    case otherAxes, otherMean, notCentred, acrossRows, computedSummand, otherFactor, longConstant

    var isNorm: Bool { [.norm, .exchanged, .power, .quotient].contains(self) }

    /// Of x, (1, 3, 3).
    func model() -> TestModel {
      var model = TestModel(inputs: [("x", [0, 3, 3])])
      model.tensor("gamma", self == .acrossRows ? [3, 1] : [3], [0.5, 1, 2])
      model.tensor("beta", [3], [0.1, -0.2, 0.3])
      model.tensor("epsilon", self == .longConstant ? [1, 1, 1, 1] : [], [0.01])
      model.tensor("half", [], [-0.5])
      model.tensor("one", [], [1])
      model.node("Neg", ["x"], ["other"])
      model.node("ReduceMean", [self == .otherMean ? "other" : "x"], ["m"], ints: ["axes": [2]])
      model.node("Sub", ["x", "m"], ["d"])
      let squared = self == .notCentred ? "x" : "d"
      model.node("Mul", [squared, squared], ["q"])
      model.node("ReduceMean", ["q"], ["v"], ints: ["axes": self == .otherAxes ? [1, 2] : [2]])
      model.node("Add", ["v", "epsilon"], ["e"])
      if self == .power {
        model.node("Pow", ["e", "half"], ["i"])
      } else {
        model.node("Sqrt", ["e"], ["r"])
        if self == .quotient { model.node("Div", ["one", "r"], ["i"]) } else { model.node("Reciprocal", ["r"], ["i"]) }
      }
      model.node("Mul", ["i", "gamma"], ["s"])
      model.node("Mul", ["x", "s"], ["a"])
      model.node("Mul", ["i", "beta"], ["t"])
      model.node("Mul", self == .exchanged ? ["s", "m"] : ["m", self == .otherFactor ? "t" : "s"], ["b"])
      model.node("Sub", [self == .computedSummand ? "m" : "beta", "b"], ["c"])
      model.node("Add", self == .exchanged ? ["c", "a"] : ["a", "c"], ["y"])
      return model
    }

    /// What the nodes say, place by place.
    func value(of x: [[Double]]) -> [Double] {
      let gamma = [0.5, 1, 2]
      let beta = [0.1, -0.2, 0.3]
      let means = x.map { row in (self == .otherMean ? -1 : 1) * row.reduce(0, +) / 3 }
      let squares = zip(x, means).map { row, mean in
        row.reduce(0) { $0 + pow($1 - (self == .notCentred ? 0 : mean), 2) } / 3
      }
      return x.indices.flatMap { row in
        let variance = self == .otherAxes ? squares.reduce(0, +) / 3 : squares[row]
        let inverse = 1 / (variance + 0.01).squareRoot()
        return x[row].indices.map { column in
          let factor = inverse * gamma[self == .acrossRows ? row : column]
          return x[row][column] * factor + (self == .computedSummand ? means[row] : beta[column])
            - means[row] * (self == .otherFactor ? inverse * beta[column] : factor)
        }
      }
    }
  }

  @Test(arguments: Sum.allCases) func sumsThatAreNormsAndOthers(_ sum: Sum) throws {
    let network = try sum.model().read().network
    let rows = [[0.3, -0.4, 0.9], [1.2, 0.1, -0.7], [-0.2, 0.8, 0.5]]
    let y = try network(Tensor(shape: [1, 3, 3], rows.flatMap { $0.map { Float($0) } }))
    expectClose(y.scalars.map(Double.init), sum.value(of: rows), within: 1e-6)
    #expect(network.graph.nodes.contains { $0.operation.kind == "layernorm" } == sum.isNorm)
  }

  /// Attention weights that are multiplied with the values of every head, not of their own, are no attention layer.
  @Test(arguments: [false, true]) func weightsOfOtherHeads(_ isReshapedBefore: Bool) throws {
    var model = TestModel(inputs: [("x", [1, 2, 3, 2])])
    model.integers("heads", [2, 1, 3, 3])
    model.node("Transpose", ["x"], ["k"], ints: ["perm": [0, 1, 3, 2]])
    model.node("MatMul", ["x", "k"], ["scores"])
    if isReshapedBefore {
      model.node("Reshape", ["scores", "heads"], ["r"])
      model.node("Softmax", ["r"], ["p"], numbers: ["axis": -1])
    } else {
      model.node("Softmax", ["scores"], ["w"], numbers: ["axis": -1])
      model.node("Reshape", ["w", "heads"], ["p"])
    }
    model.node("MatMul", ["p", "x"], ["y"])
    let network = try model.read().network
    #expect(!network.graph.nodes.contains { $0.operation.kind == "attention" })
    let x = Formula.image("x", [1, 2, 3, 2])
    let y = try network(x)
    func value(_ head: Int, _ row: Int, _ column: Int) -> Double { Double(x.scalars[(head * 3 + row) * 2 + column]) }
    var expected: [Double] = []
    for head in 0..<2 {
      for values in 0..<2 {
        for row in 0..<3 {
          let scores = (0..<3).map { key in exp((0..<2).reduce(0) { $0 + value(head, row, $1) * value(head, key, $1) })
          }
          for column in 0..<2 {
            expected.append((0..<3).reduce(0) { $0 + scores[$1] * value(values, $1, column) } / scores.reduce(0, +))
          }
        }
      }
    }
    expectClose(y.scalars.map(Double.init), expected, within: 1e-6)
  }
}
