import Foundation
import Pullbacks
import SwiftProtobuf
import TestKit
import Testing

@testable import Onnx

/// Small graphs of both of torch's exporters against PyTorch in float64 (Tests/Oracles/onnx_fixtures.py).
@Suite struct ReadingTests {
  static let numbers = try! Fixture.tensors("onnx")
  static let folder = URL(fileURLWithPath: Fixture.path("onnx"))

  static func model(_ name: String, _ options: OnnxOptions = OnnxOptions()) throws -> OnnxModel {
    try OnnxModel(contentsOf: folder.appendingPathComponent("\(name).onnx"), options: options)
  }

  /// What PyTorch has under a name; a mask is integers.
  static func number(_ case: String, _ what: String) throws -> Tensor { try numbers.tensor("\(`case`)/\(what)") }

  static func inputs(_ case: String, of model: OnnxModel) throws -> [String: Tensor] {
    var inputs: [String: Tensor] = [:]
    for input in model.network.graph.inputs {
      let value = try number(`case`, input.name)
      inputs[input.name] =
        input.type == .float32 ? value : Tensor(shape: value.shape, integers: value.scalars.map { Int64($0) })
    }
    return inputs
  }

  static let files = [
    "plain-torchscript-11", "plain-torchscript-17", "plain-dynamo-18",
    "encoder-torchscript-14", "encoder-torchscript-17", "encoder-dynamo-18",
    "encoder-open-torchscript-11", "encoder-open-dynamo-18", "encoder-open-dynamo-20",
    "encoder-rms-dynamo-20", "encoder-rms-dynamo-23", "decoder-torchscript-14", "decoder-dynamo-18",
    "segmenter-torchscript-11", "segmenter-torchscript-18", "segmenter-dynamo-18", "channels-torchscript-13",
    "channels-dynamo-20", "quantised", "halves",
  ]

  /// The name of the numbers that belong to a file.
  static func name(of file: String) -> String {
    file.replacing("-torchscript", with: "").replacing("-dynamo", with: "").split(separator: "-")
      .filter { Int($0) == nil }.joined(separator: "-")
  }

  /// Tensors are decoded one by one, and the rest without them: together they are the whole.
  @Test(arguments: files) func nothingIsLost(_ file: String) throws {
    let url = Self.folder.appendingPathComponent("\(file).onnx")
    var whole = try Onnx_ModelProto(serializedBytes: Data(contentsOf: url))
    let read = try ModelFile(path: url.path)
    #expect(read.takeTensors() == whole.graph.initializer)
    whole.graph.initializer = []
    #expect(read.model == whole)
  }

  @Test(arguments: files) func agreesWithPyTorch(_ file: String) throws {
    let name = Self.name(of: file)
    let model = try Self.model(file)
    for executor in [PlainExecutor() as any Executor, model.network.executor] {
      let trace = try model.network.run(by: executor).trace(at: Self.inputs(name, of: model), rules: [.gradient])
      expectClose(trace.value, try Self.number(name, "value"), within: 3e-6, "\(file) value")
      let gradient = try trace.pullback(Self.number(name, "selector"), by: .gradient)
      expectClose(gradient, try Self.number(name, "gradient"), within: 1e-5, "\(file) gradient")
    }
  }

  /// Whatever way a graph is written in, its layers are the same, and so are its pullbacks.
  @Test(arguments: [
    ["encoder-torchscript-14", "encoder-torchscript-17", "encoder-dynamo-18"],
    ["encoder-open-torchscript-11", "encoder-open-dynamo-18", "encoder-open-dynamo-20"],
    ["plain-torchscript-11", "plain-torchscript-17", "plain-dynamo-18"],
    ["encoder-rms-dynamo-20", "encoder-rms-dynamo-23"], ["decoder-torchscript-14", "decoder-dynamo-18"],
    ["segmenter-torchscript-11", "segmenter-dynamo-18"], ["channels-torchscript-13", "channels-dynamo-20"],
  ]) func waysOfWritingAgree(_ files: [String]) throws {
    var temperatures = Temperatures()
    temperatures[.attention] = 2
    let soft = RuleSet.softPullback(temperatures)
    let name = Self.name(of: files[0])
    var first: Tensor?
    for file in files {
      let model = try Self.model(file)
      let trace = try model.network.trace(at: Self.inputs(name, of: model), rules: [soft])
      let pulled = try trace.pullback(Self.number(name, "selector"), by: soft)
      if let first { expectClose(pulled, first, within: 1e-5, file) } else { first = pulled }
    }
  }

