import Checkpoints
import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Networks

/// Architectures and checkpoints: names, shapes, recognition, and what is said where they do not fit.
@Suite struct LoadingTests {
  /// How many parameters and running statistics PyTorch's model has, and a digest of names, shapes and epsilons.
  struct ParameterList: Decodable {
    let count: Int
    let digest: String
  }

  static let parameterLists = try! JSONDecoder().decode(
    [String: ParameterList].self, from: Data(contentsOf: URL(fileURLWithPath: Fixture.path("networks.json"))))

  @Test func everyArchitectureHasAReference() {
    let others = LibraryTests.lists.keys.map { String($0.prefix { $0 != " " }) }
    #expect(Set(Architecture.all.map(\.name)) == Set(Self.parameterLists.keys).union(others))
  }

  /// The release's choices, and none for transformers.
  @Test(arguments: [
    ("resnet18", "layer4.1.conv2"), ("resnet34", "layer4.2.conv2"), ("resnet101", "layer4.2.conv3"),
    ("resnet-scenes", "layer4.1.conv2"), ("vgg16", "avgpool"), ("vgg-scenes", "avgpool"),
    ("efficientnet-lite2", "_conv_head"), ("pvt_v2_b1", nil), ("vit_b_16", nil),
  ])
  func gradCAMLayers(name: String, layer: String?) throws {
    #expect(Architecture.camLayer(in: try Architecture.named(name).graph()) == layer)
  }

  @Test func aGraphOfNoArchitectureHasNoGradCAMLayer() throws {
    let graph = try Graph("mine", input: [3, 8, 8]) { $0.convolution("avgpool", 2, kernel: 3).globalAveragePool() }
    #expect(Architecture.camLayer(in: graph) == nil)
  }

  /// Names and shapes of all tensors and epsilons of all norms are those of PyTorch's model, by a digest of their list.
  @Test(arguments: parameterLists.keys.sorted()) func parametersArePyTorchs(name: String) throws {
    let graph = try Architecture.named(name).graph()
    let shapes = graph.parameters.map { "\($0.name) \($0.description.shape)" }
    let epsilons = graph.nodes.compactMap { node in
      ((node.operation as? BatchNorm)?.epsilon ?? (node.operation as? LayerNorm)?.epsilon)
        .map { "\(node.name) epsilon \($0)" }
    }
    let digest = Formula.hash((shapes + epsilons).sorted().joined(separator: "\n"))
    let expected = try #require(Self.parameterLists[name])
    #expect(shapes.count == expected.count)
    #expect(String(format: "%016lx", digest) == expected.digest)
  }

  @Test(arguments: Architecture.all.map(\.name)) func isRecognised(name: String) throws {
    let graph = try Architecture.named(name).graph(classes: 10)
    let counter = (name: "bn1.num_batches_tracked", shape: [Int]())
    let tensors = graph.parameters.map { ($0.name, $0.description.shape) } + [counter]
    let found = try withCheckpoint(of: tensors) { checkpoint in
      let recognition = try Recognition(of: checkpoint)
      return (
        names: [recognition.architecture.name] + recognition.alternatives.map(\.name), classes: recognition.fit.classes
      )
    }
    // Several have the same tensors; the first of them in the list is what a checkpoint is taken for.
    let same = Architecture.all.map(\.name).filter(found.names.contains)
    #expect(found.names == same && same.contains(name))
    let isLater = ["resnetblur", "resnetaa", "tf_", "deit_base"].contains { name.hasPrefix($0) }
    #expect((found.names[0] == name) != isLater)
    #expect(found.classes == 10)
  }

  /// Names as the published files have them, written out by hand.
  @Test(arguments: [
    ("densenet121", "features.denseblock1.denselayer2.norm1.weight", "features.denseblock1.denselayer2.norm.1.weight"),
    ("densenet121", "features.denseblock4.denselayer9.conv2.weight", "features.denseblock4.denselayer9.conv.2.weight"),
    ("densenet121", "features.transition1.norm.weight", "features.transition1.norm.weight"),
    ("densenet121", "features.norm5.running_var", "features.norm5.running_var"),
    ("vit_b_16", "encoder.layers.encoder_layer_3.mlp.0.weight", "encoder.layers.encoder_layer_3.mlp.linear_1.weight"),
    ("vit_b_16", "encoder.layers.encoder_layer_11.mlp.3.bias", "encoder.layers.encoder_layer_11.mlp.linear_2.bias"),
    ("pvt_v2_b1", "patch_embed.proj.weight", "patch_embed1.proj.weight"),
    ("pvt_v2_b1", "stages.3.downsample.norm.bias", "patch_embed4.norm.bias"),
    ("pvt_v2_b1", "stages.2.blocks.1.attn.norm.weight", "block3.1.attn.norm.weight"),
    ("pvt_v2_b1", "stages.0.blocks.0.mlp.dwconv.bias", "block1.0.mlp.dwconv.dwconv.bias"),
    ("pvt_v2_b1", "stages.1.norm.weight", "norm2.weight"),
    ("resnet50", "layer1.0.conv1.weight", "layer1.0.conv1.weight"),
  ])
  func formerNames(architecture: String, name: String, former: String) throws {
    let graph = try Architecture.named(architecture).graph()
    #expect(graph.parameters.contains { $0.name == name })
    #expect(try Architecture.named(architecture).formerName(name) == former)
  }

