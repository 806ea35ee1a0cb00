import Imaging
import Networks
import Pullbacks
import Scenes
import Training

/// The networks that come with the package, and scenes that none of them was trained on.
public enum ScenesTier {
  /// One of the networks, and held-out scenes by their numbers.
  public static func subject(_ model: SceneNetwork, scenes indices: [Int]) throws -> Subject {
    try Subject(
      model.title, model.architecture, model.checkpoint(), classNames: SceneClass.allCases.map(\.name),
      credit: "Scenes \(indices.map(String.init).joined(separator: ", ")) of seed \(SceneGenerator.heldOut.seed)."
    ) { try scenes(indices, size: $0) }
  }

  /// Held-out scenes, with the masks of their objects.
  ///
  /// - Throws: `PullbackError` if Cairo fails.
  public static func scenes(_ indices: [Int], size: Int = 96) throws -> [LabelledImage] {
    let renderer = try SceneRenderer(size: size)
    return try indices.map { index in
      let scene = SceneGenerator.heldOut.scene(index)
      return LabelledImage(
        name: "scene \(index)", target: scene.label.rawValue, className: scene.label.name,
        image: Tensor(try renderer.picture(scene)), mask: try renderer.mask(scene.parts, of: scene))
    }
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
}
