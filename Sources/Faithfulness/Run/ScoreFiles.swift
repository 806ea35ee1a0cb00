import Attribution
import Failures
import Foundation
import Pullbacks

extension Scores {
  /// Writes all results to `folder`, each file whole or not at all: `scores.csv`, `summary.csv`, `paired.csv`,
  /// `curves.csv` if a metric has curves, `table.md`, `table.tex` and `run.json`.
  ///
  /// - Returns: the names of the files.
  public func write(to folder: String) throws -> [String] {
    var files = [
      ("scores.csv", try scoresCSV()), ("summary.csv", summaryCSV()), ("paired.csv", pairedCSV()),
      ("table.md", Comparison(self).markdown), ("table.tex", Comparison(self).latex),
      ("run.json", String(decoding: try RunDescription.encoded(description), as: UTF8.self) + "\n"),
    ]
    if let curves = curvesCSV() { files.append(("curves.csv", curves)) }
    for (name, text) in files { try AtomicFile.write(text: text, to: "\(folder)/\(name)") }
    return files.map(\.0)
  }

  private func scoresCSV() throws -> String {
    let hash = try description.settingsHash()
    var text = "model,explainer,metric,image,target,score,seed,settings,undefined\n"
    for (explainer, values) in zip(description.explainers, values) {
      for (metric, scores) in zip(description.metrics, values) {
        for (image, score) in zip(description.images, scores) {
          text += csv(
            description.model, explainer.name, metric.name, image.name, "\(image.target)", "\(score.value)",
            "\(description.seed)", hash, score.undefined?.rawValue ?? "")
        }
      }
    }
    return text
  }

  private func summaryCSV() -> String {
    var text = "model,explainer,metric,direction,mean,std,median,n,n_nan,ci95_low,ci95_high,undefined\n"
    for (explainer, summaries) in zip(description.explainers, summaries()) {
      for (metric, summary) in zip(description.metrics, summaries) {
        let direction = MetricName(rawValue: metric.name)?.metric().direction.rawValue ?? ""
        text += csv(
          description.model, explainer.name, metric.name, direction, "\(summary.mean)", "\(summary.deviation)",
          "\(summary.median)", "\(summary.count)", "\(summary.undefined)", "\(summary.interval?.low ?? .nan)",
          "\(summary.interval?.high ?? .nan)", summary.reasons)
      }
    }
    for (explainer, pooled) in zip(description.explainers, pooledConsistency() ?? []) {
      text += csv(
        description.model, explainer.name, "counterfactual-consistency-pooled", "higher", "\(pooled.value)", "", "",
        "\(pooled.parts)", "0", "\(pooled.interval?.low ?? .nan)", "\(pooled.interval?.high ?? .nan)",
        "over the parts of all images; n counts parts")
    }
    return text
  }

  private func pairedCSV() -> String {
    var text = "model,pair,metric,delta,ci95_low,ci95_high,n,n_nan,published_delta,published_low,published_high\n"
    for pair in pairedDifferences() {
      let metric = description.metrics[pair.metric].name
      let published = Method(rawValue: pair.method).flatMap { method in
        MetricName(rawValue: metric).flatMap { Published.difference($0, of: method, model: description.model) }
      }
      text += csv(
        description.model, "\(pair.method) - \(pair.twin)", metric, "\(pair.mean)", "\(pair.interval?.low ?? .nan)",
        "\(pair.interval?.high ?? .nan)", "\(pair.count)", "\(pair.undefined)",
        published.map { "\($0.mean)" } ?? "", published.map { "\($0.low)" } ?? "", published.map { "\($0.high)" } ?? "")
    }
    return text
  }

  /// The series that metrics keep beside their scores, a row per point; nil if none keeps any.
  private func curvesCSV() -> String? {
    var text = "model,explainer,metric,image,position,value\n"
    let header = text.count
    for (explainer, values) in zip(description.explainers, values) {
      for (metric, scores) in zip(description.metrics, values) {
        for (image, score) in zip(description.images, scores) {
          for (position, value) in score.series.enumerated() {
            text += csv(description.model, explainer.name, metric.name, image.name, "\(position)", "\(value)")
          }
        }
      }
    }
    return text.count > header ? text : nil
  }
}

/// A line of comma-separated values; fields with commas, quotes or line breaks are quoted (RFC 4180).
func csv(_ fields: String...) -> String {
  fields.map { field in
    field.contains { ",\"\n\r".contains($0) } ? "\"\(field.replacing("\"", with: "\"\""))\"" : field
  }.joined(separator: ",") + "\n"
}

/// The mean over images of the curves that a metric keeps beside its scores: of insertion and deletion.
public struct MeanCurve: Sendable {
  public let explainer: String
  public let metric: String
  public let mean: [Double]
  /// The 95 % bootstrap interval of each mean.
  public let intervals: [Bootstrap.Interval?]
  /// The number of images that have a curve.
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
  /// - Parameter shape: the shape of the images, `(C, H, W)`: a row says which share of the pixels its point stands
  ///   for.
  public func writeMeanCurves(for shape: [Int], to folder: String) throws {
    var text = "model,explainer,metric,share,mean,ci95_low,ci95_high,n\n"
    try InputRequirement.pictures.check(shape, for: MeanCurve.fileName)
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
