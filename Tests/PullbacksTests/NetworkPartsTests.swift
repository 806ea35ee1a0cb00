import Execution
import Pullbacks
import TestKit
import Testing

/// Networks of several inputs and outputs, and networks made of parts of others.
@Suite struct NetworkPartsTests {
  static let executors: [any Executor] = [.plain, .fast]

  /// A picture, a row of a table and three words, which are looked up, to three logits and a number for each feature.
  private func network(_ executor: any Executor = .plain) throws -> Network {
    let graph = try Graph(
      "parts", inputs: [.init("image", [2, 5, 4]), .init("table", [3]), .init("words", [3], type: .int64)]
    ) { inputs in
      let maps = inputs[0].convolution("conv", 4, kernel: 3, padding: 1).relu("relu")
      let row = inputs[1].linear("row", 4)
      let words = inputs[2].embedding("embedding", 6, width: 4).reduced(.mean, axes: [0], "mean")
      let joined = maps.globalAveragePool("pool").adding(row, "with_row").adding(words, "joined")
      return [
        ("logits", joined.gelu("gelu").linear("fc", 3)),
        ("features", maps.reduced(.sum, axes: [1, 2], "features").multiplied(by: words, "weighted")),
      ]
    }
    return try Formula.network(graph).run(by: executor)
  }

  private static func inputs(_ images: Int = 2) -> [String: Tensor] {
    [
      "image": Formula.image("image", [images, 2, 5, 4]), "table": Formula.image("table", [images, 3]),
      "words": Tensor(shape: [images, 3], integers: (0..<images * 3).map { Int64($0 * 5 % 6) }),
    ]
  }

  private func v(_ width: Int, _ images: Int = 2) -> Tensor { Formula.image("v\(width)", [images, width]) }

  @Test(arguments: [0, 1]) func outputs(_ executor: Int) throws {
    let network = try network(Self.executors[executor])
    let trace = try network.trace(at: Self.inputs(), rules: [.gradient], keeping: ["fc", "weighted"])
    #expect(network.graph.outputs.map(\.name) == ["logits", "features"] && network.graph.outputShape == [3])
    #expect(trace.value == (try trace.output("logits")))
    #expect(trace.value == (try trace.activation("fc")))
    #expect(try trace.output("features") == trace.activation("weighted"))
    #expect(try trace.output("features").shape == [2, 4])
  }

  /// One backward pass to several nodes is one to each of them.
  @Test(arguments: [0, 1]) func severalStops(_ executor: Int) throws {
    let network = try network(Self.executors[executor])
    for rules in [RuleSet.gradient, .hardPullback, .softPullback()] {
      let trace = try network.trace(at: Self.inputs(), rules: [rules])
      let stops = ["image", "table", "relu", "joined"]
      let pulled = try trace.pullbacks(v(3), by: rules, to: stops)
      #expect(pulled.count == 4 && pulled["joined"]!.shape == [2, 4])
      for stop in stops {
        #expect(pulled[stop]!.imageNorms.allSatisfy { $0 > 1e-4 }, "\(stop)")
        #expect(identicalBits(pulled[stop]!, try trace.pullback(v(3), by: rules, to: stop)), "\(stop)")
      }
      #expect(identicalBits(pulled["image"]!, try trace.pullback(v(3), by: rules)))
    }
  }

  /// A cotangent of the second output takes its own way, and reaches only what that output depends on.
  @Test(arguments: [0, 1]) func secondOutput(_ executor: Int) throws {
    let network = try network(Self.executors[executor])
    let trace = try network.trace(at: Self.inputs(), rules: [.gradient])
    let pulled = try trace.pullbacks(v(4), by: .gradient, from: "features", to: ["image", "table"])
    #expect(pulled["table"]!.imageNorms == [0, 0])
    let alone = try network.truncated(at: "weighted").trace(
      at: Self.inputs().filter { $0.key != "table" }, rules: [.gradient])
    #expect(identicalBits(alone.value, try trace.output("features")))
    #expect(identicalBits(try alone.pullback(v(4), by: .gradient), pulled["image"]!))
  }

