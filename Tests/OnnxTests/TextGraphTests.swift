import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Onnx

/// Language models that torch exported from transformers (Tests/Oracles/text_onnx.py), against what transformers
/// computes: the same numbers that the package's own graphs of these models are held to.
@Suite struct TextGraphTests {
  @Test(arguments: [
    "bert-classes-torchscript", "bert-classes-dynamo", "distilbert-classes-torchscript", "distilbert-classes-dynamo",
    "roberta-classes-torchscript", "roberta-classes-dynamo", "gpt2-next-dynamo", "llama-next-dynamo",
  ]) func agreesWithTransformers(_ file: String) throws {
    let name = String(file[..<file.lastIndex(of: "-")!])
    let network = try OnnxModel(
      contentsOf: URL(fileURLWithPath: Fixture.path("text-onnx/\(file).onnx"))
    ).network
    let fixture = try Fixture.tensors("text-networks")
    let numbers = try fixture.tensor("\(name)/ids")
    let ids = Tensor(shape: numbers.shape, integers: numbers.scalars.map { Int64($0) })
    let value = try fixture.tensor("\(name)/value")
    try expectClose(network(ids), value, within: 1e-5, "\(file) value")

    let embedding = try #require(network.graph.nodes.first { $0.operation is Embedding }).name
    let (front, back) = (try network.truncated(at: embedding), try network.starting(at: embedding))
    let tables: [(RuleSet, String)] = [(.gradient, "gradient"), (.hardPullback, "hard"), (.softPullback(), "soft")]
    // RoBERTa computes the places of the tokens from their numbers.
    let inputs = try [embedding: front(ids), "ids": ids].filter { back.graph.inputs.map(\.name).contains($0.key) }
    let trace = try back.trace(at: inputs, rules: tables.map(\.0))
    for (rules, what) in tables {
      try expectClose(
        trace.pullback(fixture.tensor("\(name)/selector"), by: rules), fixture.tensor("\(name)/\(what)"), within: 1e-4,
        "\(file) \(what)")
    }
    // The layers that the file writes out in primitives are layers again.
    let kinds = Dictionary(grouping: network.graph.nodes.map(\.operation.kind)) { $0 }.mapValues(\.count)
    let norms = (kinds["layernorm"] ?? 0) + (kinds["rmsnorm"] ?? 0)
    #expect(kinds["attention"] == 2 && norms >= 4, "\(kinds)")
  }
}
