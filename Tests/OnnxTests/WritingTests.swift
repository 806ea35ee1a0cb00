import Foundation
import Networks
import Onnx
import Pullbacks
import TestKit
import Testing

/// Networks of the package written as ONNX, and read back.
@Suite struct WritingTests {
  static func readBack(_ network: Network) throws -> OnnxModel {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("network.onnx")
    try network.onnx().write(to: file)
    return try OnnxModel(contentsOf: file)
  }

  /// Value, gradient, and hard and soft pullback are the same bytes.
  @Test(arguments: [
    ("resnet18d", 64), ("resnetblur18", 64), ("resnet-scenes", 96), ("pvt-scenes", 96), ("densenet121", 32),
    ("convnext_tiny", 32), ("deit_tiny_patch16_224", 224), ("efficientnet_b0", 64), ("mobilenet_v2", 64),
    ("mobilenet_v3_small", 64), ("tf_efficientnet_lite0", 64), ("regnet_y_400mf", 64),
  ]) func sameBytes(_ name: String, _ resolution: Int) throws {
    let network = try Formula.network(Architecture.named(name).graph(resolution: resolution, classes: 10))
    let model = try Self.readBack(network)
    #expect(model.notes.isEmpty, "\(model.notes)")
    // A packed projection of attention comes back under its layer's name, and a class token as a constant.
    let names = network.graph.parameters.map { $0.name.replacingOccurrences(of: ".in_proj_", with: ".") }
    #expect(Set(model.network.graph.parameters.map(\.name)) == Set(names).subtracting(["class_token"]))
    let x = Formula.image("image", [2] + network.graph.inputShape)
    let rules: [RuleSet] = [.gradient, .hardPullback, .softPullback()]
    let (own, read) = (try network.trace(at: x, rules: rules), try model.network.trace(at: x, rules: rules))
    #expect(read.value == own.value)
    let selector = try network.oneHot([3, 7])
    for table in rules {
      #expect(try read.pullback(selector, by: table) == own.pullback(selector, by: table), "\(name)")
    }
  }

  /// Kinds of layers come back as what they were, with their names.
  @Test func layersComeBack() throws {
    let network = try Formula.network(Architecture.named("pvt-scenes").graph())
    let graph = try Self.readBack(network).network.graph
    func layers(_ graph: Graph) -> [String: String] {
      let plain: Set = ["reshape", "transpose", "dropout", "input", "identity"]
      return Dictionary(
        uniqueKeysWithValues: graph.nodes.filter { !plain.contains($0.operation.kind) }.map {
          ($0.name, $0.operation.kind)
        })
    }
    #expect(layers(graph) == layers(network.graph))
  }

  /// What cannot be written is named.
  @Test func refusals() throws {
    let graph = try Graph("odd", input: [4, 8]) { $0.cumulativeSum(axis: 0, "sum") }
    let error = try #require(throws: PullbackError.self) { try Formula.network(graph).onnx() }
    #expect(error.kind == .usage && error.subject == "node sum", "\(error)")
  }
}
