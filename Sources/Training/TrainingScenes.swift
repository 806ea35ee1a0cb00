import Kernels
import Pullbacks
import Scenes

/// The pictures that a recipe trains on: new ones in every epoch, with noise on them.
struct TrainingScenes: Sendable {
  let recipe: Recipe

  /// The pictures `(N, 3, H, W)` and labels of one step; scene i of epoch e is number `e * epochScenes + i`.
  ///
  /// - Throws: `PullbackError` if Cairo fails.
  func batch(epoch: Int, step: Int, size: Int) throws -> (pictures: Tensor, labels: [Int]) {
    let first = epoch * recipe.epochScenes + step * recipe.batch
    let indices = Array(first..<first + recipe.batch)
    let (pictures, labels) = try SceneGenerator(seed: recipe.seed).batch(indices, size: size)
    let deviations = indices.map { scene in
      greatestNoise(epoch: epoch)
        * Double(RandomStream(seed: recipe.seed, "training: deviation", image: scene).uniforms([]).scalars[0])
    }
    let noise = Tensor(batching: indices.map { scene in
      RandomStream(seed: recipe.seed, "training: noise", image: scene).normals([1, 3, size, size])
    })
    return (pictures + noise.scaled(perImage: deviations), labels)
  }

  /// The greatest deviation of the noise in an epoch.
  func greatestNoise(epoch: Int) -> Double {
    let growing = recipe.noiseGrowth * Double(recipe.epochs)
    return recipe.noise * (Double(epoch) < growing ? Double(epoch) / growing : 1)
  }
}

extension SceneGenerator {
  /// The scenes that no network of this package is trained on: judge networks by these, and show these.
  public static let heldOut = SceneGenerator(seed: 314)
}
