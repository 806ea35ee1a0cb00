import Checkpoints
import Foundation
import Networks
import Pullbacks
import Scenes

/// A training run: a pure function of its recipe, epoch after epoch.
///
/// Scenes, noise and initial parameters come from named random streams, and sums are taken in a fixed order: the bytes
/// of the parameters depend on the recipe and the machine alone, not on the number of threads, and not on whether a run
/// was interrupted (``save(to:)``, ``init(resuming:as:)``).
public struct Trainer: Sendable {
  /// One epoch in the log.
  public struct Epoch: Codable, Equatable, Sendable {
    /// Counted from 1.
    public let epoch: Int
    /// Scenes seen so far.
    public let scenes: Int
    /// The learning rate of the epoch's last step.
    public let rate: Double
    /// The greatest deviation of the noise on the pictures.
    public let noise: Double
    /// The mean loss over the epoch's scenes, each before the step that it was part of.
    public let loss: Double
    /// The share of these scenes whose class was seen.
    public let accuracy: Double
    /// The share of ``Trainer/watched``, without noise, whose class is seen after the epoch. No decision rests on it.
    public let heldOutAccuracy: Double
  }

  public let recipe: Recipe
  public internal(set) var network: Network
  public internal(set) var optimiser: AdamW
  public internal(set) var log: [Epoch] = []

  /// - Throws: `PullbackError` if the recipe's network does not exist, its numbers make no run, or its seed is that of
  ///   the held-out scenes.
  public init(_ recipe: Recipe) throws {
    try recipe.check()
    let graph = try Architecture.named(recipe.network).graph(resolution: Self.size, classes: SceneClass.allCases.count)
    self.recipe = recipe
    network = try Network(untrained: graph, seed: recipe.seed, normScale: recipe.normScale)
    optimiser = AdamW(decay: recipe.decay)
  }

  /// The held-out scenes of the log; those of ``TrainingReport`` come before them.
  public var watched = 5000..<5500
  /// Pixels a side.
  static let size = Architecture.TrainingImages.scenes.resolution

  /// Whether all epochs are done.
  public var isFinished: Bool { log.count == recipe.epochs }

  /// Trains for one epoch.
  ///
  /// - Parameter progress: is told of each step how many scenes it took.
  /// - Complexity: a forward and a backward pass for each of the epoch's scenes.
  /// - Throws: `PullbackError` if Cairo fails, or the loss is no longer finite.
  public mutating func trainEpoch(progress: (_ scenes: Int) -> Void = { _ in }) throws {
    let epoch = log.count
    let scenes = TrainingScenes(recipe: recipe)
    let schedule = CosineSchedule(
      peak: recipe.rate, steps: recipe.steps, warmUp: Int(recipe.warmUp * Double(recipe.steps)))
    let criterion = CrossEntropy(smoothing: recipe.smoothing)
    let steps = recipe.epochScenes / recipe.batch
    var (loss, correct) = (0.0, 0)
    for step in 0..<steps {
      let (pictures, labels) = try scenes.batch(epoch: epoch, step: step, size: Self.size)
      let trace = try network.trainingTrace(at: pictures)
      let value = try criterion(trace.value, labels)
      guard value.loss.isFinite else {
        throw PullbackError(
          .data, "training of \(recipe.network)", "the loss is \(value.loss) in epoch \(epoch + 1), step \(step + 1)",
          advice: "lower the learning rate")
      }
      var parameters = network.parameters.merging(trace.updatedStatistics()) { $1 }
      optimiser.update(
        &parameters, gradients: try trace.parameterGradients(value.cotangent), rate: schedule[optimiser.step])
      network = try Network(network.graph, parameters: parameters, executor: network.executor)
      loss += value.loss
      correct += value.correct
      progress(recipe.batch)
    }
    let heldOut = try Evaluation(of: network, on: .heldOut, watched)
    log.append(
      Epoch(
        epoch: epoch + 1, scenes: (epoch + 1) * recipe.epochScenes, rate: schedule[optimiser.step - 1],
        noise: scenes.greatestNoise(epoch: epoch), loss: loss / Double(steps),
        accuracy: Double(correct) / Double(recipe.epochScenes),
        heldOutAccuracy: heldOut.accuracy))
  }
}

extension Trainer {
  /// Writes all that the next epoch depends on, whole or not at all.
  ///
  /// - Throws: `PullbackError` if the file cannot be written.
  public func save(to path: String) throws {
    try TrainingState(recipe: recipe, log: log, parameters: network.parameters, optimiser: optimiser).write(to: path)
  }

  /// A run as ``save(to:)`` left it.
  ///
  /// - Parameter recipe: the recipe as it was at the start.
  /// - Throws: `PullbackError` if the file is none of these, or of a run with another recipe.
  public init(resuming path: String, as recipe: Recipe) throws {
    try self.init(recipe)
    let state = try TrainingState<Recipe, Epoch>(
      contentsOf: path, as: recipe, epochs: recipe.epochs, steps: recipe.epochScenes / recipe.batch,
      continuing: optimiser, of: network.graph)
    (log, optimiser) = (state.log, state.optimiser)
    network = try Network(network.graph, parameters: state.parameters, executor: network.executor)
  }
}
