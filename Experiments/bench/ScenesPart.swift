import ExperimentKit
import Scenes

extension Measure {
  /// Drawing procedural scenes, with and without their masks.
  func measureScenes(_ report: inout Report) throws {
    let generator = SceneGenerator(seed: 1)
    let pictures = try clock.least(within: seconds) { _ = try generator.batch(Array(0..<64)) }
    report.add(.scenes, "scene, 96 x 96, as part of a batch of 64", 1000 * pictures / 64, "ms")
    let renderer = try SceneRenderer(size: 96)
    let masks = try clock.least(within: seconds) {
      for index in 0..<16 { _ = try renderer.render(generator.scene(index)) }
    }
    report.add(.scenes, "scene, 96 x 96, with its masks, one thread", 1000 * masks / 16, "ms")
  }
}
