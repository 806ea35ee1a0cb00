import Attribution
import Faithfulness

/// The sources of a metric's variance: the shares of explainers, images and networks.
///
/// With a score for each of them, all crossed, the sum of squares about the overall mean is the sum of those of the
/// main effects, of the interactions with the network, and of a rest: how explainers differ from image to image, and
/// noise.
public struct VarianceShares: Encodable, Sendable {
  public let metric: String
  /// The numbers of each: explainers that every network has, and images for which every score is defined.
  public let explainers: Int
  public let images: Int
  public let networks: Int
  /// The share of the means over images and networks of each explainer.
  public let explainer: Double
  /// The share of the means over explainers and networks of each image.
  public let image: Double
  /// The share of the means over explainers and images of each network.
  public let network: Double
  /// The remaining share of the means of each explainer on each network.
  public let explainerAndNetwork: Double
  /// The remaining share of the means of each image on each network.
  public let imageAndNetwork: Double
  public let rest: Double

  /// - Parameter scores: the scores by network, explainer and image.
  /// - Returns: nil where all scores are the same, or there are none.
  init?(metric: String, _ scores: [[[Double]]]) {
    guard let first = scores.first?.first, !first.isEmpty else { return nil }
    let (explainers, images) = (scores[0].indices, first.indices)
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    let all = mean(scores.flatMap { $0.flatMap(\.self) })
    func squares(_ values: [Double], each count: Int) -> Double {
      Double(count) * values.reduce(0) { $0 + ($1 - all) * ($1 - all) }
    }
    let byNetwork = scores.map { mean($0.flatMap(\.self)) }
    let byExplainer = explainers.map { e in mean(scores.flatMap { $0[e] }) }
    let byImage = images.map { i in mean(scores.flatMap { $0.map { $0[i] } }) }
    let total = squares(scores.flatMap { $0.flatMap(\.self) }, each: 1)
    guard total > 0 else { return nil }
    let ofNetwork = squares(byNetwork, each: explainers.count * images.count)
    let ofExplainer = squares(byExplainer, each: scores.count * images.count)
    let ofImage = squares(byImage, each: scores.count * explainers.count)
    let ofBoth = squares(scores.flatMap { $0.map(mean) }, each: images.count) - ofNetwork - ofExplainer
    let ofImages =
      squares(scores.flatMap { network in images.map { i in mean(network.map { $0[i] }) } }, each: explainers.count)
      - ofNetwork - ofImage
    self.metric = metric
    (self.explainers, self.images, networks) = (explainers.count, images.count, scores.count)
    (explainer, image, network) = (ofExplainer / total, ofImage / total, ofNetwork / total)
    (explainerAndNetwork, imageAndNetwork) = (ofBoth / total, ofImages / total)
    rest = 1 - (ofExplainer + ofImage + ofNetwork + ofBoth + ofImages) / total
  }
}

/// The correlation of two pullbacks' scores over images: wins of two correlated pullbacks are not two findings.
public struct ScoreCorrelation: Encodable, Sendable {
  public let model: String
  public let metric: String
  public let explainer: String
  public let other: String
  /// Pearson's correlation over the images that both have a score for, in `[-1, 1]`.
  public let pearson: Double
}

extension ScoreBook {
  /// The shares of every metric, over the explainers and images that all networks have in common.
  ///
  /// - Throws: `PullbackError` if the scores of single images cannot be read.
  public func varianceShares() throws -> [VarianceShares] {
    let all = try networks.map { try $0.imageScores() }
    let methods = networks.flatMap(\.explainers).uniqued.filter { name in
      Method(rawValue: name) != nil && networks.allSatisfy { $0.explainers.contains(name) }
    }
    return networks.flatMap(\.metrics).uniqued.compactMap { metric in
      let scores = all.map { network in methods.compactMap { network[[$0, metric.rawValue]] } }
      let counts = Set(scores.flatMap { $0.map(\.count) })
      guard counts.count == 1, scores.allSatisfy({ $0.count == methods.count }) else { return nil }
      let defined = (0..<counts.first!).filter { image in scores.allSatisfy { $0.allSatisfy { !$0[image].isNaN } } }
      return VarianceShares(
        metric: metric.rawValue, scores.map { $0.map { values in defined.map { values[$0] } } })
    }
  }

  /// The correlations of every two pullbacks under every metric.
  ///
  /// - Throws: `PullbackError` if the scores of single images cannot be read.
  public func pullbackCorrelations() throws -> [ScoreCorrelation] {
    try networks.flatMap { network in
      let scores = try network.imageScores()
      let pullbacks = network.explainers.filter { Method(rawValue: $0)?.usesSoftRules ?? false }
      return network.metrics.flatMap { metric in
        pullbacks.indices.flatMap { a in
          pullbacks[(a + 1)...].compactMap { other -> ScoreCorrelation? in
            guard let own = scores[[pullbacks[a], metric.rawValue]], let others = scores[[other, metric.rawValue]]
            else { return nil }
            let both = zip(own, others).filter { !$0.isNaN && !$1.isNaN }
            return pearson(both.map(\.0), both.map(\.1)).map {
              ScoreCorrelation(
                model: network.model, metric: metric.rawValue, explainer: pullbacks[a], other: other, pearson: $0)
            }
          }
        }
      }
    }
  }
}
