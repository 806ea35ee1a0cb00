import Checkpoints
import Faithfulness
import Networks
import Pullbacks
import Subjects
import Training

/// The conditions that decide how well a fixed temperature fits a network, and that were chosen for the embedded ones:
/// the initial scales of batch norms, and whether there is noise on the pictures.
public enum TrainingCondition: String, Codable, CaseIterable, Sendable {
  /// Scales of a third and noise, as the embedded networks were trained.
  case smallNoisy = "small-noisy"
  /// Scales of a third, no noise.
  case smallClean = "small-clean"
  /// Scales of 1, as networks usually begin, and noise.
  case unitNoisy = "unit-noisy"
  /// Scales of 1, no noise: the usual way.
  case unitClean = "unit-clean"

  /// The initial scale of batch norms.
  public var normScale: Double { [.smallNoisy, .smallClean].contains(self) ? Recipe.usualNormScale : 1 }
  /// The greatest deviation of the noise on a picture.
  public var noise: Double { [.smallNoisy, .unitNoisy].contains(self) ? 0.4 : 0 }

  /// For people, γ being where the scales began: `γ 1/3, no noise`.
  public var title: String { "γ \(normScale == 1 ? "1" : "1/3"), \(noise > 0 ? "noise" : "no noise")" }
}

/// A network of the scenes that was trained under a condition, from a seed.
public struct TrainedVariant: Hashable, Sendable {
  public let network: SceneNetwork
  public let condition: TrainingCondition
  public let seed: UInt64

  /// Names its files: `vgg-scenes-unit-clean-seed1`.
  public var name: String { "\(network.rawValue)-\(condition.rawValue)-seed\(seed)" }

  /// The networks that there are variants of: those whose every ReLU has a batch norm before it.
  public static let networks: [SceneNetwork] = [.vgg, .resnet]
}

/// The training and scoring of the variants: a shortened recipe, fewer scenes.
struct VariantPlan: Sendable {
  /// Whether only to see in a moment that everything works.
  let isTrial: Bool
  let seeds: [UInt64]
  let epochs: Int
  let epochScenes: Int
  /// Held-out scenes that an accuracy is about.
  let heldOut: Int
  /// Held-out scenes that explainers are scored on, the first ones, whether the network sees them right or not.
  let scored: Int
  /// The number of draws of maximum sensitivity.
  let draws: Int

  /// Less than a third of the scenes that the embedded networks saw; next to nothing for a trial.
  init(quick: Bool) {
    isTrial = quick
    (seeds, epochs, epochScenes) = quick ? ([1], 2, 32) : ([1, 2, 3], 6, 3200)
    (heldOut, scored, draws) = quick ? (10, 3, 1) : (1000, 50, 5)
  }

  /// All variants, seed after seed: the first results are of every condition.
  func variants(of networks: [SceneNetwork], seed: UInt64) -> [TrainedVariant] {
    networks.flatMap { network in
      TrainingCondition.allCases.map { TrainedVariant(network: network, condition: $0, seed: seed) }
    }
  }

  /// The training of a variant. What lies in the cache of it is gone on with.
  func training(of variant: TrainedVariant) throws -> TrainingRun {
    let folder = "\(FetchedFiles.folder)/training/variants" + (isTrial ? "/quick" : "")
    var recipe = try Recipe.named(variant.network.rawValue)
    (recipe.epochs, recipe.epochScenes, recipe.seed) = (epochs, epochScenes, variant.seed)
    (recipe.normScale, recipe.noise) = (variant.condition.normScale, variant.condition.noise)
    return TrainingRun(recipe, in: "\(folder)/\(variant.name)", heldOut: heldOut)
  }

  /// The gradient, and the soft pullback with the released temperatures and with relative ones.
  static func entrants(for network: Network) -> [Entrant] {
    let released = Preset.paperV6.settings
    return [Entrant(.gradient, released), Entrant(.softPullback, released)]
      + VariantExplainer.multiples.map { multiple in
        var settings = released
        settings.relativeNoise = multiple
        settings.spreads = Spreads(of: network)
        return Entrant(.softPullback, settings, VariantExplainer.change(multiple))
      }
  }

  var metrics: [any Metric] {
    var sensitivity = Sensitivity(.maximum)
    sensitivity.draws = draws
    return VariantExplainer.metrics.map { $0 == .maxSensitivity ? sensitivity : $0.metric() }
  }
}

/// The explainers and metrics of the variants.
public enum VariantExplainer {
  /// The relative temperatures, as multiples of each channel's spread.
  static let multiples: [Float] = [1, 1.5]
  static func change(_ multiple: Float) -> String {
    "c=\(multiple == multiple.rounded() ? "\(Int(multiple))" : "\(multiple)")"
  }

  public static let gradient = Method.gradient.rawValue
  /// The soft pullback with the released temperatures, 0.6 for ReLU and 0.3 for max pool.
  public static let fixed = Method.softPullback.rawValue
  public static let relative = Entrant.name(.softPullback, change(1.5))

  public static let metrics: [MetricName] = [
    .energyObject, .focus, .faithfulnessCorrelation, .maxSensitivity, .infidelity,
  ]
}

/// The result of training a variant.
public struct VariantRecord: Codable, Sendable {
  public let condition: TrainingCondition
  public let normScale: Double
  public let noise: Double
  public let seed: UInt64
  /// Leaves out the scale that batch norms begin at where it is the usual third.
  public let recipe: Recipe
  public let checkpointSHA256: String
  /// The share of `heldOut` scenes that it sees right, without noise on them.
  public let accuracy: Double
  public let heldOut: Int
  /// The median over all channels of all batch norms of |γ|.
  public let medianScale: Double
  /// The median over all channels of all ReLUs of the spread of what they take, told by the batch norms before.
  public let medianSpread: Double

  init(_ variant: TrainedVariant, _ report: TrainingReport, _ checkpoint: Checkpoint, _ network: Network) throws {
    condition = variant.condition
    (normScale, noise, seed) = (condition.normScale, condition.noise, variant.seed)
    recipe = report.recipe
    checkpointSHA256 = try checkpoint.sha256
    (accuracy, heldOut) = (report.accuracy, report.scenes)
    let nodes = network.graph.nodes
    let scales = nodes.filter { $0.operation is BatchNorm }
      .flatMap { network.parameters[$0.fullName($0.parameters[0])]!.scalars.map { abs(Double($0)) } }
    let spreads = Spreads(of: network)
    let deviations = nodes.filter { $0.operation.kind == Temperatures.Kind.relu.rawValue }
      .flatMap { spreads[$0.name]?.deviations.map(Double.init) ?? [] }
    (medianScale, medianSpread) = (median(scales), median(deviations))
  }

  /// The released temperature of ReLUs in units of the median spread.
  public var relativeTemperature: Double { Double(Temperatures()[.relu]) / medianSpread }
}

/// The middle value, the mean of two where their number is even; NaN of none.
private func median(_ values: [Double]) -> Double {
  guard !values.isEmpty else { return .nan }
  let sorted = values.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