  /// Layers that files write out in primitives are layers of the network.
  @Test(
    arguments: [
      ("encoder-torchscript-14", ["attention": 1, "layernorm": 2, "gelu": 1]),
      ("encoder-dynamo-18", ["attention": 1, "layernorm": 2, "gelu": 1]),
      ("encoder-open-torchscript-11", ["attention": 1, "layernorm": 2, "gelu_tanh": 1]),
      ("encoder-open-dynamo-20", ["attention": 1, "layernorm": 2, "gelu_tanh": 1]),
      ("encoder-rms-dynamo-20", ["attention": 1, "layernorm": 1, "rmsnorm": 1, "gelu": 1]),
      ("encoder-rms-dynamo-23", ["attention": 1, "layernorm": 1, "rmsnorm": 1, "gelu": 1]),
      ("decoder-torchscript-14", ["attention": 1, "layernorm": 1]),
      ("decoder-dynamo-18", ["attention": 1, "layernorm": 1]),
      (
        "plain-torchscript-11", ["silu": 1, "hardswish": 1, "mish": 1, "relu6": 1, "relu": 1, "leakyrelu": 1, "elu": 1]
      ),
      ("plain-dynamo-18", ["silu": 1, "hardswish": 1, "mish": 1, "relu6": 1, "relu": 1, "leakyrelu": 1, "elu": 1]),
      ("segmenter-torchscript-11", ["groupnorm": 1, "instancenorm": 1, "softplus": 1]),
      ("segmenter-dynamo-18", ["groupnorm": 1, "instancenorm": 1, "softplus": 1]),
      ("channels-torchscript-13", ["layernorm": 1, "statistic": 1]),
      ("channels-dynamo-20", ["layernorm": 1, "statistic": 1]),
    ] as [(String, [String: Int])]) func layersAreRecognised(_ file: String, _ layers: [String: Int]) throws
  {
    let graph = try Self.model(file).network.graph
    let counts = Dictionary(grouping: graph.nodes, by: \.operation.kind).mapValues(\.count)
    for (kind, count) in layers { #expect(counts[kind] == count, "\(file): \(kind) in \(counts)") }
    #expect(counts["softmax"] == nil && counts["erf"] == nil && counts["tanh"] == nil, "\(file): \(counts)")
  }

  /// The names that exporters give their nodes stay, and each is accounted for once.
  @Test func namesStay() throws {
    let model = try Self.model("plain-torchscript-17")
    let graph = model.network.graph
    let names = graph.nodes.map(\.name)
    for name in ["/conv1/Conv", "/pool/MaxPool", "/squeeze/Conv", "/fc/Gemm"] {
      #expect(names.contains(name), "\(name)")
    }
    #expect(graph.parameters.map(\.name).contains("/conv1/Conv.weight"))
    #expect(model.nodes.contains { $0.name == "/conv1/Conv" && $0.op == "Conv" && $0.nodes == ["/conv1/Conv"] })
    #expect(model.opset == 17 && model.producer.hasPrefix("pytorch"))
    let records = try Self.model("encoder-open-torchscript-11").nodes
    #expect(records.contains { $0.op == "Softmax" && $0.reason.hasPrefix("part of Attention") })
  }

  /// An open extent is asked for by its name, and is set by it.
  @Test func openExtentsAreSaid() throws {
    let model = try Self.model("plain-torchscript-17", OnnxOptions(shapes: ["x": [7, 3, 24, 24]]))
    #expect(model.network.graph.inputShape == [3, 24, 24])
    let whole = try Self.model("quantised", OnnxOptions(batch: .none, extents: ["n": 3]))
    #expect(whole.network.graph.inputShape == [3, 3, 6, 6])
    #expect(whole.notes.contains { $0.contains("passed straight through") })
    #expect(throws: PullbackError.self) { try Self.model("quantised", OnnxOptions(batch: .none)) }
  }

  /// A softmax at the end is left out unless it is asked for, also one that is written out.
  @Test func networksEndAtLogits() throws {
    var whole = TestModel()
    whole.node("Softmax", ["x"], ["y"], name: "softmax", numbers: ["axis": 1])
    var parts = TestModel()
    parts.proto.opsetImport[0].version = 11
    parts.node("ReduceMax", ["x"], ["m"], ints: ["axes": [1]])
    parts.node("Sub", ["x", "m"], ["d"])
    parts.node("Exp", ["d"], ["e"])
    parts.node("ReduceSum", ["e"], ["s"], ints: ["axes": [1]])
    parts.node("Div", ["e", "s"], ["y"], name: "softmax")
    var options = OnnxOptions()
    options.endsAtLogits = false
    for model in [whole, parts] {
      let logits = try model.read()
      #expect(logits.network.graph.nodes.map(\.operation.kind) == ["input", "identity"])
      #expect(logits.notes.contains { $0.contains("ends at logits") })
      #expect(!logits.notes.contains { $0.contains("across the images") })
      #expect(try model.read(options).network.graph.nodes.map(\.operation.kind) == ["input", "softmax"])
    }
    whole.proto.graph.node[0].attribute[0].i = 0
    #expect(try whole.read().notes.contains { $0.contains("over axis 0, across the images of a batch") })
  }

  /// Logits may be laid out anew behind a softmax; other bounded functions at the end are activations, which have a
  /// derivative.
  @Test func boundedFunctionsAtTheEnd() throws {
    var turned = TestModel()
    turned.node("Softmax", ["x"], ["s"], numbers: ["axis": 1])
    turned.node("Unsqueeze", ["s", "axes"], ["y"])
    turned.integers("axes", [2])
    let logits = try turned.read()
    #expect(logits.network.graph.outputShape == [3, 1] && logits.notes.contains { $0.contains("ends at logits") })

    var capped = TestModel()
    capped.node("Tanh", ["x"], ["t"])
    capped.tensor("most", [], [2])
    capped.node("Mul", ["t", "most"], ["y"])
    let x = Tensor(shape: [1, 3], [0.3, -0.4, 0.9])
    let pullback = try capped.read().network.valueWithPullback(at: x, rules: .hardPullback).pullback
    let slopes = x.scalars.map { 2 * (1 - tanh(Double($0)) * tanh(Double($0))) }
    expectClose(try pullback(Tensor(shape: [1, 3], [1, 1, 1])).scalars.map(Double.init), slopes, within: 1e-6)
  }

  /// Of two bounded functions in a product the one that is more of a gate gates the other; of equals, each is held in turn.
  @Test func productsOfBoundedFunctions() throws {
    for (first, second) in [("Tanh", "Sigmoid"), ("Sigmoid", "Tanh"), ("Sigmoid", "Sigmoid")] {
      var model = TestModel()
      model.tensor("half", [], [0.5])
      model.node("Mul", ["x", "half"], ["h"])
      model.node(first, ["x"], ["a"])
      model.node(second, ["h"], ["b"])
      model.node("Mul", ["a", "b"], ["y"])
      let x = Tensor(shape: [1, 3], [0.3, -0.4, 0.9])
      let pullback = try model.read().network.valueWithPullback(at: x, rules: .hardPullback).pullback
      func value(_ op: String, _ x: Double) -> Double { op == "Tanh" ? tanh(x) : 1 / (1 + exp(-x)) }
      func slope(_ op: String, _ x: Double) -> Double {
        op == "Tanh" ? 1 - tanh(x) * tanh(x) : value(op, x) * (1 - value(op, x))
      }
      let expected = x.scalars.map(Double.init).map { x in
        (second == "Tanh" ? 0 : slope(first, x) * value(second, x / 2))
          + (first == "Tanh" ? 0 : value(first, x) * slope(second, x / 2) / 2)
      }
      expectClose(try pullback(Tensor(shape: [1, 3], [1, 1, 1])).scalars.map(Double.init), expected, within: 1e-6)
    }
  }

  /// What the kept outputs do not need is not read.
  @Test func nodesOfOtherOutputs() throws {
    var model = TestModel(outputs: ["y", "z"])
    model.node("Relu", ["x"], ["y"])
    model.node("ZipMap", ["y"], ["z"])
    #expect(throws: PullbackError.self) { try model.read() }
    let read = try model.read(OnnxOptions(outputs: ["y"]))
    #expect(read.network.graph.outputShape == [3])
    #expect(read.nodes.map(\.reason).last == "nothing depends on it any more")
  }

  /// A bounded function gates in a product, and is an activation elsewhere.
  @Test func boundedFunctionsGateOrNot() throws {
    var model = TestModel()
    model.tensor("w", [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 10])
    model.node("Tanh", ["x"], ["t"])
    model.node("MatMul", ["t", "w"], ["a"])
    model.node("Sigmoid", ["a"], ["g"])
    model.node("Mul", ["a", "g"], ["b"])
    model.node("Sigmoid", ["x"], ["k"])
    model.node("Mul", ["b", "k"], ["y"])
    let network = try model.read().network
    let x = Tensor(shape: [1, 3], [0.3, -0.4, 0.9])
    let (_, pullback) = try network.valueWithPullback(at: x, rules: .hardPullback)
    let a = Tensor(shape: [1, 3], [0.29131 * 1 - 0.37995 * 4 + 0.71630 * 7, 0, 0])
    #expect(network.graph.nodes.map(\.operation.kind) == ["input", "tanh", "linear", "silu", "sigmoid", "multiply"])
    #expect(
      network.graph.nodes[1].operation.character == .linear && network.graph.nodes[4].operation.character == .routing)
    // The first output: SiLU's gate and the sigmoid's are constant, the hyperbolic tangent is derived.
    let pulled = try pullback(Tensor(shape: [1, 3], [1, 0, 0])).scalars
    func sigmoid(_ z: Float) -> Float { 1 / (1 + exp(-z)) }
    let expected = zip(x.scalars, [Float(1), 4, 7]).map { z, w in
      sigmoid(0.3) * sigmoid(a[0, 0]) * w * (1 - tanh(z) * tanh(z))
    }
    expectClose(Tensor(shape: [3], pulled), Tensor(shape: [3], expected), within: 1e-4)
  }

