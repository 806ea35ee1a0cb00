import Failures
import Foundation
import Pullbacks
import SwiftProtobuf
import TestKit
import Testing

@testable import Onnx

/// Files that are wrong end in an error that names the file and what is at fault.
@Suite struct HostileFileTests {
  /// The error that reading a model ends in.
  func refusal(_ model: TestModel, _ options: OnnxOptions = OnnxOptions()) throws -> String {
    try refusal(model.bytes(), options)
  }

  func refusal(_ bytes: Data, _ options: OnnxOptions = OnnxOptions()) -> String {
    do {
      _ = try TestModel.read(bytes, options)
      return "read"
    } catch let error as PullbackError {
      return error.description
    } catch {
      return "another error: \(error)"
    }
  }

  func expect(_ model: TestModel, _ words: String..., options: OnnxOptions = OnnxOptions()) throws {
    let text = try refusal(model, options)
    for word in words { #expect(text.contains(word), "\(word) in: \(text)") }
  }

  @Test func bytesThatAreNoModel() throws {
    #expect(refusal(Data()).contains("is empty"))
    #expect(refusal(Data("hello, I am no model".utf8)).contains("no ONNX model"))
    #expect(refusal(Data([0x08, 0x08])).contains("it has no graph"))
    #expect(refusal(Data(repeating: 0x3A, count: 300)).contains("no ONNX model"))
    var model = TestModel()
    model.node("Relu", ["x"], ["y"])
    let whole = try model.bytes()
    for count in 0..<whole.count {
      // A model that ends early may be one still, but is never read past its end.
      _ = refusal(whole.prefix(count))
    }
    #expect(refusal(whole) == "read")
    #expect(refusal(whole + whole).contains("it has 2 graphs"))
  }

  @Test func namesAndOrder() throws {
    var cycle = TestModel()
    cycle.node("Add", ["x", "b"], ["a"])
    cycle.node("Relu", ["a"], ["b"])
    cycle.node("Relu", ["b"], ["y"])
    try expect(cycle, "model.onnx", "depends on itself")

    var twice = TestModel()
    twice.node("Relu", ["x"], ["y"])
    twice.node("Tanh", ["x"], ["y"])
    try expect(twice, "is made twice")

    var same = TestModel()
    same.tensor("w", [3], [1, 2, 3])
    same.tensor("w", [3], [1, 2, 3])
    same.node("Add", ["x", "w"], ["y"])
    try expect(same, "\"w\"", "used twice")

    var missing = TestModel()
    missing.node("Add", ["x", "w"], ["y"])
    try expect(missing, "\"w\"", "made by no node")

    var nothing = TestModel(outputs: [])
    nothing.node("Relu", ["x"], ["y"])
    try expect(nothing, "nothing comes out")
    try expect(TestModel(), "\"y\"", "no node makes it")
    try expect(TestModel(inputs: []), "nothing comes in")

    // Nodes in no order are put into one.
    var reversed = TestModel()
    reversed.node("Relu", ["a"], ["y"])
    reversed.node("Tanh", ["x"], ["a"])
    #expect(try reversed.read().network.graph.nodes.map(\.operation.kind) == ["input", "tanh", "relu"])
  }

  @Test func tensorsOfOtherSizes() throws {
    for (shape, count) in [([2], 3), ([1 << 40], 3), ([-1], 1), ([1 << 20, 1 << 20], 3), ([3], 0), ([], 0)] {
      var model = TestModel()
      model.tensor("w", shape, [Float](repeating: 1, count: count))
      model.node("Add", ["x", "w"], ["y"])
      try expect(model, "tensor \"w\"")
    }
    var raw = TestModel()
    var tensor = TestModel.tensor("w", [3], [])
    tensor.rawData = Data(repeating: 0, count: 11)
    raw.proto.graph.initializer.append(tensor)
    raw.node("Add", ["x", "w"], ["y"])
    try expect(raw, "tensor \"w\"", "expected 12 bytes", "found 11")

    var text = TestModel()
    tensor.dataType = 8
    text.proto.graph.initializer.append(tensor)
    text.node("Add", ["x", "w"], ["y"])
    try expect(text, "tensor \"w\"", "of the type string")
  }

  @Test func valuesThatWouldBeTooLarge() throws {
    for shape in [[1 << 30, 1 << 30], [1 << 31], [Int.max, 2], [-5]] {
      var model = TestModel()
      model.integers("s", shape)
      model.node("ConstantOfShape", ["s"], ["c"])
      model.node("Add", ["x", "c"], ["y"])
      try expect(model, "node \"ConstantOfShape_c\"")

      var expanding = TestModel()
      expanding.integers("s", shape)
      expanding.node("Expand", ["x", "s"], ["y"])
      #expect(try refusal(expanding) != "read")
    }
    var range = TestModel()
    for (name, value) in [("a", 0), ("b", Int.max), ("c", 1)] { range.integers(name, [value]) }
    range.node("Range", ["a", "b", "c"], ["r"])
    range.node("Add", ["x", "r"], ["y"])
    try expect(range, "node \"Range_r\"")

    // A bomb: each node doubles what it takes.
    var bomb = TestModel()
    var last = "x"
    for step in 0..<60 {
      bomb.node("Concat", [last, last], ["v\(step)"], numbers: ["axis": 1])
      last = "v\(step)"
    }
    bomb.node("Relu", [last], ["y"])
    try expect(bomb, "Concat")
  }

  @Test func settingsThatMakeNoSense() throws {
    let cases: [(op: String, shape: [Int], ints: [String: [Int]], numbers: [String: Int])] = [
      ("Conv", [4, 3, 3, 3], ["strides": [0, 0]], [:]),
      ("Conv", [4, 3, 3, 3], ["strides": [1]], [:]),
      ("Conv", [4, 3, 3, 3], ["pads": [-1, 0, 0, 0]], [:]),
      ("Conv", [4, 3, 3, 3], ["pads": [Int.max, 0, 0, Int.max]], [:]),
      ("Conv", [4, 3, 3, 3], ["dilations": [Int.max, Int.max]], [:]),
      ("Conv", [4, 3, 3, 3], ["kernel_shape": [5, 5]], [:]),
      ("Conv", [4, 3, 3, 3], [:], ["group": 0]),
      ("Conv", [4, 3, 3, 3], [:], ["group": -3]),
      ("Conv", [4, 2, 3, 3], [:], [:]),
      ("Conv", [4, 3], [:], [:]),
      ("ConvTranspose", [3, 4, 3, 3], ["output_padding": [-1, 0]], [:]),
      ("ConvTranspose", [3, 4, 3, 3], ["output_shape": [1 << 40, 8]], [:]),
    ]
    for test in cases {
      var model = TestModel(inputs: [("x", [0, 3, 8, 8])])
      model.tensor("w", test.shape, [Float](repeating: 1, count: test.shape.reduce(1, *)))
      model.node(test.op, ["x", "w"], ["y"], name: "layer", ints: test.ints, numbers: test.numbers)
      try expect(model, "node \"layer\" (\(test.op))")
    }
    for (op, ints, numbers) in [
      ("MaxPool", ["kernel_shape": [0, 0]], [:]), ("MaxPool", [:], [:]),
      ("MaxPool", ["kernel_shape": [3, 3], "strides": [Int.min, 1]], [:]),
      ("AveragePool", ["kernel_shape": [30, 30]], [:]), ("Transpose", ["perm": [0, 0, 1, 2]], [:]),
      ("Transpose", ["perm": [0]], [:]), ("Softmax", [:], ["axis": 9]), ("Flatten", [:], ["axis": -9]),
      ("Split", [:], ["axis": 7]), ("Squeeze", ["axes": [1]], [:]), ("Unsqueeze", ["axes": [40]], [:]),
      ("DepthToSpace", [:], ["blocksize": 0]), ("DepthToSpace", [:], ["blocksize": Int.max]),
      ("LRN", [:], ["size": 0]), ("ReduceMean", ["axes": [5]], [:]), ("Concat", [:], ["axis": 77]),
      ("Einsum", [:], [:]), ("Cast", [:], ["to": 8]), ("Cast", [:], ["to": 99]),
      ("HardSigmoid", [:], [:]), ("Loop", [:], [:]), ("LSTM", [:], [:]), ("NoSuchOperator", [:], [:]),
      ("Pad", ["pads": [0, 0, Int.max, 0, 0, 0, 0, 0]], [:]), ("Trilu", [:], [:]), ("Gemm", [:], [:]),
    ] as [(String, [String: [Int]], [String: Int])] {
      var model = TestModel(inputs: [("x", [0, 3, 8, 8])])
      model.proto.opsetImport[0].version = 11
      model.node(op, ["x"], ["y"], name: "layer", ints: ints, numbers: numbers)
      let text = try refusal(model)
      #expect(
        text.contains("node \"layer\"") || text == "read" && ["HardSigmoid", "Trilu"].contains(op), "\(op): \(text)")
    }
  }

