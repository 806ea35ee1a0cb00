import Attribution
import Pullbacks

/// The change of an explanation under imperceptible noise: `||e(x) - e(x')||_2 / ||e(x)||_2` over inputs x' with
/// uniform noise in every value, their maximum or mean.
///
/// A random explainer takes fresh random numbers at every input. Source: Yeh et al. 2019 (arXiv 1901.09392), as Quantus
/// 0.6.0. Random numbers: `sensitivity`, the same inputs for the maximum and the mean.
public struct Sensitivity: ExplanationMetric {
  public enum Reduction: String, Sendable { case maximum, mean }

  public let reduction: Reduction
  public var draws = 10
  public var amplitude: Float = 0.02

  public init(_ reduction: Reduction) { self.reduction = reduction }

  public var name: String { reduction == .maximum ? "max-sensitivity" : "average-sensitivity" }
  public var title: String { reduction == .maximum ? "Max Sens." : "Avg. Sens." }
  public let direction = Direction.lower
  public let category = Category.robustness
  public let citation = "Yeh et al. 2019, arXiv 1901.09392"
  public var formula: String { "\(reduction == .maximum ? "max" : "mean") over x' of ||e(x) - e(x')||_2 / ||e(x)||_2" }
  public let caveat: String? = "A random explainer takes fresh random numbers at every input."
  public var settings: [String: String] { ["draws": "\(draws)", "amplitude": "\(amplitude)"] }
  public var request: ExplanationRequest { .noisy(draws: draws, amplitude: amplitude) }

  public func score(_ map: Tensor, against others: [Tensor], of sample: Sample) -> Score {
    let norm = map.imageNorms[0]
    guard norm > 0 else { return Score(.zeroAttribution) }
    let changes = others.map { distance(map, $0) / norm }
    return Score(reduction == .maximum ? changes.max() ?? 0 : mean(changes))
  }

  private func distance(_ a: Tensor, _ b: Tensor) -> Double {
    a.withUnsafeBuffer { a in
      b.withUnsafeBuffer { b in
        var sum = 0.0
        for (x, y) in zip(a, b) { sum += (Double(x) - Double(y)) * (Double(x) - Double(y)) }
        return sum.squareRoot()
      }
    }
  }
}

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
    let drawn = RandomStream(seed: seed, "random-logit", image: sample.key).integers(below: classes - 1, count: 1)[0]
    return drawn < sample.target ? drawn : drawn + 1
  }

  public func score(_ map: Tensor, against others: [Tensor], of sample: Sample) -> Score {
    let (a, b) = (map.doubles, others[0].doubles)
    guard let value = pearson(a, b) else { return Score(.constantAttribution) }
    return Score(value)
  }
}

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
  public let requirement = InputRequirement.pictures
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
