import Failures
import Faithfulness
import Foundation
import Pullbacks

/// How similar an explainer's maps stay to themselves the more of a network's layers are random: the mean over images
/// at each stop.
public struct SimilarityCurve: Sendable {
  public let explainer: Method
  public let order: RandomisationOrder
  public let similarity: ParameterRandomisation.Similarity
  public internal(set) var stops: [Stop] = []

  public struct Stop: Sendable {
    /// How many layers lie between this one and the output, itself included. In the cascade all of them are random.
    public let depth: Int
    /// The random layer that is nearest to the input.
    public let layer: String
    /// NaN, like the interval, where no image has a similarity.
    public let mean: Double
    /// The 95 % bootstrap interval over images.
    public let low: Double
    public let high: Double
    /// How many images have a similarity.
    public let count: Int
  }

  /// The mean over all stops, as the metric has it.
  public var mean: Double {
    let defined = stops.map(\.mean).filter { !$0.isNaN }
    return defined.reduce(0, +) / Double(defined.count)
  }
}

extension [SimilarityCurve] {
  /// The curve of an explainer.
  public func curve(
    _ explainer: Method, _ order: RandomisationOrder, _ similarity: ParameterRandomisation.Similarity
  ) -> SimilarityCurve? {
    first { $0.explainer == explainer && $0.order == order && $0.similarity == similarity }
  }

  /// A line for every stop of every curve.
  var csv: String {
    var text = "order,similarity,explainer,depth,layer,mean,ci95_low,ci95_high,n\n"
    for curve in self {
      for stop in curve.stops {
        let numbers = [stop.mean, stop.low, stop.high].map { $0.isNaN ? "nan" : String(format: "%.5f", $0) }
        let fields =
          [curve.order.rawValue, curve.similarity.rawValue, curve.explainer.rawValue, "\(stop.depth)", stop.layer]
          + numbers + ["\(stop.count)"]
        text += fields.joined(separator: ",") + "\n"
      }
    }
    return text
  }

  /// - Throws: `PullbackError` if the file is not as ``csv`` writes it.
  init(csvAt path: String) throws {
    self = []
    for row in try CSV.rows(at: path) {
      func field<Value>(_ name: String, _ value: (String) -> Value?) throws -> Value {
        guard let text = row[name], let value = value(text) else {
          throw PullbackError(.data, path, "the column \(name) has no value that can be: \(row[name] ?? "none")")
        }
        return value
      }
      let stop = SimilarityCurve.Stop(
        depth: try field("depth") { Int($0) }, layer: try field("layer") { $0 }, mean: try field("mean", Double.init),
        low: try field("ci95_low", Double.init), high: try field("ci95_high", Double.init),
        count: try field("n") { Int($0) })
      let curve = SimilarityCurve(
        explainer: try field("explainer", Method.init), order: try field("order", RandomisationOrder.init),
        similarity: try field("similarity", ParameterRandomisation.Similarity.init), stops: [stop])
      if let last, last.explainer == curve.explainer, last.order == curve.order, last.similarity == curve.similarity {
        self[count - 1].stops.append(stop)
      } else {
        append(curve)
      }
    }
  }
}
