/// One class that a network sees in an image.
public struct Prediction: Sendable, Equatable {
  /// The class, its place among the logits.
  public let target: Int
  /// Its logit.
  public let logit: Float
  /// Softmax of the logits, in `[0, 1]`.
  public let probability: Double

  /// The classes of one image in the order of their logits, the largest first; ties in the order of the classes.
  ///
  /// - Parameter logits: of one image, `(classes)` values.
  public static func ranking(_ logits: [Float]) -> [Prediction] {
    let probabilities = probabilities(logits)
    return logits.indices.map { Prediction(target: $0, logit: logits[$0], probability: probabilities[$0]) }
      .sorted { $0.logit != $1.logit ? $0.logit > $1.logit : $0.target < $1.target }
  }
}
