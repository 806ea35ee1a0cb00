import Checkpoints
import Foundation
import Networks
import Pullbacks
import Scenes

/// The accuracy of a network on scenes, in all and by the properties that make scenes hard.
public struct Evaluation: Sendable {
  /// The network's prediction for one scene.
  public struct Prediction: Sendable {
    public let scene: Scene
    /// The class of the greatest logit.
    public let predicted: Int
    public var isRight: Bool { predicted == scene.label.rawValue }
  }

  public let predictions: [Prediction]

  /// Asks `network` about some scenes, as they are.
  ///
  /// - Complexity: a forward pass for each scene.
  /// - Throws: `PullbackError` if the network has other classes, or Cairo fails.
  public init(of network: Network, on scenes: SceneGenerator, _ indices: Range<Int>) throws {
    guard network.graph.outputShape == [SceneClass.allCases.count] else {
      throw PullbackError(
        .usage, network.graph.name, "its output is \(network.graph.outputShape), scenes have ten classes")
    }
    var predictions: [Prediction] = []
    for start in stride(from: indices.lowerBound, to: indices.upperBound, by: 50) {
      let batch = start..<min(start + 50, indices.upperBound)
      let logits = try network(scenes.batch(Array(batch), size: network.graph.inputShape[1]).pictures)
      for (row, index) in batch.enumerated() {
        let values = logits.image(row).scalars
        predictions.append(Prediction(scene: scenes.scene(index), predicted: values.firstIndex(of: values.max()!)!))
      }
    }
    self.predictions = predictions
  }

  /// The share of scenes whose class is seen.
  public var accuracy: Double { Self.share(predictions) }

  /// The number of scenes of each class (rows) that are taken for each class (columns).
  public var confusion: [[Int]] {
    var counts = [[Int]](repeating: [Int](repeating: 0, count: 10), count: 10)
    for prediction in predictions { counts[prediction.scene.label.rawValue][prediction.predicted] += 1 }
    return counts
  }

  /// The accuracy of the scenes of one kind.
  public struct Bin: Codable, Equatable, Sendable {
    /// The property that they are sorted by: `grade`, `scale`, `noise`, `blur`, `clutter` or `occluders`.
    public let by: String
    /// The value of the property: `hard`, `0.35-0.46`, `2`.
    public let value: String
    public let scenes: Int
    public let accuracy: Double
  }

  /// The accuracy by each of the things that make scenes hard; five bins of equal width where it is a real number.
  public var difficulty: [Bin] {
    func binned(_ range: ClosedRange<Double>, _ value: @escaping (Difficulty) -> Double) -> (Difficulty) -> (
      Int, String
    ) {
      let width = (range.upperBound - range.lowerBound) / 5
      return { difficulty in
        let bin = min(4, max(0, Int((value(difficulty) - range.lowerBound) / width)))
        let low = range.lowerBound + Double(bin) * width
        return (bin, "\(rounded(low))-\(rounded(low + width))")
      }
    }
    let kinds: [(String, (Difficulty) -> (Int, String))] = [
      ("grade", { (Difficulty.Grade.allCases.firstIndex(of: $0.grade)!, $0.grade.rawValue) }),
      ("scale", binned(0.35...0.9) { $0.scale }), ("noise", binned(0...0.1) { $0.noise }),
      ("blur", binned(0...0.9) { $0.blur }), ("clutter", { ($0.clutter, "\($0.clutter)") }),
      ("occluders", { ($0.occluders, "\($0.occluders)") }),
    ]
    return kinds.flatMap { by, key in
      Dictionary(grouping: predictions) { key($0.scene.difficulty).0 }.sorted { $0.key < $1.key }.map { _, members in
        Bin(
          by: by, value: key(members[0].scene.difficulty).1, scenes: members.count, accuracy: Self.share(members))
      }
    }
  }

  private static func share(_ predictions: [Prediction]) -> Double {
    Double(predictions.count { $0.isRight }) / Double(max(1, predictions.count))
  }
}

/// Two digits after the point.
private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

/// The result of a training run: how the network was made, and its accuracy.
public struct TrainingReport: Codable, Sendable {
  public let recipe: Recipe
  /// Numbers that the network has learnt.
  public let parameters: Int
  /// Held-out scenes that the rest is about, the first of their seed, without noise on them.
  public let scenes: Int
  public let accuracy: Double
  public let classes: [String]
  /// The number of scenes of each class (rows) that are taken for each class (columns).
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