  /// Weights that a batch norm standardises, by their own statistics or by given ones, are known when the file is read;
  /// PyTorch's values.
  @Test(arguments: [true, false]) func weightsAreStandardised(_ isTraining: Bool) throws {
    var model = TestModel()
    model.tensor("w", [1, 2, 3], [1, 2, 4, 0, -1, 3])
    let statistics: [[Float]] = isTraining ? [[0, 0], [1, 1]] : [[7.0 / 3, 2.0 / 3], [14.0 / 9, 26.0 / 9]]
    for (name, values) in zip(["scale", "bias", "mean", "variance"], [[2, 0.5], [0, 0.1]] + statistics) {
      model.tensor(name, [2], values)
    }
    model.node(
      "BatchNormalization", ["w", "scale", "bias", "mean", "variance"], isTraining ? ["s", "m", "v"] : ["s"],
      numbers: ["training_mode": isTraining ? 1 : 0])
    model.integers("matrix", [2, 3])
    model.node("Reshape", ["s", "matrix"], ["r"])
    model.node("Gemm", ["x", "r"], ["y"], numbers: ["transB": 1])
    let network = try model.read().network
    #expect(network.graph.nodes.map(\.operation.kind) == ["input", "linear"])
    let y = try network(Tensor(shape: [1, 3], [0.3, -0.4, 0.9]))
    expectClose(y, Tensor(shape: [1, 2], [1.97772675, 0.83504580]), within: 1e-6)
    // Of what a network computes there are no statistics outside of training.
    var training = TestModel()
    for (name, value) in [("scale", 2), ("bias", 0), ("mean", 0), ("variance", 1)] {
      training.tensor(name, [3], [Float](repeating: Float(value), count: 3))
    }
    training.node(
      "BatchNormalization", ["x", "scale", "bias", "mean", "variance"], ["y"], numbers: ["training_mode": 1])
    let error = try #require(throws: PullbackError.self) { try training.read() }
    #expect("\(error)".contains("training mode"), "\(error)")
  }

  /// An input that is held is part of the network.
  @Test func inputsAreHeld() throws {
    let ones = Tensor(shape: [1, 6], integers: [Int64](repeating: 1, count: 6))
    let model = try Self.model("decoder-dynamo-18", OnnxOptions(held: ["mask": ones]))
    #expect(model.network.graph.inputs.map(\.name) == ["x"])
    let x = try Self.number("decoder", "x").image(0)
    let value = try model.network(x)
    expectClose(value, try Self.number("decoder", "value").image(0), within: 3e-6)
  }
}
