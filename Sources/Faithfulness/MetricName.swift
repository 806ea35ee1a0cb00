/// Every metric by name: the one table behind command line, tables and tests.
public enum MetricName: String, Sendable, CaseIterable {
  case infidelity
  case faithfulnessCorrelation = "faithfulness-correlation"
  case faithfulnessEstimate = "faithfulness-estimate"
  case monotonicityCorrelation = "monotonicity-correlation"
  case maxSensitivity = "max-sensitivity"
  case randomLogit = "random-logit"
  case focus
  case averageSensitivity = "average-sensitivity"
  case sparseness
  case insertion
  case deletion
  case pixelFlipping = "pixel-flipping"
  case regionPerturbation = "region-perturbation"
  case cascadingSpearman = "cascading-randomisation-spearman"
  case cascadingSSIM = "cascading-randomisation-ssim"
  case cascadingPearson = "cascading-randomisation-pearson"
  case cascadingAbsoluteSpearman = "cascading-randomisation-absolute-spearman"
  case cascadingScaledSSIM = "cascading-randomisation-scaled-ssim"
  case independentSpearman = "independent-randomisation-spearman"
  case independentSSIM = "independent-randomisation-ssim"
  case independentPearson = "independent-randomisation-pearson"
  case independentAbsoluteSpearman = "independent-randomisation-absolute-spearman"
  case independentScaledSSIM = "independent-randomisation-scaled-ssim"
  case pointingGame = "pointing-game"
  case massAccuracy = "mass-accuracy"
  case rankAccuracy = "rank-accuracy"
  case energyObject = "energy-object"
  case energyDiagnostic = "energy-diagnostic"
  case counterfactualConsistency = "counterfactual-consistency"

  /// The metric as a version of the paper has it.
  public func metric(_ version: BenchmarkVersion = .v6) -> any Metric {
    switch self {
    case .infidelity:
      var metric = Infidelity()
      if version == .v5 { (metric.grids, metric.lowest, metric.hasOptimalScale) = ([4], 0, false) }
      return metric
    case .faithfulnessCorrelation:
      var metric = FaithfulnessCorrelation()
      if version == .v5 {
        metric.sets = .random(count: 100, divisor: 12)
        (metric.replacement, metric.takesMagnitudes) = (.minimum, false)
      }
      return metric
    case .faithfulnessEstimate:
      var metric = FaithfulnessEstimate()
      if version == .v5 { (metric.replacement, metric.takesMagnitudes) = (.minimum, false) }
      return metric
    case .monotonicityCorrelation:
      var metric = MonotonicityCorrelation()
      if version == .v5 { (metric.steps, metric.lowest) = (12, 0) }
      return metric
    case .maxSensitivity: return Sensitivity(.maximum)
    case .averageSensitivity: return Sensitivity(.mean)
    case .randomLogit: return RandomLogit()
    case .focus: return Focus()
    case .sparseness: return Sparseness()
    case .insertion: return InsertionDeletion(.insertion)
    case .deletion: return InsertionDeletion(.deletion)
    case .pixelFlipping: return PixelFlipping()
    case .regionPerturbation: return RegionPerturbation()
    case .cascadingSpearman: return ParameterRandomisation(.cascading, .spearman)
    case .cascadingSSIM: return ParameterRandomisation(.cascading, .ssim)
    case .cascadingPearson: return ParameterRandomisation(.cascading, .pearson)
    case .cascadingAbsoluteSpearman: return ParameterRandomisation(.cascading, .absoluteSpearman)
    case .cascadingScaledSSIM: return ParameterRandomisation(.cascading, .scaledSSIM)
    case .independentSpearman: return ParameterRandomisation(.independent, .spearman)
    case .independentSSIM: return ParameterRandomisation(.independent, .ssim)
    case .independentPearson: return ParameterRandomisation(.independent, .pearson)
    case .independentAbsoluteSpearman: return ParameterRandomisation(.independent, .absoluteSpearman)
    case .independentScaledSSIM: return ParameterRandomisation(.independent, .scaledSSIM)
    case .pointingGame: return PointingGame()
    case .massAccuracy: return MassAccuracy()
    case .rankAccuracy: return RankAccuracy()
    case .energyObject: return Energy(.object)
    case .energyDiagnostic: return Energy(.diagnosticParts)
    case .counterfactualConsistency: return CounterfactualConsistency()
    }
  }
}

/// The versions of the paper's faithfulness benchmark.
public enum BenchmarkVersion: String, Sendable, CaseIterable {
  /// January 2026.
  case v5
  /// May 2026.
  case v6

  /// The metrics of its tables, in their order.
  public var metrics: [MetricName] {
    let six: [MetricName] = [
      .infidelity, .faithfulnessCorrelation, .faithfulnessEstimate, .monotonicityCorrelation, .maxSensitivity,
      .randomLogit,
    ]
    return self == .v5 ? six + [.sparseness] : six
  }
}