  /// Against differences of values: `<J u, v>` along a change of both inputs of floats.
  @Test func gradientOfAllInputs() throws {
    let network = try network()
    let inputs = Self.inputs()
    let trace = try network.trace(at: inputs, rules: [.gradient])
    let pulled = try trace.pullbacks(v(3), by: .gradient, to: ["image", "table"])
    func value(_ step: Float) throws -> Double {
      var moved = inputs
      for name in ["image", "table"] { moved[name] = inputs[name]! + step * Formula.image("u", inputs[name]!.shape) }
      let logits = try network.trace(at: moved, rules: []).value
      return dot(logits.scalars.map(Double.init), v(3).scalars.map(Double.init))
    }
    let slope = try (value(1e-2) - value(-1e-2)) / 2e-2
    let expected = ["image", "table"].map { name in
      let u = Formula.image("u", inputs[name]!.shape).scalars.map(Double.init)
      return dot(u, pulled[name]!.scalars.map(Double.init))
    }.sum
    #expect(abs(slope - expected) < 1e-3 * abs(expected), "\(slope) and \(expected)")
  }

  /// Words carry no cotangent: what they are and what is computed of them alone is refused, for zeros would say that
  /// nothing depends on them.
  @Test(arguments: [0, 1]) func integersCarryNoCotangent(_ executor: Int) throws {
    let trace = try network(Self.executors[executor]).trace(at: Self.inputs(), rules: [.gradient])
    for name in ["words", "embedding", "mean"] {
      let error = try #require(throws: PullbackError.self) { try trace.pullback(v(3), by: .gradient, to: name) }
      #expect(error.subject == "node \(name)" && error.problem.hasPrefix("it depends on integers alone"))
    }
  }

  /// From a node on its value is an input, which cotangents do reach.
  @Test(arguments: [0, 1]) func starting(_ executor: Int) throws {
    let network = try network(Self.executors[executor])
    let inputs = Self.inputs()
    let whole = try network.trace(at: inputs, rules: [.gradient], keeping: ["mean", "relu"])
    let words = try network.starting(at: "mean")
    #expect(words.graph.inputs.map(\.name) == ["mean", "image", "table"])
    let trace = try words.trace(
      at: ["mean": whole.activation("mean"), "image": inputs["image"]!, "table": inputs["table"]!], rules: [.gradient])
    #expect(identicalBits(trace.value, whole.value))
    let pulled = try trace.pullbacks(v(3), by: .gradient, to: ["mean", "image"])
    #expect(identicalBits(pulled["mean"]!, try whole.pullback(v(3), by: .gradient, to: "joined")))
    #expect(identicalBits(pulled["image"]!, try whole.pullback(v(3), by: .gradient)))
    // What only the node itself needed is gone.
    let maps = try network.starting(at: "relu")
    #expect(maps.graph.inputs.map(\.name) == ["relu", "table", "words"] && maps.graph.index(of: "conv") == nil)
    let later = try maps.trace(
      at: ["relu": whole.activation("relu"), "table": inputs["table"]!, "words": inputs["words"]!], rules: [.gradient])
    #expect(identicalBits(later.value, whole.value))
    #expect(identicalBits(try later.output("features"), try whole.output("features")))
    let image = try later.pullback(v(3), by: .gradient)
    #expect(identicalBits(image, try whole.pullback(v(3), by: .gradient, to: "relu")))
  }

  /// A node's part of the network needs no inputs but its own.
  @Test(arguments: [0, 1]) func truncated(_ executor: Int) throws {
    let network = try network(Self.executors[executor])
    let inputs = Self.inputs()
    let whole = try network.trace(at: inputs, rules: [], keeping: ["relu", "mean"])
    let maps = try network.truncated(at: "relu")
    #expect(maps.graph.inputs.map(\.name) == ["image"] && maps.graph.outputs.map(\.name) == ["relu"])
    #expect(identicalBits(try maps(inputs["image"]!), try whole.activation("relu")))
    let words = try network.truncated(at: "mean")
    #expect(words.graph.inputs.map(\.name) == ["words"])
    #expect(identicalBits(try words(inputs["words"]!), try whole.activation("mean")))
    // Nothing is left to pull back to.
    #expect(throws: PullbackError.self) { try words.trace(at: inputs["words"]!, rules: [.gradient]) }
  }

