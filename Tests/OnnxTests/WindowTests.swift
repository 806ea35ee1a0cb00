import Foundation
import Onnx
import Pullbacks
import TestKit
import Testing

/// Attention within windows, talking heads, and sampled maps, of both of torch's exporters against PyTorch in float64
/// (Tests/Oracles/onnx_windows.py).
@Suite struct WindowTests {
  static let numbers = try! Fixture.tensors("onnx-windows")

  static func model(_ file: String) throws -> OnnxModel {
    try OnnxModel(contentsOf: URL(fileURLWithPath: Fixture.path("onnx-windows/\(file).onnx")))
  }

  static let names = ["windows", "cosine", "einsum", "talking", "sampler"]
  static let files = names.flatMap { name in ["torchscript", "dynamo"].map { "\(name)-\($0)" } }

  @Test(arguments: files) func agreesWithPyTorch(_ file: String) throws {
    let name = String(file.prefix { $0 != "-" })
    func number(_ what: String) throws -> Tensor { try Self.numbers.tensor("\(name)/\(what)") }
    let network = try Self.model(file).network
    var temperatures = Temperatures()
    temperatures[.attention] = 2
    let soft = RuleSet.softPullback(temperatures)
    for executor in [PlainExecutor() as any Executor, network.executor] {
      let trace = try network.run(by: executor).trace(at: number("x"), rules: [.gradient, soft])
      try expectClose(trace.value, number("value"), within: 3e-6, "\(file) value")
      for (rules, what) in [(.gradient, "gradient"), (soft, "soft")] as [(RuleSet, String)] {
        try expectClose(trace.pullback(number("selector"), by: rules), number(what), within: 1e-5, "\(file) \(what)")
      }
    }
  }

  /// Windows are attention layers, whatever way they are written in; talking heads are none, and it is said.
  @Test(arguments: files) func layersAreWhatTheyAre(_ file: String) throws {
    let model = try Self.model(file)
    let counts = Dictionary(grouping: model.network.graph.nodes, by: \.operation.kind).mapValues(\.count)
    let told = model.nodes.filter { $0.reason.contains("talking heads") }
    switch file.prefix(while: { $0 != "-" }) {
    case "talking":
      #expect(counts["attention"] == nil && counts["softmax"] == 1 && told.count == 1, "\(counts) \(told)")
      #expect(told.allSatisfy { $0.reason.contains("each factor is held constant in turn") }, "\(told)")
    case "sampler": #expect(counts["gridsample"] == 1 && counts["topk"] == 1, "\(counts)")
    default: #expect(counts["attention"] == 2 && counts["softmax"] == nil && told.isEmpty, "\(counts)")
    }
  }
}
