import Failures
import Pullbacks

/// The mean over images of the curves that a metric keeps beside its scores: of insertion and deletion.
public struct MeanCurve: Sendable {
  public let explainer: String
  public let metric: String
  public let mean: [Double]
  /// The 95 % bootstrap interval of each mean.
  public let intervals: [Bootstrap.Interval?]
  /// How many images have a curve.
  public let count: Int

  public static let fileName = "mean-curves.csv"
}

extension Scores {
  /// A curve for each explainer and each metric whose series have one length for all images.
  public func meanCurves() -> [MeanCurve] {
    zip(description.explainers, values).flatMap { explainer, values in
      zip(description.metrics, values).compactMap { metric, scores in
        let series = scores.map(\.series).filter { !$0.isEmpty }
        guard let length = series.first?.count, series.allSatisfy({ $0.count == length }) else { return nil }
        let points = (0..<length).map { point in series.map { $0[point] } }
        return MeanCurve(
          explainer: explainer.name, metric: metric.name, mean: points.map(mean),
          intervals: points.map(bootstrap.interval(ofMean:)), count: series.count)
      }
    }
  }

  /// Writes the mean curves to a file in `folder`, a row per point.
  ///
  /// - Parameter shape: of the images, `(C, H, W)`: a row says which share of the pixels its point stands for.
  public func writeMeanCurves(for shape: [Int], to folder: String) throws {
    var text = "model,explainer,metric,share,mean,ci95_low,ci95_high,n\n"
    let shares = InsertionDeletion(.insertion).shares(for: shape)
    for curve in meanCurves() where curve.mean.count == shares.count {
      for (point, share) in shares.enumerated() {
        let interval = curve.intervals[point]
        text += csv(
          description.model, curve.explainer, curve.metric, "\(share)", "\(curve.mean[point])",
          "\(interval?.low ?? .nan)", "\(interval?.high ?? .nan)", "\(curve.count)")
      }
    }
    try AtomicFile.write(text: text, to: "\(folder)/\(MeanCurve.fileName)")
  }
}