  /// A held input goes with every image, as if it were repeated.
  @Test(arguments: [0, 1]) func holding(_ executor: Int) throws {
    let network = try network(Self.executors[executor])
    var inputs = Self.inputs()
    let table = inputs["table"]!.image(1)
    let words = inputs["words"]!.image(1)
    let held = try network.holding("table", at: table.reshaped([3])).holding("words", at: words.reshaped([3]))
    #expect(held.graph.inputs.map(\.name) == ["image"])
    (inputs["table"], inputs["words"]) = (table.repeated(2), words.repeated(2))
    for rules in [RuleSet.gradient, .softPullback()] {
      let whole = try network.trace(at: inputs, rules: [rules])
      let part = try held.trace(at: inputs["image"]!, rules: [rules])
      #expect(identicalBits(part.value, whole.value))
      #expect(identicalBits(try part.output("features"), try whole.output("features")))
      let pulled = try part.pullback(v(3), by: rules)
      #expect(identicalBits(pulled, try whole.pullback(v(3), by: rules)))
    }
  }

  /// Parameters are shared by name, also those that stand alone.
  @Test func parametersOfParts() throws {
    let network = try network()
    #expect(Set(try network.truncated(at: "pool").parameters.keys) == ["conv.weight", "conv.bias"])
    let later = try network.starting(at: "joined").parameters
    #expect(later.keys.sorted() == ["conv.bias", "conv.weight", "embedding.weight", "fc.bias", "fc.weight"])
    #expect(later["fc.weight"] == network.parameters["fc.weight"])
  }

  /// A learned tensor that stands alone gets the gradient that it has as a layer's weight: in a matrix product, and
  /// looked up by integers.
  @Test func standingParameters() throws {
    func gradient(_ graph: Graph, _ weight: String, _ inputs: [String: Tensor]) throws -> Tensor {
      let parameters = Dictionary(
        uniqueKeysWithValues: graph.parameters.map { ($0.name, Formula.parameter("weight", $0.description.shape)) })
      let trace = try Network(graph, parameters: parameters, executor: .plain).trainingTrace(at: inputs)
      return try #require(try trace.parameterGradients(Formula.image("v", trace.value.shape))[weight])
    }
    let tokens = Formula.image("tokens", [2, 3, 5])
    let layer = try Graph("layer", input: [3, 5]) { $0.linear("fc", 4, bias: false) }
    let product = try Graph("product", input: [3, 5]) {
      $0.multipliedAsMatrix(by: $0.parameter("w", [4, 5]), transposed: true)
    }
    expectClose(
      try gradient(product, "w", ["input": tokens]), try gradient(layer, "fc.weight", ["input": tokens]), within: 1e-6)
    let words = Tensor(shape: [2, 3], integers: [4, 0, 4, 1, 1, 2])
    let ids: [Graph.InputDescription] = [.init("words", [3], type: .int64)]
    let embedding = try Graph("embedding", inputs: ids) { [("y", $0[0].embedding("e", 5, width: 2))] }
    let lookup = try Graph("lookup", inputs: ids) { [("y", $0[0].parameter("w", [5, 2]).gathered(at: $0[0]))] }
    expectClose(
      try gradient(lookup, "w", ["words": words]), try gradient(embedding, "e.weight", ["words": words]), within: 1e-6)
  }

