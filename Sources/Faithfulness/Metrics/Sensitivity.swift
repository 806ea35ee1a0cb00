import Pullbacks

/// How much an explanation changes under noise nobody sees: `||e(x) - e(x')||_2 / ||e(x)||_2` over inputs x' with
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
