import Attribution
import Faithfulness
import Plotting

/// A cell of a table of scores as the file beside it holds it: what was measured of an explainer, and what was
/// published.
public struct ScoreEntry: Encodable, Sendable {
  public let model: String
  public let explainer: String
  /// The explainer's name over columns.
  public let abbreviation: String
  public let metric: String
  public let direction: String
  /// Nil, like the five that follow, if no image has a score.
  public let mean: Double?
  /// The standard deviation of the population.
  public let deviation: Double?
  public let median: Double?
  /// The 95 % bootstrap interval of the mean.
  public let low: Double?
  public let high: Double?
  /// The number of images that have a score, and the number of those that have none.
  public let count: Int
  public let undefined: Int
  public let publishedMean: Double?
  public let publishedDeviation: Double?
  /// The reasons why images have none, each once; nil if all have one.
  public let reasons: [String]?

  init(
    _ scores: StoredScores, _ explainer: String, _ metric: MetricName, _ found: StoredScores.Statistics,
    published: Published.Value?
  ) {
    func number(_ value: Double) -> Double? { value.isFinite ? value : nil }
    model = scores.model
    self.explainer = explainer
    abbreviation = Entrant.abbreviation(of: explainer)
    self.metric = metric.rawValue
    direction = metric.metric().direction.rawValue
    (mean, deviation, median) = (number(found.mean), number(found.deviation), number(found.median))
    (low, high) = (number(found.low), number(found.high))
    (count, undefined) = (found.count, found.undefined)
    reasons = found.reasons.isEmpty ? nil : found.reasons
    (publishedMean, publishedDeviation) = (published?.mean, published?.deviation)
  }
}

extension StoredScores {
  /// Every explainer under every metric, with what version 6 of the paper publishes of it.
  public var entries: [ScoreEntry] {
    explainers.flatMap { explainer in
      metrics.compactMap { metric in
        self[explainer, metric].map { found in
          let value = Method(rawValue: explainer).flatMap { method in
            published.flatMap { Published.value(metric, of: method, model: $0.model, in: .v6) }
          }
          return ScoreEntry(self, explainer, metric, found, published: value)
        }
      }
    }
  }

  /// One explainer under one metric, changed by a hyper-parameter, with what version 6 of the paper publishes.
  public func entry(
    _ method: Method, _ parameter: SweptParameter, _ value: Double, _ metric: MetricName
  ) -> ScoreEntry? {
    let name = parameter.name(method, value)
    guard let found = self[name, metric] else { return nil }
    let key = parameter.published(value)
    let published = published.flatMap {
      Published.ablation(metric, of: method, model: $0.model, key.parameter, key.value)
    }
    return ScoreEntry(self, name, metric, found, published: published)
  }

  /// The hyper-parameters that were varied.
  public var sweptParameters: [SweptParameter] {
    SweptParameter.allCases.filter { parameter in
      parameter.values.contains { value in
        value != parameter.standard && explainers.contains(parameter.name(.pullbackAscent, value))
      }
    }
  }
}

extension MetricName {
  /// Over a column: the name, a word a line, and which scores are good.
  public var heading: String {
    let metric = metric()
    return metric.title.replacing(" ", with: "\n") + " " + metric.direction.arrow
  }

  /// The title beside an axis: `Infidelity ↓`.
  public var label: String { "\(metric().title) \(metric().direction.arrow)" }
}

/// Numbers of one kind, written with as many decimals as the largest of them needs for three digits.
public struct NumberFormat: Sendable {
  private let places: Int?

  public init(_ values: some Sequence<Double>) {
    let largest = values.filter(\.isFinite).map(abs).max() ?? 1
    switch largest {
    case 0..<1e-4 where largest > 0, 10_000...: places = nil
    case ..<0.01: places = 5
    case ..<0.1: places = 4
    case ..<10: places = 3
    case ..<100: places = 2
    default: places = 1
    }
  }

  public func callAsFunction(_ value: Double?) -> String {
    guard let value else { return "–" }
    return places.map { decimal(value, places: $0) } ?? scientific(value, places: 2)
  }
}

/// The agreement of a metric's order of explainers with the order that the paper publishes for its network of the same
/// family.
public struct OrderAgreement: Encodable, Sendable {
  public let model: String
  public let metric: String
  public let family: Family
  /// The number of explainers that have both means.
  public let explainers: Int
  /// Spearman's rank correlation of the measured means with the published ones, in `[-1, 1]`; where good scores are
  /// near zero, of their magnitudes.
  public let spearman: Double

  /// The explainers that are put into order. Among all of them much of an agreement can be owed to two groups that lie
  /// apart; within a family it cannot.
  public enum Family: String, Encodable, Sendable, CaseIterable {
    case all
    case pullbacks
    case gradientTwins = "gradient-twins"
    case others

    func contains(_ method: Method) -> Bool {
      switch self {
      case .all: true
      case .pullbacks: method.usesSoftRules
      case .gradientTwins: [Method].gradientTwins.contains(method)
      case .others: !method.usesSoftRules && ![Method].gradientTwins.contains(method)
      }
    }
  }
}

extension StoredScores {
  /// The agreements for each metric of which the paper publishes means.
  public var orderAgreements: [OrderAgreement] {
    let entries = entries
    return metrics.flatMap { metric in
      let isMagnitude = metric.metric().direction == .nearerZero
      return OrderAgreement.Family.allCases.compactMap { family -> OrderAgreement? in
        let means = entries.compactMap { entry -> (Double, Double)? in
          guard entry.metric == metric.rawValue, Method(rawValue: entry.explainer).map(family.contains) ?? false,
            let mean = entry.mean, let published = entry.publishedMean
          else { return nil }
          return isMagnitude ? (abs(mean), abs(published)) : (mean, published)
        }
        // Two are always in the same order or in the opposite one.
        guard means.count > 2 else { return nil }
        return Faithfulness.spearman(means.map(\.0), means.map(\.1)).map {
          OrderAgreement(
            model: model, metric: metric.rawValue, family: family, explainers: means.count, spearman: $0)
        }
      }
    }
  }
}
