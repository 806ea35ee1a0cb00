import Checkpoints
import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Networks

/// Checkpoints of torchvision and timm under those libraries' own names (Tests/Oracles/architectures.py).
@Suite(.serialized) struct LibraryTests {
  struct List: Decodable {
    let count: Int
    let digest: String
    let epsilons: [Double]
  }

  /// By architecture and library.
  static let lists = try! JSONDecoder().decode(
    [String: List].self, from: Data(contentsOf: URL(fileURLWithPath: Fixture.path("architectures.json"))))
  static let fixtures = try! Fixture.tensors("architectures")
  static let cases = Set(fixtures.names.map { String($0.prefix { $0 != "/" }) }).sorted()

  /// The names and shapes of all tensors are the library's, and so are the epsilons of the norms.
  @Test(arguments: lists.keys.sorted()) func tensorsAreTheLibrarys(key: String) throws {
    let parts = key.split(separator: " ").map(String.init)
    let architecture = try Architecture.named(parts[0])
    let expected = try #require(Self.lists[key])
    let lines = try Self.tensors(architecture, library: parts[1]).map { "\($0.stored) \($0.storedShape)" }
    #expect(lines.count == expected.count)
    #expect(String(format: "%016lx", Formula.hash(lines.sorted().joined(separator: "\n"))) == expected.digest)
    let epsilons = Set(try architecture.graph().nodes.compactMap { node in
      (node.operation as? BatchNorm)?.epsilon ?? (node.operation as? LayerNorm)?.epsilon
    })
    #expect(epsilons.sorted() == expected.epsilons.map(Float.init))
  }

  /// Logits and gradients of float64, from a file with the library's names.
  @Test(arguments: cases) func agreesWithTheLibrary(key: String) throws {
    func expected(_ what: String) throws -> Tensor { try Self.fixtures.tensor("\(key)/\(what)") }
    let parts = key.split(separator: " ").map(String.init)
    let (side, channels) = (Int(parts[2])!, Int(parts[3])!)
    let architecture = try Architecture.named(parts[0])
    let folder = try TemporaryFolder()
    let path = folder.path("library.safetensors")
    do {
      let tensors = try Self.tensors(architecture, library: parts[1], classes: 10, channels: channels)
      try SafeTensors.write(tensors.map { ($0.stored, Formula.parameter($0.stored, $0.storedShape)) }, to: path)
    }
    let checkpoint = try Checkpoint(contentsOf: path)
    let recognition = try Recognition(of: checkpoint)
    #expect(([recognition.architecture] + recognition.alternatives).contains { $0.name == parts[0] })
    let network = try Network(architecture, checkpoint: checkpoint, resolution: side)
    let numbers = try expected("images").scalars
    let images = Tensor(batching: numbers.map { Formula.image("image\(Int($0))", [1, channels, side, side]) })
    let trace = try network.trace(at: images, rules: [.gradient])
    let logits = relativeErrors(trace.value, try expected("logits")).largest
    #expect(logits < 1e-5, "\(key): logits \(logits)")
    let gradient = try trace.pullback(network.oneHot([3, 7]), by: .gradient).scalars
    let sampled = stride(from: 0, to: gradient.count, by: 37).map { gradient[$0] }
    let error = relativeErrors(Tensor(shape: [sampled.count], sampled), try expected("gradient")).largest
    #expect(error < 1e-4, "\(key): gradient \(error)")
  }

  /// timm's VGG has convolutions whose kernels cover all of the map in place of linear layers: the same numbers.
  @Test func convolutionsAreReadAsLinearMaps() throws {
    let checkpoint = try SceneNetwork.vgg.checkpoint()
    let architecture = try SceneNetwork.vgg.architecture
    let shapes = ["classifier.0.weight": [128, 128, 3, 3], "classifier.3.weight": [128, 128, 1, 1]]
    let folder = try TemporaryFolder()
    try SafeTensors.write(
      try architecture.graph().parameters.map { name, description in
        (architecture.timmName(name), try checkpoint.tensor(name).reshaped(shapes[name] ?? description.shape))
      }, to: folder.path("timm.safetensors"))
    let written = try Checkpoint(contentsOf: folder.path("timm.safetensors"))
    #expect(written.names.contains("pre_logits.fc1.weight") && written.names.contains("head.fc.bias"))
    let network = try Network(Architecture.infer(from: written), checkpoint: written)
    let image = Formula.image("image", [1, 3, 96, 96])
    #expect(try network(image) == SceneNetwork.vgg.network()(image))
  }

  /// The tensors of a library's checkpoint: the parameter of the graph, and its name and shape in the file.
  static func tensors(
    _ architecture: Architecture, library: String, classes: Int? = nil, channels: Int = 3
  ) throws -> [(parameter: String, stored: String, storedShape: [Int])] {
    try architecture.graph(classes: classes, channels: channels).parameters.map { name, description in
      let stored = library == "timm" ? architecture.timmName(name) : name
      return (name, stored, storedShape(stored, description.shape))
    }
  }

  /// timm has convolutions where torchvision has linear maps, and factors without the axes of places.
  private static func storedShape(_ name: String, _ shape: [Int]) -> [Int] {
    if name.hasSuffix("pre_logits.fc1.weight") { return [shape[0], shape[1] / 49, 7, 7] }
    let isLinear = name.hasSuffix("pre_logits.fc2.weight") || (name == "conv_head.weight" && shape.count == 2)
    if isLinear { return shape + [1, 1] }
    return name.hasSuffix(".gamma") ? [shape[0]] : shape
  }
}
