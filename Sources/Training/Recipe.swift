import Kernels
import Networks
import Pullbacks
import Scenes

/// The recipe by which a network is trained on scenes.
public struct Recipe: Codable, Equatable, Sendable {
  /// The architecture's name.
  public var network: String
  /// The seed of the scenes, the noise and the initial parameters.
  public var seed: UInt64 = 1
  public var epochs: Int
  /// Scenes of one epoch, all of them new; a multiple of ``batch``.
  public var epochScenes = 6400
  public var batch = 32
  /// The greatest learning rate.
  public var rate: Double
  /// Weight decay, see ``AdamW``.
  public var decay = 0.05
  /// The share of all steps in which the rate rises.
  public var warmUp: Double
  /// Label smoothing, see ``CrossEntropy``.
  public var smoothing = 0.1
  /// The greatest deviation of the noise on a picture, whose values lie in -1...1; each picture's is uniform below it.
  public var noise = 0.4
  /// The share of all epochs in which the noise grows from nothing to ``noise``.
  public var noiseGrowth = 0.0
  /// ``normScale`` where it is not the usual one, which records leave out, as they did before it could be chosen.
  var otherNormScale: Double?

  private enum CodingKeys: String, CodingKey {
    case network, seed, epochs, epochScenes, batch, rate, decay, warmUp, smoothing, noise, noiseGrowth
    case otherNormScale = "normScale"
  }

  /// The initial scale of batch norms. The scales stay near it in a short run, so it sets the size of the
  /// pre-activations behind them, against which soft rules have a fixed temperature.
  public var normScale: Double {
    get { otherNormScale ?? Self.usualNormScale }
    set { otherNormScale = newValue == Self.usualNormScale ? nil : newValue }
  }

  /// Networks of ImageNet arrive at 0.2 to 0.5, where weight decay has had ninety epochs to shrink scales; a short run
  /// has to begin there.
  public static let usualNormScale = 1.0 / 3

  /// The recipe that made the network `name` of this package.
  ///
  /// - Throws: `PullbackError` that lists the networks there are.
  public static func named(_ name: String) throws(PullbackError) -> Recipe {
    if let recipe = all.first(where: { $0.network == name }) { return recipe }
    throw PullbackError(
      .usage, "network \(name)", "there is no recipe for it",
      advice: "there are \(all.map(\.network).joined(separator: ", "))")
  }

  /// One recipe for each network.
  public static let all = [
    Recipe(network: "resnet-scenes", epochs: 10, rate: 2e-3, warmUp: 0.05),
    Recipe(network: "vgg-scenes", epochs: 10, rate: 2e-3, warmUp: 0.05),
    Recipe(network: "pvt-scenes", epochs: 24, batch: 16, rate: 1e-3, warmUp: 0.05, noiseGrowth: 0.4),
  ]

  var steps: Int { epochs * epochScenes / batch }

  /// - Throws: `PullbackError` for numbers that make no training run.
  func check() throws(PullbackError) {
    guard (1...100_000).contains(epochs), (1...512).contains(batch), (batch...10_000_000).contains(epochScenes),
      epochScenes % batch == 0
    else {
      throw PullbackError(
        .usage, "recipe", "\(epochs) epochs of \(epochScenes) scenes in batches of \(batch) make no run",
        advice: "take one epoch or more, of a multiple of the batch")
    }
    guard rate.isFinite, rate > 0, decay.isFinite, decay >= 0, (0..<1).contains(warmUp), (0..<1).contains(smoothing),
      (0...10).contains(noise), (0...1).contains(noiseGrowth), (1e-3...1e3).contains(normScale)
    else { throw PullbackError(.usage, "recipe", "a number is out of its range: \(self)") }
    guard seed != SceneGenerator.heldOut.seed else {
      throw PullbackError(
        .usage, "seed \(seed)", "is that of the held-out scenes, which no network is trained on",
        advice: "choose another")
    }
  }
}

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
