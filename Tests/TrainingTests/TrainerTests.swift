import Checkpoints
import Foundation
import Kernels
import Networks
import Pullbacks
import Scenes
import TestKit
import Testing

@testable import Training

/// Shortened runs: what they depend on, down to the byte.
@Suite(.serialized) struct TrainerTests {
  private static func recipe(_ network: String, epochs: Int = 2) throws -> Recipe {
    var recipe = try Recipe.named(network)
    (recipe.epochs, recipe.epochScenes, recipe.batch, recipe.noiseGrowth) = (epochs, 12, 6, 0.5)
    return recipe
  }

  /// The bytes of the state after all epochs, and the run.
  private static func finished(_ trainer: Trainer) throws -> (state: Data, trainer: Trainer) {
    var trainer = trainer
    trainer.watched = 5000..<5010
    while !trainer.isFinished { try trainer.trainEpoch() }
    let folder = try TemporaryFolder()
    try trainer.save(to: folder.path("state"))
    return (try Data(contentsOf: folder.url.appendingPathComponent("state")), trainer)
  }

  /// Twice, on one thread, and interrupted after the first epoch: the same bytes every time, and other bytes from
  /// another seed.
  @Test(arguments: Recipe.all.map(\.network)) func sameBytes(network: String) throws {
    let recipe = try Self.recipe(network)
    let (state, trainer) = try Self.finished(Trainer(recipe))
    #expect(trainer.log.map(\.epoch) == [1, 2])
    #expect(trainer.log.map(\.scenes) == [12, 24])
    #expect(trainer.optimiser.step == 4)

    Parallel.threads = 1
    defer { Parallel.threads = 0 }
    #expect(try Self.finished(Trainer(recipe)).state == state, "on one thread")
    Parallel.threads = 0

    let folder = try TemporaryFolder()
    var first = try Trainer(recipe)
    first.watched = 5000..<5010
    try first.trainEpoch()
    try first.save(to: folder.path("state"))
    #expect(try Self.finished(Trainer(resuming: folder.path("state"), as: recipe)).state == state, "interrupted")

    var other = recipe
    other.seed += 1
    #expect(try Self.finished(Trainer(other)).state != state, "another seed")
  }

  /// Each epoch has new scenes, each class as often as any other; the noise is as great as the log says.
  @Test func scenesOfAnEpoch() throws {
    var recipe = try Self.recipe("vgg-scenes", epochs: 4)
    recipe.epochScenes = 20
    recipe.batch = 20
    let scenes = TrainingScenes(recipe: recipe)
    let batches = try (0..<4).map { try scenes.batch(epoch: $0, step: 0, size: 32) }
    #expect(batches.allSatisfy { $0.labels.sorted() == (0..<20).map { $0 / 2 } })
    #expect((0..<4).map { scenes.greatestNoise(epoch: $0) } == [0, 0.2, 0.4, 0.4])
    for epoch in 0..<4 {
      let clean = try SceneGenerator(seed: recipe.seed).batch(Array(20 * epoch..<20 * epoch + 20), size: 32)
      #expect(clean.labels == batches[epoch].labels)
      let noise = batches[epoch].pictures - clean.pictures
      let deviations = noise.imageNorms.map { $0 / Double(3 * 32 * 32).squareRoot() }
      // Twenty draws of a uniform distribution: all below its end, one at least above half of it.
      let end = [0, 0.2, 0.4, 0.4][epoch]
      #expect(deviations.max()! <= 1.05 * end && deviations.max()! >= end / 2, "epoch \(epoch)")
    }
  }

  /// Twelve scenes over and over are learnt by heart: gradients, steps and statistics work together.
  @Test func learns() throws {
    let recipe = try Self.recipe("vgg-scenes")
    var (network, optimiser) = (try Trainer(recipe).network, AdamW(decay: 0.05))
    let (pictures, labels) = try SceneGenerator(seed: 5).batch(Array(0..<10))
    var losses: [Double] = []
    for _ in 0..<12 {
      let trace = try network.trainingTrace(at: pictures)
      let value = try CrossEntropy(smoothing: 0)(trace.value, labels)
      losses.append(value.loss)
      var parameters = network.parameters.merging(trace.updatedStatistics()) { $1 }
      optimiser.update(&parameters, gradients: try trace.parameterGradients(value.cotangent), rate: 1e-3)
      network = try Network(network.graph, parameters: parameters)
    }
    #expect(losses[0] > 1.5 && losses[11] < 0.3, "losses \(losses)")
  }

  @Test func statesOfOtherRecipesAreRefused() throws {
    let folder = try TemporaryFolder()
    let recipe = try Self.recipe("vgg-scenes")
    try Trainer(recipe).save(to: folder.path("state"))
    #expect(try Trainer(resuming: folder.path("state"), as: recipe).log.isEmpty)
    var other = recipe
    other.rate *= 2
    #expect(throws: PullbackError.self) { try Trainer(resuming: folder.path("state"), as: other) }
    #expect(throws: PullbackError.self) {
      try Trainer(resuming: folder.path("state"), as: try Self.recipe("pvt-scenes"))
    }
    try SafeTensors.write([("parameter conv", Tensor(shape: [2]))], to: folder.path("other"))
    #expect(throws: PullbackError.self) { try Trainer(resuming: folder.path("other"), as: recipe) }
  }

  @Test func unfitRecipes() throws {
    #expect(throws: PullbackError.self) { try Recipe.named("resnet50") }
    let changes: [(inout Recipe) -> Void] = [
      { $0.epochs = 0 }, { $0.batch = 0 }, { $0.epochScenes = 13 }, { $0.network = "resnet51" },
      { $0.seed = SceneGenerator.heldOut.seed }, { $0.warmUp = 1 }, { $0.rate = .nan },
    ]
    for change in changes {
      var recipe = try Self.recipe("vgg-scenes")
      change(&recipe)
      #expect(throws: PullbackError.self, "\(recipe)") { try Trainer(recipe) }
    }
  }
}
