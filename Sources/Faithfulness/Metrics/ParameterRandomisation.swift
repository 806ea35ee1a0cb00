import Pullbacks

/// Whether an explanation depends on what the network has learned: the similarity between it and the explanation by a
/// network with randomised layers, the mean over how far the randomisation goes. The series is the similarity after
/// each stop.
///
/// Spearman's and Pearson's correlations compare all values, the structural similarity the means over the channels.
/// Source: Adebayo et al. 2018 (arXiv 1810.03292), the model parameter randomisation test; the mean as in Quantus
/// 0.6.0. Random numbers: see ``RandomisationOrder``.
public struct ParameterRandomisation: ExplanationMetric {
  public enum Similarity: String, Sendable, CaseIterable { case spearman, ssim, pearson }

  public let order: RandomisationOrder
  public let similarity: Similarity
  /// How many networks are tried, evenly spread over the layers; at most as many as there are layers.
  public var stops = 12

  public init(_ order: RandomisationOrder, _ similarity: Similarity) {
    self.order = order
    self.similarity = similarity
  }

  public var name: String { "\(order.rawValue)-randomisation-\(similarity.rawValue)" }
  public var title: String {
    let measure = similarity == .ssim ? "SSIM" : similarity == .spearman ? "Spearman" : "Pearson"
    return "\(order == .cascading ? "Casc." : "Indep.") \(measure)"
  }
  public let direction = Direction.lower
  public let category = Category.randomisation
  public let citation = "Adebayo et al. 2018, arXiv 1810.03292"
  public var settings: [String: String] { ["stops": "\(stops)"] }
  public var request: ExplanationRequest { .randomised(order, stops: stops) }

  public func score(_ map: Tensor, against others: [Tensor], of sample: Sample) -> Score {
    guard !map.isZero else { return Score(.zeroAttribution) }
    let similarities = others.map { similarity(map, $0) }
    // A randomised network may lose every gradient: then nothing is left of the explanation, but no similarity is
    // defined.
    let defined = similarities.compactMap { $0 }
    guard !defined.isEmpty else { return Score(.constantAttribution) }
    return Score(mean(defined), series: similarities.map { $0 ?? .nan })
  }

  private func similarity(_ a: Tensor, _ b: Tensor) -> Double? {
    switch similarity {
    case .spearman: Faithfulness.spearman(a.doubles, b.doubles)
    case .pearson: Faithfulness.pearson(a.doubles, b.doubles)
    case .ssim:
      structuralSimilarity(a.channelMeans, b.channelMeans, height: a.shape[2], width: a.shape[3])
    }
  }
}
