import Foundation
import Pullbacks

/// Cross-entropy of softmax probabilities against labels whose certainty is smoothed.
///
/// For logits z of C classes and label c the target is `q_k = (1 - s) [k = c] + s / C`, the loss of an image
/// `-sum_k q_k log softmax(z)_k`, and its gradient `softmax(z) - q`. Of a batch: the mean.
/// Source: Szegedy et al., Rethinking the Inception Architecture (2015, arXiv 1512.00567), section 7.
public struct CrossEntropy: Sendable {
  /// s, from 0 (no smoothing) to less than 1.
  public var smoothing: Double

  public init(smoothing: Double = 0) { self.smoothing = smoothing }

  /// The loss, and what a training step wants to know besides.
  public struct Value: Sendable {
    /// The mean over the batch.
    public let loss: Double
    /// The gradient of ``loss`` with respect to the logits, `(N, C)`.
    public let cotangent: Tensor
    /// How many images have their label's logit as the greatest.
    public let correct: Int
  }

  /// - Parameters:
  ///   - logits: `(N, C)`.
  ///   - labels: N classes.
  /// - Throws: `PullbackError` if there are not as many labels as rows, or one is not a class.
  public func callAsFunction(_ logits: Tensor, _ labels: [Int]) throws(PullbackError) -> Value {
    guard logits.rank == 2, logits.shape[0] == labels.count, !labels.isEmpty else {
      throw PullbackError(.usage, "labels", "\(labels.count) do not fit logits of shape \(logits.shape)")
    }
    let classes = logits.shape[1]
    if let label = labels.first(where: { !(0..<classes).contains($0) }) {
      throw PullbackError(.usage, "label \(label)", "the classes are 0 to \(classes - 1)")
    }
    let z = logits.scalars.map(Double.init)
    var (loss, correct) = (0.0, 0)
    let cotangent = Tensor(shape: logits.shape) { cotangent in
      for (image, label) in labels.enumerated() {
        let row = z[image * classes..<(image + 1) * classes]
        let greatest = row.max()!
        if row.firstIndex(of: greatest) == row.startIndex + label { correct += 1 }
        let logSum = log(row.reduce(0) { $0 + exp($1 - greatest) }) + greatest
        for (index, value) in zip(row.indices, row) {
          let target = smoothing / Double(classes) + (index == row.startIndex + label ? 1 - smoothing : 0)
          loss -= target * (value - logSum)
          cotangent[index] = Float((exp(value - logSum) - target) / Double(labels.count))
        }
      }
    }
    return Value(loss: loss / Double(labels.count), cotangent: cotangent, correct: correct)
  }
}
