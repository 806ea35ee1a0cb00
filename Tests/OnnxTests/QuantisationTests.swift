import Pullbacks
import TestKit
import Testing

@testable import Onnx

/// Quantisers of constants round and clip them; those of values are passed through, or are the ReLU that they stand for.
@Suite struct QuantisationTests {
  private static func model(scale: Float, zero: Int32, type: Int32) -> TestModel {
    var model = TestModel()
    model.tensor("s", [], [scale])
    model.proto.graph.initializer.append(
      .with {
        $0.name = "z"
        $0.dataType = type
        $0.int32Data = [zero]
      })
    return model
  }

  /// uint8 and int8, with and without a shift; the last value lies beyond what the type holds, two lie between places.
  @Test(arguments: [(Int32(2), Int32(0), 0...255), (2, 128, 0...255), (3, 0, -128...127), (3, -5, -128...127)])
  func constantsAreRounded(type: Int32, zero: Int32, range: ClosedRange<Int>) throws {
    var model = Self.model(scale: 0.25, zero: zero, type: type)
    let values: [Float] = [0.5, -0.625, 1e4]
    model.tensor("w", [3], values)
    model.node("QuantizeLinear", ["w", "s", "z"], ["q"])
    model.node("DequantizeLinear", ["q", "s", "z"], ["d"])
    model.node("Mul", ["x", "d"], ["y"])
    let y = try model.read().network(Tensor(shape: [1, 3], [1, 1, 1]))
    let expected = values.map { value in
      let place = Int((value / 0.25).rounded(.toNearestOrEven)) + Int(zero)
      return 0.25 * Float(min(max(place, range.lowerBound), range.upperBound) - Int(zero))
    }
    #expect(y.scalars == expected)
  }

  /// Behind a layer a least value of 0 is a ReLU, and 6 as the largest a ReLU6; behind a ReLU, or with another least
  /// value, it is nothing.
  @Test(
    arguments: [
      (Float(0.1), Int32(0), Int32(2), false, "relu"), (6 / 255, 0, 2, false, "relu6"), (0.1, -128, 3, false, "relu"),
      (0.1, 128, 2, false, nil), (0.1, 0, 3, false, nil), (0.1, 0, 2, true, nil),
    ] as [(Float, Int32, Int32, Bool, String?)])
  func quantisersStandForActivations(_ test: (scale: Float, zero: Int32, type: Int32, rectified: Bool, kind: String?))
    throws
  {
    var model = Self.model(scale: test.scale, zero: test.zero, type: test.type)
    model.tensor("b", [3], [0.5, 0, -8])
    model.node("Add", ["x", "b"], ["a"])
    if test.rectified { model.node("Relu", ["a"], ["r"]) }
    model.node("QuantizeLinear", [test.rectified ? "r" : "a", "s", "z"], ["q"])
    model.node("DequantizeLinear", ["q", "s", "z"], ["y"])
    let read = try model.read()
    let y = try read.network(Tensor(shape: [1, 3], [-3, 2, 20]))
    let plain: [Float] = [-2.5, 2, 12]
    let ceiling: Float = test.kind == "relu6" ? 6 : .infinity
    #expect(y.scalars == (test.kind == nil && !test.rectified ? plain : plain.map { min(max(0, $0), ceiling) }))
    let gates = read.network.graph.nodes.map(\.operation.kind).filter { $0.hasPrefix("relu") }
    #expect(gates == (test.rectified ? ["relu"] : test.kind.map { [$0] } ?? []))
    #expect(read.notes.contains { $0.contains("passed straight through") })
  }

  @Test func constantsHaveRemaindersOfTheirSign() throws {
    var model = TestModel()
    model.tensor("a", [3], [-7.5, 7.5, -2.5])
    model.tensor("b", [3], [3, 3, 1])
    model.node("Mod", ["a", "b"], ["m"], numbers: ["fmod": 1])
    model.node("Add", ["x", "m"], ["y"])
    #expect(try model.read().network(Tensor(shape: [1, 3], [0, 0, 0])).scalars == [-1.5, 1.5, -0.5])
  }

  /// Where the file calls another axis the batch, its first one is none.
  @Test func theBatchIsTheFirstAxis() throws {
    var model = TestModel(inputs: [("x", [6, 0, 8])])
    model.proto.graph.input[0].type.tensorType.shape.dim[1].dimParam = "Batch_size"
    model.node("Relu", ["x"], ["y"])
    let error = try #require(throws: PullbackError.self) { try model.read() }
    #expect(error.problem.contains("axis 1 is called the batch") && error.subject.contains("input \"x\""))
  }
}