  @Test(arguments: ["densenet121", "pvt_v2_b0"]) func readsFormerNames(name: String) throws {
    let architecture = try Architecture.named(name)
    let parameters = Formula.parameters(try architecture.graph(classes: 12))
    let renamed = Dictionary(uniqueKeysWithValues: parameters.map { (architecture.formerName($0), $1) })
    #expect(Set(renamed.keys) != Set(parameters.keys))
    try withTemporaryFolder { folder in
      let path = folder + "/checkpoint"
      try SafeTensors.write(renamed.map { ($0, $1) }, to: path)
      let checkpoint = try Checkpoint(contentsOf: path)
      let found = try Architecture.infer(from: checkpoint)
      #expect(found.name == name)
      let network = try Network(found, checkpoint: checkpoint, resolution: 32)
      #expect(network.graph.outputShape == [12])
      #expect(network.parameters == parameters)
    }
  }

  @Test func saysWhatComesClosest() throws {
    var tensors = try Architecture.named("resnet34").graph().parameters.map { ($0.name, $0.description.shape) }
    tensors.removeAll { $0.0 == "layer4.2.bn2.bias" || $0.0 == "bn1.weight" }
    tensors.append(("extra.weight", [3]))
    let error = #expect(throws: PullbackError.self) { try withCheckpoint(of: tensors, Architecture.infer) }
    let problem = try #require(error?.problem)
    #expect(problem.contains("closest is resnet34: of its 182 tensors 2 are missing"), "\(problem)")
    #expect(problem.contains("and 1 of the file's are left over (\"extra.weight\")"), "\(problem)")
    #expect(error?.kind == .data)
  }

  @Test func saysThatNothingComesClose() throws {
    let tensors = [("features.0.0.weight", [32, 3, 3, 3]), ("features.0.1.bias", [32])]
    let error = #expect(throws: PullbackError.self) { try withCheckpoint(of: tensors, Architecture.infer) }
    #expect(error?.problem.contains("(\"features.0.0.weight\", \"features.0.1.bias\") are those of no") == true)
    #expect(error?.problem.contains("closest") == false)
    #expect(error?.advice?.contains("resnet18") == true)
  }

  /// A parameter that is no number is named with its place, in each way that it can be none.
  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func refusesParametersThatAreNotFinite(value: Float) throws {
    let graph = try Graph("tiny", input: [3, 4, 4]) { image in
      image.convolution("conv", 2, kernel: 3).globalAveragePool().linear("fc", 2)
    }
    let folder = try TemporaryFolder()
    var tensors: [(String, Tensor)] = []
    for (name, description) in graph.parameters {
      var values = [Float](repeating: 1, count: description.shape.reduce(1, *))
      if name == "conv.weight" { values[7] = value }
      tensors.append((name, Tensor(shape: description.shape, values)))
    }
    try SafeTensors.write(tensors, to: folder.path("a.safetensors"))
    let error = #expect(throws: PullbackError.self) {
      try Network(graph, checkpoint: Checkpoint(contentsOf: folder.path("a.safetensors")), executor: .plain)
    }
    #expect(error?.kind == .data)
    #expect(error?.problem.hasPrefix("tensor \"conv.weight\" holds \(value) at index 7 of 54") == true)
  }

  @Test func refusesSizesThatDoNotFit() throws {
    let vit = #expect(throws: PullbackError.self) { try Architecture.named("vit_b_16").graph(resolution: 384) }
    #expect(vit?.problem == "its position embedding is for images of 224 pixels, not 384")
    for name in ["vgg11", "pvt_v2_b1", "convnext_tiny", "densenet121"] {
      #expect(throws: PullbackError.self) { try Architecture.named(name).graph(resolution: 15) }
    }
    for resolution in [-1, 0, .max] {
      #expect(throws: PullbackError.self) { try Architecture.named("resnet18").graph(resolution: resolution) }
    }
    #expect(throws: PullbackError.self) { try Architecture.named("resnet18").graph(classes: 0) }
    let unknown = #expect(throws: PullbackError.self) { try Architecture.named("resnet51") }
    #expect(unknown?.advice?.contains("resnet50, resnet101") == true)
  }
}
