import Checkpoints
import Foundation
import Networks
import Pullbacks
import Scenes

/// What became of a training run: how the network was made, and how well it sees.
public struct TrainingReport: Codable, Sendable {
  public let recipe: Recipe
  /// Numbers that the network has learnt.
  public let parameters: Int
  /// Held-out scenes that the rest is about, the first of their seed, without noise on them.
  public let scenes: Int
  public let accuracy: Double
  public let classes: [String]
  /// How many scenes of each class (rows) are taken for each class (columns).
  public let confusion: [[Int]]
  public let difficulty: [Evaluation.Bin]

  /// - Complexity: a forward pass for each of `scenes`.
  /// - Throws: `PullbackError` if Cairo fails.
  public init(of network: Network, recipe: Recipe, scenes: Int = 5000) throws {
    let evaluation = try Evaluation(of: network, on: .heldOut, 0..<scenes)
    self.recipe = recipe
    parameters = network.graph.parameters.filter(\.description.isLearnable)
      .reduce(0) { $0 + $1.description.shape.reduce(1, *) }
    self.scenes = scenes
    accuracy = evaluation.accuracy
    classes = SceneClass.allCases.map(\.name)
    confusion = evaluation.confusion
    difficulty = evaluation.difficulty
  }
}

extension Trainer {
  /// The log as comma-separated values, a row per epoch.
  public var logText: String {
    func decimal(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }
    return "epoch,scenes,rate,noise,loss,accuracy,held_out_accuracy\n"
      + log.map { entry in
        "\(entry.epoch),\(entry.scenes),\(decimal(entry.rate, 8)),\(decimal(entry.noise, 4)),"
          + "\(decimal(entry.loss, 6)),\(decimal(entry.accuracy, 6)),\(decimal(entry.heldOutAccuracy, 4))\n"
      }.joined()
  }

  /// Writes the network as a checkpoint in float16, with the recipe as its metadata.
  ///
  /// - Throws: `PullbackError` if the file cannot be written.
  public func writeCheckpoint(to path: String) throws {
    try SafeTensors.write(
      network.parameters.map { (name: $0, tensor: $1) }, metadata: ["recipe": try compactJSON(recipe)], as: .float16,
      to: path)
  }
}
