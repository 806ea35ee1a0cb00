import Pullbacks
import SwiftProtobuf
import Testing

@testable import Onnx

/// Files whose first axis is no batch.
extension HostileFileTests {
  /// Places that depend on each other are no batch: where they are only put into another order, where there are values at
  /// positive numbers alone, and where they are integers. Beside held values a batch stays one.
  @Test func placesThatDependOnEachOther() throws {
    let noBatch = "its first axis is no batch"
    var flipped = TestModel()
    for (name, values) in [("s", [-1]), ("e", [-100]), ("a", [0]), ("m", [-1])] { flipped.integers(name, values) }
    flipped.node("Slice", ["x", "s", "e", "a", "m"], ["y"])
    try expect(flipped, noBatch)

    var logarithm = TestModel()
    logarithm.node("Log", ["x"], ["l"])
    logarithm.node("ReduceMean", ["l"], ["c"], ints: ["axes": [0]])
    logarithm.node("Sub", ["l", "c"], ["y"])
    try expect(logarithm, noBatch)

    for (operation, problem) in [("Sub", noBatch), ("Add", "read")] {
      var tokens = TestModel(inputs: [("x", [0])])
      tokens.proto.graph.input[0].type.tensorType.elemType = 7
      tokens.tensor("table", [2, 3], [1, 2, 3, 5, 8, 13])
      tokens.node("Gather", ["table", "x"], ["g"])
      tokens.node("ReduceMean", ["g"], ["c"], ints: ["axes": [operation == "Sub" ? 0 : -1]])
      tokens.node(operation, ["g", "c"], ["y"])
      try expect(tokens, problem)
    }

    var encoders = TestModel(inputs: [("x", [0, 3]), ("t", [0, 3])])
    encoders.node("Transpose", ["t"], ["u"])
    encoders.node("MatMul", ["x", "u"], ["y"])
    for count in [1, 4] {
      let held = Tensor(shape: [count, 3], (0..<3 * count).map(Float.init))
      let model = try encoders.read(OnnxOptions(held: ["t": held]))
      #expect(model.network.graph.outputShape == [count])
    }
  }

  /// Whether places depend on each other may show at what comes in alone: at its extent, or at its values.
  @Test func placesThatDependOnEachOtherAtWhatComesIn() throws {
    var far = TestModel()
    far.node("Relu", ["x"], ["r"])
    far.tensor("most", [], [40])
    far.node("ReduceMax", ["r"], ["m"], ints: ["axes": [0]])
    far.node("Min", ["m", "most"], ["c"])
    far.node("Sub", ["m", "c"], ["d"])
    far.node("Add", ["x", "d"], ["y"])
    func options(_ values: [Float], _ shape: [Int] = [3]) -> OnnxOptions {
      var options = OnnxOptions()
      options.trial["x"] = Tensor(shape: [values.count / shape.reduce(1, *)] + shape, values)
      return options
    }
    // The largest number matters above 40.
    for values: [Float] in [[1, 2, 3, 40, 5, 6], [41, 2, 3]] {
      #expect(try far.read(options(values)).network.graph.inputShape == [3])
    }
    try expect(far, "its first axis is no batch", "as in x=2x3", options: options([1, 2, 3, 41, 5, 6]))

    // Pictures are taken at their word unless two of them come in.
    var frames = TestModel(inputs: [("x", [0, 1, 2, 1])])
    frames.proto.graph.output = [TestModel.value("y", [0, 1, 2, 1])]
    frames.node("ReduceMean", ["x"], ["m"], ints: ["axes": [0]])
    frames.node("Sub", ["x", "m"], ["y"])
    #expect(try frames.read(options([1, 2], [1, 2, 1])).network.graph.outputShape == [1, 2, 1])
    try expect(frames, "its first axis is no batch", options: options([1, 2, 4, 8, 16, 32], [1, 2, 1]))
  }

  /// Rounding that a deep network makes larger is no dependence.
  @Test func roundingIsNoDependence() throws {
    let x = RandomStream(seed: 1, "places").normals([6, 16])
    var options = OnnxOptions()
    options.trial["x"] = x
    var differences: [Float] = []
    for depth in [1, 4, 8, 12] {
      var deep = TestModel(inputs: [("x", [0, 16])])
      for layer in 0..<depth {
        let weights = RandomStream(seed: 2, "weights", image: layer).normals([16, 16]).scalars
        deep.tensor("w\(layer)", [16, 16], weights)
        deep.node("MatMul", [layer == 0 ? "x" : "h\(layer - 1)", "w\(layer)"], ["m\(layer)"])
        deep.node("Sin", ["m\(layer)"], [layer == depth - 1 ? "y" : "h\(layer)"])
      }
      let whole = OnnxOptions(batch: .none, shapes: ["x": [6, 16]])
      let together = try deep.read(whole).network(x.reshaped([1, 6, 16]))
      let apart = try deep.read(options).network(x)
      differences.append(zip(apart.scalars, together.scalars).map { abs($0 - $1) }.max()!)
      // A dependence is one all the same, if it is larger.
      deep.node("ReduceMean", ["y"], ["mean"], ints: ["axes": [0]])
      deep.node("Add", ["y", "mean"], ["sum"])
      deep.proto.graph.output = [TestModel.value("sum", [0, 16])]
      if depth < 8 { try expect(deep, "its first axis is no batch", options: options) }
    }
    #expect(differences[0] < 1e-4 && differences[3] > 1e-4, "\(differences)")
  }

  /// A vector is no batch of numbers.
  @Test func batchAxis() throws {
    var model = TestModel(inputs: [("x", [5])])
    model.tensor("w", [5], [1, 2, 3, 4, 5])
    model.node("Mul", ["x", "w"], ["y"])
    try expect(model, "its only axis has the fixed extent 5, so there is no batch axis")
    #expect(try model.read(OnnxOptions(batch: .none)).network.graph.outputShape == [5])
  }
}
