import Faithfulness
import Pullbacks
import Scenes

/// Scenes for a benchmark, with the masks of objects and parts, and the same scenes without each part.
public struct SceneSamples: SampleSource {
  public let images: [RunDescription.Image]
  public let description: String
  private let generator: SceneGenerator
  private let first: Int
  private let size: Int

  /// Scenes `first` to `first + count - 1` of a seed.
  ///
  /// - Parameter size: pixels a side, 8 to 4096.
  public init(seed: UInt64, first: Int = 0, count: Int, size: Int = 96) {
    let generator = SceneGenerator(seed: seed)
    self.generator = generator
    self.first = first
    self.size = size
    images = (first..<first + count).map { index in
      RunDescription.Image(name: "scene \(index)", target: generator.label(index).rawValue)
    }
    description = "scenes of seed \(seed) from \(first), \(size) pixels"
  }

  public func sample(_ index: Int) throws -> Sample {
    let scene = generator.scene(first + index)
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
