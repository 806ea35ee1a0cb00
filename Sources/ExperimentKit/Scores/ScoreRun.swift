import Attribution
import Faithfulness
import Pullbacks

/// A benchmark that takes hours, and whose scores are therefore committed: figures and tables read them from
/// `Figures/scores/<tier>/<model>/<run>`, and compute them with `--recompute` only.
public enum ScoreRun: String, CaseIterable, Sendable {
  /// The paper's explainers and metrics.
  case faithfulness
  /// The paper's explainers and chance, under Focus and whatever the images' masks allow.
  case localisation
  /// A few explainers and chance under insertion and deletion, with their curves.
  case curves
  /// Pullbacks with one hyper-parameter after the other changed. Each setting counts as an explainer of its own, so
  /// that all share perturbed images, and those without an ascent the forward passes at the image too.
  case settings

  /// How many images are scored unless the command line says otherwise; nil is all there are.
  func samples(_ tier: Tier) -> Int? {
    switch (tier, self) {
    case (.imagenet, _): nil
    case (_, .localisation): 200
    case (_, .faithfulness), (_, .curves): 100
    case (_, .settings): 20
    }
  }

  /// The explainers, in the order of tables, as far as they are defined for the graph: a transformer has no Grad-CAM.
  public func entrants(for graph: Graph) -> [Entrant] {
    let paper = Preset.paperV6.methods.map { Entrant($0, Preset.paperV6.settings) }
    let all: [Entrant] =
      switch self {
      case .faithfulness: paper
      case .localisation: paper + [.chance]
      case .curves: paper.filter { Self.drawn.contains($0.method!) } + [.chance]
      case .settings: SweptParameter.entrants(for: graph)
      }
    return all.filter { (try? $0.contender(for: graph)) != nil }
  }

  /// The explainers that have curves: as many as can be told apart in one plot.
  private static let drawn: Set<Method> = [
    .softPullback, .pullbackAscent, .gradient, .gradientAscent, .smoothGrad, .integratedGradients, .guidedGradCAM,
  ]

  /// - Parameter sample: one of the images, which has a mask if all have.
  public func metrics(for sample: Sample) -> [MetricName] {
    let ofObject: [MetricName] = sample.mask == nil ? [] : [.pointingGame, .energyObject, .massAccuracy, .rankAccuracy]
    let ofParts: [MetricName] = sample.parts.contains(where: \.isDiagnostic) ? [.energyDiagnostic] : []
    return switch self {
    case .faithfulness: BenchmarkVersion.v6.metrics
    case .localisation: [.focus] + ofObject + ofParts
    case .curves: [.insertion, .deletion]
    case .settings: BenchmarkVersion.v6.metrics + (ofObject.contains(.energyObject) ? [.energyObject] : [])
    }
  }

  /// What is committed of its results.
  var files: [String] {
    ["run.json", "scores.csv", "summary.csv", "paired.csv"] + (self == .curves ? [MeanCurve.fileName] : [])
  }
}
