import Faithfulness
import Imaging
import Pullbacks
import Scenes
import Training

/// Scenes with the masks of their objects and, if wanted, of their parts, and the same scenes without each part.
public struct SceneSamples: SampleSource {
  public let images: [RunDescription.Image]
  public let description: String
  private let generator: SceneGenerator
  private let indices: [Int]
  private let size: Int
  private let withParts: Bool

  /// Scenes by their numbers, by default held-out ones, on which no network was trained.
  ///
  /// - Parameters:
  ///   - indices: the scenes' numbers.
  ///   - size: pixels a side, 8 to 4096.
  ///   - withParts: whether each part is drawn too, which takes several times as long.
  public init(
    _ indices: some Sequence<Int>, of generator: SceneGenerator = .heldOut, size: Int = 96, withParts: Bool = true
  ) {
    self.indices = Array(indices)
    self.generator = generator
    self.size = size
    self.withParts = withParts
    images = self.indices.map { RunDescription.Image(name: "scene \($0)", target: generator.label($0).rawValue) }
    description = "scenes of seed \(generator.seed), \(size) pixels"
  }

  /// The first `count` held-out scenes that are easy to read, of as many different classes as there are.
  public static func clearScenes(_ count: Int) -> [Int] {
    var (chosen, counts, index) = ([Int](), [SceneClass: Int](), 0)
    while chosen.count < count {
      let scene = SceneGenerator.heldOut.scene(index)
      if scene.difficulty.grade == .easy, counts[scene.label, default: 0] <= chosen.count / 10 {
        counts[scene.label, default: 0] += 1
        chosen.append(index)
      }
      index += 1
    }
    return chosen
  }

  public func sample(_ index: Int) throws -> Sample {
    let scene = generator.scene(indices[index])
    let renderer = try SceneRenderer(size: size)
    var parts: [Sample.Part] = []
    if withParts {
      parts = try scene.parts.map { part in
        Sample.Part(
          name: part.name, mask: try renderer.mask([part], of: scene), isDiagnostic: part.isDiagnostic,
          imageWithout: Tensor(try renderer.picture(scene.removing(part))))
      }
    }
    return Sample(
      index: index, name: images[index].name, image: Tensor(try renderer.picture(scene)), target: scene.label.rawValue,
      mask: try renderer.mask(scene.parts, of: scene), parts: parts)
  }
}
