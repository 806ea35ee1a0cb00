import Faithfulness
import Pullbacks
import Scenes
import Training

/// Scenes for a benchmark, with the masks of objects and parts, and the same scenes without each part.
public struct SceneSamples: SampleSource {
  public let images: [RunDescription.Image]
  public let description: String
  private let generator: SceneGenerator
  private let size: Int

  /// Scenes 0 to `count - 1`, by default of those that no network was trained on.
  ///
  /// - Parameter size: pixels a side, 8 to 4096.
  public init(_ generator: SceneGenerator = .heldOut, count: Int, size: Int = 96) {
    self.generator = generator
    self.size = size
    images = (0..<count).map { index in
      RunDescription.Image(name: "scene \(index)", target: generator.label(index).rawValue)
    }
    description = "scenes of seed \(generator.seed), \(size) pixels"
  }

  public func sample(_ index: Int) throws -> Sample {
    let scene = generator.scene(index)
    let renderer = try SceneRenderer(size: size)
    let rendered = try renderer.render(scene)
    let parts = try rendered.partMasks.map { part, mask in
      Sample.Part(
        name: part.name, mask: mask, isDiagnostic: part.isDiagnostic,
        imageWithout: Tensor(try renderer.picture(scene.removing(part))))
    }
    return Sample(
      index: index, name: images[index].name, image: rendered.tensor, target: rendered.label.rawValue,
      mask: rendered.objectMask, parts: parts)
  }
}
