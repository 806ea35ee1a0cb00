import Pullbacks

/// Whether an explanation points at its class: of a mosaic of four images, two of the class and two of others, the
/// share of the positive part of `x * attribution` that lies on the class's own, `sum_own / (sum_all + 1e-9)`.
///
/// Source: Arias-Duart et al. 2022 (arXiv 2109.15035), as Quantus 0.6.0.
public struct Focus: ExplanationMetric {
  public init() {}

  public let name = "focus"
  public let title = "Focus"
  public let direction = Direction.higher
  public let category = Category.localisation
  public let citation = "Arias-Duart et al. 2022, arXiv 2109.15035"
  public let formula = "sum_own max(0, x a) / (sum max(0, x a) + 1e-9)"
  public let caveat: String? = "Of mosaics of four images, two of them of the class."
  public let request = ExplanationRequest.mosaic

  public func score(_ map: Tensor, against others: [Tensor], of sample: Sample) -> Score {
    guard let mosaic = sample.mosaic, let explanation = others.first else { return Score(.noMosaic) }
    let (height, width) = (mosaic.image.shape[2], mosaic.image.shape[3])
    var (own, all) = (0.0, 0.0)
    mosaic.image.withUnsafeBuffer { image in
      explanation.withUnsafeBuffer { map in
        for place in map.indices {
          let relevance = max(0, Double(image[place]) * Double(map[place]))
          let (row, column) = (place / width % height, place % width)
          all += relevance
          if mosaic.isOwn[row / (height / 2) * 2 + column / (width / 2)] { own += relevance }
        }
      }
    }
    return all == 0 ? Score(.zeroAttribution) : Score(own / (all + 1e-9))
  }
}