  /// What would be read as something else, or means nothing, is refused: what onnxruntime refuses as well.
  @Test func attributesOfOtherTypes() throws {
    var text = TestModel()
    text.node("Softmax", ["x"], ["y"], name: "layer", texts: ["axis": "1"])
    try expect(text, "node \"layer\" (Softmax)", "its attribute axis is of type string, expected int")
    var list = TestModel()
    list.node("Transpose", ["x"], ["y"], name: "layer", numbers: ["perm": 1])
    try expect(list, "its attribute perm is of type int, expected ints")

    func convolution(_ op: String, ints: [String: [Int]] = [:], texts: [String: String] = [:]) -> TestModel {
      var model = TestModel(inputs: [("x", [0, 3, 8, 8])])
      model.tensor("w", [3, 3, 2, 2], [Float](repeating: 1, count: 36))
      model.node(op, ["x", "w"], ["y"], name: "layer", ints: ints, texts: texts)
      return model
    }
    for op in ["Conv", "ConvTranspose"] {
      try expect(convolution(op, texts: ["auto_pad": "SAME"]), "its auto_pad is \"SAME\"")
      #expect(try refusal(convolution(op, texts: ["auto_pad": "SAME_UPPER"])) == "read")
    }
    try expect(convolution("ConvTranspose", ints: ["output_padding": [1, 0]]), "output_padding [1, 0] is not below")
    #expect(
      try refusal(convolution("ConvTranspose", ints: ["output_padding": [1, 0], "strides": [2, 2]])) == "read")

