import Pullbacks

/// Whether an explanation depends on the class: Pearson's correlation between the attribution of the target and that of
/// one random other class.
///
/// Source: Sixt et al. 2020 (arXiv 1912.09818), as Quantus 0.6.0 with Pearson's correlation. Random numbers:
/// `random-logit`.
public struct RandomLogit: ExplanationMetric {
  public init() {}

  public let name = "random-logit"
  public let title = "Rand. Logit"
  public let direction = Direction.nearerZero
  public let category = Category.randomisation
  public let citation = "Sixt et al. 2020, arXiv 1912.09818"
  public let formula = "pearson(e(x) of the target, e(x) of another class)"
  public let request = ExplanationRequest.otherClass

  /// The class that stands in for the target, each other one alike.
  ///
  /// - Precondition: there are at least two classes.
  public static func otherClass(for sample: Sample, classes: Int, seed: UInt64) -> Int {
    let drawn = RandomStream(seed: seed, "random-logit", image: sample.index).integers(below: classes - 1, count: 1)[0]
    return drawn < sample.target ? drawn : drawn + 1
  }

  public func score(_ map: Tensor, against others: [Tensor], of sample: Sample) -> Score {
    let (a, b) = (map.doubles, others[0].doubles)
    guard let value = pearson(a, b) else { return Score(.constantAttribution) }
    return Score(value)
  }
}