  // MARK: Errors

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return (error as? PullbackError)?.description ?? "\(error)" }
    return "nothing was thrown"
  }

  @Test func refusals() throws {
    let network = try network()
    let inputs = Self.inputs()
    func tracing(_ change: (inout [String: Tensor]) -> Void) -> String {
      var changed = inputs
      change(&changed)
      return message { _ = try network.trace(at: changed, rules: []) }
    }
    #expect(tracing { $0["table"] = nil } == "input table: is missing")
    #expect(
      tracing { $0["sound"] = $0["table"] }
        == "input sound: parts has no input of this name; it has image, table, words")
    #expect(tracing { $0["words"] = Tensor(shape: [2, 3]) } == "input words of parts: expected int64, found float32")
    #expect(
      tracing { $0["table"] = Tensor(shape: [3, 3]) }
        == "input table of parts: expected 2 images as in image, found 3")
    #expect(
      message { _ = try network(inputs["image"]!) } == "inputs of parts: expected image, table, words, found 1")
    #expect(
      message { _ = try network.graph.holding("sound", at: Tensor(shape: [3])) }
        == "input sound: parts has no input of this name; it has image, table, words")
    #expect(
      message { _ = try network.graph.holding("table", at: Tensor(shape: [4])) }
        == "input table: expected float32 of shape [3], found float32 of shape [4]")
    let image = try network.truncated(at: "relu").graph
    #expect(
      message { _ = try image.holding("image", at: Tensor(shape: [2, 5, 4])) } == "input image: nothing else comes in")
    let trace = try network.trace(at: inputs, rules: [.gradient])
    #expect(
      message { _ = try trace.output("sound") }
        == "output sound: parts has no output of this name; it has logits, features")
    #expect(
      message { _ = try trace.pullback(v(3), by: .gradient, from: "features") }
        == "cotangent: expected the output's shape [2, 4], found [2, 3]")
    #expect(
      message { _ = try network.graph.starting(at: "nobody") }
        == "node nobody: parts has no node of this name; Graph.nodes has them all")
    let twice = message {
      _ = try Graph("twice", inputs: [.init("x", [2])]) { [("y", $0[0]), ("y", $0[0].relu())] }
    }
    #expect(twice == "output y: the name is used twice")
  }

  /// Who takes floats says so when given integers, and the other way round.
  @Test func elementTypes() {
    func building(_ body: @escaping ([Signal]) -> Signal) -> String {
      message {
        let inputs: [Graph.InputDescription] = [.init("x", [2, 3]), .init("i", [3], type: .int64)]
        _ = try Graph("types", inputs: inputs) { [("y", body($0))] }
      }
    }
    #expect(building { $0[1].relu("a") } == "node a: relu: expected floats, found integers")
    #expect(building { $0[0].embedding("a", 2, width: 2) } == "node a: embedding: expected integers, found floats")
    #expect(
      building { $0[0].gathered(at: $0[0], "a") }
        == "node a: gather: expected floats and integers, found [\"float32\", \"float32\"]")
    #expect(building { $0[0].adding($0[1], "a") } == "node a: add: expected floats, found integers")
    #expect(building { $0[0].adding($0[1].cast(to: .float32), "a") } == "nothing was thrown")
    #expect(building { $0[0].cast(to: .int64).relu("a") } == "node a: relu: expected floats, found integers")
  }

  /// Integers and floats into each other, and a cast that no cotangent passes.
  @Test func casts() throws {
    let graph = try Graph("cast", input: [5]) { x in
      x.adding(x.cast(to: .int64, "whole").cast(to: .float32, "back"), "sum")
    }
    let x = Tensor(shape: [1, 5], [-2.7, -0.5, 0, 1.99, 1e30])
    let trace = try Network(graph, parameters: [:], executor: .plain).trace(
      at: x, rules: [.gradient], keeping: ["whole"])
    #expect(try trace.activation("whole").integers == [-2, 0, 0, 1, .max])
    #expect(try trace.pullback(Tensor(shape: [1, 5], repeating: 1), by: .gradient).scalars == [1, 1, 1, 1, 1])
  }

  /// An index outside the axis shows in the value, and does not reach beyond it.
  @Test func indicesOutside() throws {
    let graph = try Graph("look", inputs: [.init("x", [3]), .init("i", [4], type: .int64)]) {
      [("y", $0[0].gathered(at: $0[1]))]
    }
    let network = try Network(graph, parameters: [:], executor: .plain)
    let trace = try network.trace(
      at: ["x": Tensor(shape: [1, 3], [5, 6, 7]), "i": Tensor(shape: [1, 4], integers: [-1, 3, -4, 0])],
      rules: [.gradient])
    let y = trace.value.scalars
    #expect(y[0] == 7 && y[1].isNaN && y[2].isNaN && y[3] == 5)
    #expect(try trace.pullback(Tensor(shape: [1, 4], [1, 2, 3, 4]), by: .gradient).scalars == [4, 0, 1])
    let words = try Graph("words", inputs: [.init("i", [2], type: .int64)]) {
      [("y", $0[0].embedding("e", 2, width: 1))]
    }
    let embedding = try Network(words, parameters: ["e.weight": Tensor(shape: [2, 1], [3, 4])], executor: .plain)
    let rows = try embedding(Tensor(shape: [1, 2], integers: [2, 1])).scalars
    #expect(rows[0].isNaN && rows[1] == 4)
  }
}