    var wrap = TestModel()
    wrap.proto.opsetImport[0].version = 19
    wrap.integers("p", [0, -1, 0, 1])
    wrap.node("Pad", ["x", "p"], ["y"], name: "layer", texts: ["mode": "wrap"])
    try expect(wrap, "its mode is wrap and its pads [0, -1, 0, 1] cut")

    for isKnown in [false, true] {
      var model = TestModel()
      model.tensor("c", [3], [1, 2, 3])
      model.tensor("s", [], [0])
      model.node("QuantizeLinear", [isKnown ? "c" : "x", "s"], ["q"], name: "layer")
      model.tensor("t", [], [1])
      model.node("DequantizeLinear", ["q", "t"], ["d"])
      model.node("Add", ["x", "d"], ["y"])
      try expect(model, "node \"layer\" (QuantizeLinear)", "its scale is not above 0")
    }

    var rows = TestModel()
    rows.tensor("table", [2, 3], [1, 2, 3, 4, 5, 6])
    rows.integers("ids", [0, 2])
    rows.node("Gather", ["table", "ids"], ["g"], name: "layer")
    rows.node("Add", ["x", "g"], ["y"])
    try expect(rows, "2 at index 1 of \"ids\" is none of an axis of 2")
  }

  @Test func operatorSets() throws {
    var model = TestModel()
    model.node("Relu", ["x"], ["y"])
    for (version, text) in [(0, "sets 1 to 28 are known"), (29, "operator set 29"), (1, "read"), (28, "read")] {
      model.proto.opsetImport[0].version = Int64(version)
      #expect(try refusal(model).contains(text))
    }
    model.proto.opsetImport = []
    try expect(model, "it does not say of which operator set its nodes are")
    model.proto.irVersion = 2
    #expect(try refusal(model) == "read")
    model.proto.graph.input[0].type.tensorType.elemType = 8
    try expect(model, "input \"x\": its elements are of the type string")
  }

  /// Attributes have the types that the Python package onnx gives them.
  @Test func typesOfAttributes() throws {
    let fixture = try #require(try Fixture.json("onnx-attributes") as? [String: Any])
    #expect(fixture["newest"] as? Int == OperatorSchemas.newest)
    let types = try #require(fixture["types"] as? [String: [String]])
    #expect(types.count == 160)
    for (name, expected) in types {
      let found = try #require(OperatorSchemas.types(of: name), "\(name)")
      #expect(
        found.map { "\($0)".lowercased() }.sorted() == expected.map { $0.replacing("_", with: "") }.sorted(), "\(name)")
    }
  }

  /// Every operator with too few inputs, with others left out, and with known ones: none ends the program.
  @Test(arguments: Lowering.operators.keys.sorted()) func operatorsWithStrangeInputs(_ op: String) throws {
    for shape in [[0, 3], [0, 4, 6, 6], [0]] {
      for inputs in [
        [], ["x"], ["x", "x"], ["", "x"], ["x", "", "x"], ["x", "c"], ["c", "x"], ["x", "c", "c", "c", "c"],
        ["x", "i"], ["x", "i", "i"], ["x", "x", "x", "x"], ["i", "x", "c"], ["e", "x"], ["x", "e"], ["x", "s"],
        ["c", "c"],
      ] {
        for numbers in [[:], ["axis": -7, "group": 0, "blocksize": -1, "to": 7, "num_groups": 0, "size": 3]] {
          var model = TestModel(inputs: [("x", shape)])
          model.tensor("c", [3], [0, -1, 1e30])
          model.tensor("e", [0], [])
          model.tensor("s", [], [2])
          model.integers("i", [Int.max, -1, Int.min])
          model.node(
            op.hasPrefix("pullbacks.") ? String(op.dropFirst(10)) : op, inputs, ["y"], numbers: numbers,
            texts: op == "Einsum" ? ["equation": "ab,bc->ac"] : [:])
          if op.hasPrefix("pullbacks.") { model.proto.graph.node[0].domain = "pullbacks" }
          let text = try refusal(model)
          #expect(!text.hasPrefix("another error"), "\(op) \(inputs): \(text)")
        }
      }
    }
  }

  /// Numbers whose products and sums do not fit, and ranges that run backwards for ever.
  @Test func largeNumbers() throws {
    for shape in [[Int.max, 3], [1 << 40, 1 << 40, -1], [Int.min, 3], [-1, Int.max]] {
      var model = TestModel()
      model.integers("s", shape)
      model.node("Reshape", ["x", "s"], ["y"], name: "layer")
      try expect(model, "node \"layer\"")
    }
    for (start, limit, step) in [(Int.max, Int.min, 1), (Int.max - 2, Int.max, 1), (0, 1, 0), (Int.min, Int.max, 1)] {
      var model = TestModel()
      for (name, value) in [("a", start), ("b", limit), ("c", step)] { model.integers(name, [value]) }
      model.node("Range", ["a", "b", "c"], ["r"])
      model.node("Neg", ["r"], ["n"])
      model.node("Cast", ["n"], ["f"], numbers: ["to": 1])
      model.node("Add", ["x", "f"], ["y"])
      _ = try refusal(model)
    }
  }

  @Test func dataOutsideTheFolder() throws {
    for location in ["/etc/passwd", "../weights", "a/../../weights", "", "missing", "..", "a\\b", "/"] {
      var model = TestModel()
      var tensor = TestModel.tensor("w", [3], [])
      tensor.dataLocation = .external
      tensor.externalData = [
        .with {
          $0.key = "location"
          $0.value = location
        }
      ]
      model.proto.graph.initializer.append(tensor)
      model.node("Add", ["x", "w"], ["y"])
      try expect(model, "tensor \"w\"")
    }
  }

  /// A link inside the folder that leads out of it is not followed, and numbers outside the file are not read.
  @Test func dataBehindALink() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UUID().uuidString)")
    let inside = folder.appendingPathComponent("inside")
    try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(repeating: 1, count: 12).write(to: folder.appendingPathComponent("secret"))
    try Data(repeating: 0, count: 12).write(to: inside.appendingPathComponent("weights"))
    try FileManager.default.createSymbolicLink(
      at: inside.appendingPathComponent("link"), withDestinationURL: folder.appendingPathComponent("secret"))
    func read(_ entries: [String: String]) throws -> String {
      var model = TestModel()
      var tensor = TestModel.tensor("w", [3], [])
      tensor.dataLocation = .external
      tensor.externalData = entries.map { key, value in
        .with {
          $0.key = key
          $0.value = value
        }
      }
      model.proto.graph.initializer.append(tensor)
      model.node("Add", ["x", "w"], ["y"])
      let file = inside.appendingPathComponent("model.onnx")
      try model.bytes().write(to: file)
      do {
        _ = try OnnxModel(contentsOf: file)
        return "read"
      } catch { return "\(error)" }
    }
    #expect(try read(["location": "weights"]) == "read")
    #expect(try read(["location": "link"]).contains("leads out of the model's folder"))
    for (key, value) in [
      ("offset", "4"), ("offset", "-4"), ("offset", "x"), ("offset", "9223372036854775807"), ("length", "13"),
      ("length", "8"), ("length", "99999999999999999999"),
    ] {
      #expect(try read(["location": "weights", key: value]).contains("tensor \"w\""), "\(key) \(value)")
    }
  }

  /// Functions that call themselves end, and so do messages in messages.
  @Test func depth() throws {
    var model = TestModel()
    model.node("F", ["x"], ["y"])
    model.proto.graph.node[0].domain = "own"
    model.proto.functions = [
      .with {
        $0.domain = "own"
        $0.name = "F"
        $0.input = ["a"]
        $0.output = ["b"]
        for (input, output) in [("a", "c"), ("c", "b")] {
          $0.node.append(
            .with {
              $0.domain = "own"
              $0.opType = "F"
              $0.input = [input]
              $0.output = [output]
            })
        }
      }
    ]
    try expect(model, "function \"F\"", "deep")

    var graph = Onnx_GraphProto()
    for _ in 0..<40 {
      let inner = graph
      graph = .with {
        $0.node = [
          .with {
            $0.opType = "If"
            $0.attribute = [
              .with {
                $0.name = "then_branch"
                $0.g = inner
              }
            ]
          }
        ]
      }
    }
    var deep = TestModel()
    deep.proto.graph.node = graph.node
    try expect(deep, "deep")
  }

  /// Each of these values alone may be so large.
  @Test func constantsAreBoundedTogether() throws {
    var model = TestModel()
    model.tensor("e0", [1], [1])
    model.integers("extent", [1 << 27])
    for place in 1...3 { model.node("Expand", ["e\(place - 1)", "extent"], ["e\(place)"]) }
    model.node("Add", ["x", "e3"], ["y"])
    try expect(model, "node \"Expand_e3\" (Expand)", "\(3 << 27) values", "fold constants")
  }

  /// What is not read says so, with the node and what to do.
  @Test func refusalsAreSentences() throws {
    var recurrent = TestModel()
    recurrent.node("LSTM", ["x"], ["y"], name: "/rnn/LSTM")
    try expect(recurrent, "node \"/rnn/LSTM\" (LSTM)", "recurrent layers are not read")
    var flow = TestModel()
    flow.node("If", ["x"], ["y"], name: "choice")
    try expect(flow, "node \"choice\" (If)", "condition")
    var open = TestModel(inputs: [("x", [0, 0])])
    open.node("Relu", ["x"], ["y"])
    try expect(open, "input \"x\"", "axis 1", "open")
    #expect(try refusal(open, OnnxOptions(extents: ["n": 4])) == "read")
  }
}
