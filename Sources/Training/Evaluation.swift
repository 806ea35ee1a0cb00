import Pullbacks
import Scenes

/// How well a network tells scenes apart.
public struct Evaluation: Sendable {
  /// What the network says of one scene.
  public struct Prediction: Sendable {
    public let scene: Scene
    /// The class of the greatest logit.
    public let predicted: Int
    public var isRight: Bool { predicted == scene.label.rawValue }
  }

  /// What `network` says of some scenes, without noise on them.
  ///
  /// - Complexity: a forward pass for each scene.
  /// - Throws: `PullbackError` if Cairo fails.
  static func predictions(
    of network: Network, on scenes: SceneGenerator, _ indices: Range<Int>
  ) throws -> [Prediction] {
    var predictions: [Prediction] = []
    for start in stride(from: indices.lowerBound, to: indices.upperBound, by: 50) {
      let batch = start..<min(start + 50, indices.upperBound)
      let logits = try network(scenes.batch(Array(batch), size: network.graph.inputShape[1]).pictures)
      for (row, index) in batch.enumerated() {
        let values = logits.image(row).scalars
        predictions.append(
          Prediction(scene: scenes.scene(index), predicted: values.firstIndex(of: values.max()!)!))
      }
    }
    return predictions
  }
}
