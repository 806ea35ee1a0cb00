import Attribution
import Failures
import Faithfulness
import Foundation
import Networks
import Pullbacks
import Subjects

/// The scores of a network's explainers by a finished run, read from its files.
public struct StoredScores: Sendable {
  /// A metric's statistics over images.
  public struct Statistics: Sendable {
    /// NaN, like all that follows, if no image has a score.
    public let mean: Double
    /// The standard deviation of the population.
    public let deviation: Double
    public let median: Double
    /// The 95 % bootstrap interval of the mean.
    public let low: Double
    public let high: Double
    /// The number of images that have a score, and the number of those that have none.
    public let count: Int
    public let undefined: Int
    /// The reasons why they have none, each once.
    public let reasons: [String]
  }

  /// A mean curve over the share of pixels, with the band of its 95 % bootstrap interval.
  public struct Curve: Sendable {
    public internal(set) var shares: [Double] = []
    public internal(set) var mean: [Double] = []
    public internal(set) var low: [Double] = []
    public internal(set) var high: [Double] = []
  }

  public let description: RunDescription
  /// The network's name for people.
  public let title: String
  /// The paper's network of the same family, whose published figures stand beside; nil where it has none.
  public let published: PaperNetwork?
  private let statistics: [[String]: Statistics]
  private let folder: String
  private let curves: [[String]: Curve]

  public var model: String { description.model }
  /// The explainers' names, in the order of the run.
  public var explainers: [String] { description.explainers.map(\.name) }
  public var metrics: [MetricName] { description.metrics.compactMap { MetricName(rawValue: $0.name) } }

  public subscript(explainer: String, metric: MetricName) -> Statistics? { statistics[[explainer, metric.rawValue]] }

  public func curve(_ explainer: String, _ metric: MetricName) -> Curve? { curves[[explainer, metric.rawValue]] }

  /// - Parameter folder: the folder of one model and run.
  /// - Throws: `PullbackError` if a file is missing or is not what `pullbacks evaluate` writes.
  init(in folder: String) throws {
    self.folder = folder
    let path = "\(folder)/run.json"
    do {
      let bytes = try InputFile.bytes(of: path, limit: 1 << 26)
      description = try JSONDecoder().decode(RunDescription.self, from: Data(bytes))
    } catch let error as PullbackError {
      throw error
    } catch {
      throw PullbackError(.data, path, "does not describe a run: \(error)")
    }
    title = Tier.title(of: description.model)
    published = PaperNetwork(comparableTo: description.model)
    statistics = try Self.rows("\(folder)/summary.csv") { row in
      Statistics(
        mean: try row.number("mean"), deviation: try row.number("std"), median: try row.number("median"),
        low: try row.number("ci95_low"), high: try row.number("ci95_high"), count: try row.count("n"),
        undefined: try row.count("n_nan"), reasons: try row.count("n_nan") == 0 ? [] : row.reasons("undefined"))
    }
    for explainer in description.explainers {
      for metric in description.metrics where statistics[[explainer.name, metric.name]] == nil {
        throw PullbackError(.data, "\(folder)/summary.csv", "has no row for \(explainer.name), \(metric.name)")
      }
    }
    let curvesPath = "\(folder)/\(MeanCurve.fileName)"
    guard FileManager.default.fileExists(atPath: curvesPath) else {
      curves = [:]
      return
    }
    var curves: [[String]: Curve] = [:]
    for fields in try CSV.rows(at: curvesPath) {
      let row = StoredRow(fields: fields, path: curvesPath)
      let key = [try row.text("explainer"), try row.text("metric")]
      curves[key, default: Curve()].shares.append(try row.number("share"))
      curves[key]?.mean.append(try row.number("mean"))
      curves[key]?.low.append(try row.number("ci95_low"))
      curves[key]?.high.append(try row.number("ci95_high"))
    }
    self.curves = curves
  }

  /// The score of each image by explainer and metric, in the order of the run; NaN if it is undefined.
  ///
  /// - Throws: `PullbackError` if `scores.csv` is missing or lacks a score.
  func imageScores() throws -> [[String]: [Double]] {
    var values: [[String]: [Double]] = [:]
    let places = Dictionary(uniqueKeysWithValues: description.images.enumerated().map { ($1.name, $0) })
    let path = "\(folder)/scores.csv"
    for fields in try CSV.rows(at: path) {
      let row = StoredRow(fields: fields, path: path)
      guard let place = places[try row.text("image")] else {
        throw PullbackError(.data, path, "has a row for \(try row.text("image")), which is none of the run's images")
      }
      let key = [try row.text("explainer"), try row.text("metric")]
      values[key, default: Array(repeating: .nan, count: places.count)][place] = try row.number("score")
    }
    return values
  }

  private static func rows<Value>(_ path: String, _ value: (StoredRow) throws -> Value) throws -> [[String]: Value] {
    var values: [[String]: Value] = [:]
    for fields in try CSV.rows(at: path) {
      let row = StoredRow(fields: fields, path: path)
      values[[try row.text("explainer"), try row.text("metric")]] = try value(row)
    }
    return values
  }
}

/// A line of a file of scores.
private struct StoredRow {
  let fields: [String: String]
  let path: String

  func text(_ name: String) throws -> String {
    guard let text = fields[name] else { throw PullbackError(.data, path, "has no column \(name)") }
    return text
  }

  /// A number, which may be `nan`; an empty cell is.
  func number(_ name: String) throws -> Double {
    let text = try text(name)
    guard let number = text.isEmpty ? .nan : Double(text) else {
      throw PullbackError(.data, path, "expected a number in the column \(name), found \(text)")
    }
    return number
  }

  /// The reasons of a summary, `51 x the attribution is zero; ...`, without how often each is given.
  func reasons(_ name: String) throws -> [String] {
    try text(name).components(separatedBy: "; ").map { reason in
      reason.range(of: " x ").map { String(reason[$0.upperBound...]) } ?? reason
    }
  }

  func count(_ name: String) throws -> Int {
    let text = try text(name)
    guard let count = Int(text), count >= 0 else {
      throw PullbackError(.data, path, "expected a count in the column \(name), found \(text)")
    }
    return count
  }
}

/// A network of the paper.
public struct PaperNetwork: Sendable {
  /// The name of the architecture, under which its figures are published.
  public let model: String
  /// The name for people.
  public let title: String

  /// The network itself, or the one of the family of a network of the scenes; nil for others.
  init?(comparableTo model: String) {
    let own: PaperTier.Model? =
      switch SceneNetwork(rawValue: model) {
      case .resnet: .resnet50
      case .vgg: .vgg11BN
      case .pvt: .pvtV2B1
      case nil: PaperTier.Model(rawValue: model)
      }
    guard let own, Tier.paper.models.contains(own.rawValue) else { return nil }
    (self.model, title) = (own.rawValue, own.title)
  }
}
