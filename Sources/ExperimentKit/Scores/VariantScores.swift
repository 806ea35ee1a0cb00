import Failures
import Faithfulness
import Foundation
import Galleries
import Networks
import Pullbacks
import Subjects

/// The scores of explainers on a network of the scenes that was trained under several conditions.
///
/// In `<scores>/scenes/variants/<model>`: `scores.csv`, the means over images; `run.json`, which says of what they are;
/// and `maps.png`, see ``VariantMaps``.
public struct VariantScores: Sendable {
  /// Everything that decides the scores.
  public struct Description: Codable, Sendable {
    public let model: String
    public let variants: [VariantRecord]
    /// Explainers and metrics with their settings, images, seed. The checkpoint is that of the first variant.
    public let scores: RunDescription
    /// The scenes of the maps, and the seed of the variants whose they are.
    public let shown: [RunDescription.Image]
    public let shownSeed: UInt64
  }

  /// The mean score of an explainer on a variant.
  public struct Entry: Sendable {
    public let condition: TrainingCondition
    public let seed: UInt64
    public let explainer: String
    public let metric: MetricName
    /// NaN, like the interval, where no image has a score.
    public let mean: Double
    /// The 95 % bootstrap interval over images.
    public let low: Double
    public let high: Double
    /// The number of images that have a score.
    public let count: Int
  }

  public let network: SceneNetwork
  public let description: Description
  public let entries: [Entry]
  public let maps: VariantMaps

  /// The means of the seeds, in their order.
  public func means(_ condition: TrainingCondition, _ explainer: String, _ metric: MetricName) -> [Double] {
    entries.filter { $0.condition == condition && $0.explainer == explainer && $0.metric == metric }.map(\.mean)
  }

  /// The number of undefined scores of an explainer, over all seeds and conditions; nil if there are none.
  func undefined(_ explainer: String, _ metric: MetricName) -> Int? {
    let undefined = entries.filter { $0.explainer == explainer && $0.metric == metric }
      .reduce(0) { $0 + description.scores.images.count - $1.count }
    return undefined == 0 ? nil : undefined
  }

  /// The scenes of the maps.
  public var shownScenes: [Sample] { get throws { try VariantRun.shown.images.indices.map(VariantRun.shown.sample) } }

  /// The results of training under a condition, by seed.
  public func records(_ condition: TrainingCondition) -> [VariantRecord] {
    description.variants.filter { $0.condition == condition }
  }

  /// The committed scores of the variants of the tier's networks, made anew before if the command line says so.
  ///
  /// - Throws: `PullbackError` if there are none, or the options name networks that have no variants.
  public static func all(of experiment: Experiment, from measurements: Measurements) throws -> [VariantScores] {
    let networks = TrainedVariant.networks.filter {
      experiment.options.networks == .scenes && [nil, $0.rawValue].contains(experiment.options.model)
    }
    guard !networks.isEmpty else {
      let found = "--networks \(experiment.options.networks.rawValue)"
      throw PullbackError(
        .usage, experiment.options.model.map { "\(found) --model \($0)" } ?? found,
        "has no variants: they are of \(TrainedVariant.networks.map(\.rawValue).joined(separator: ", "))",
        advice: "take --networks scenes")
    }
    let folder = "\(measurements.folder)/scenes/variants"
    if measurements.recomputes {
      let plan = VariantPlan(quick: experiment.options.quick)
      try VariantRun(plan, networks, seed: experiment.options.seed, program: experiment.name).finish(into: folder)
    }
    return try networks.map { network in
      try measurements.check(
        "\(folder)/\(network.rawValue)/run.json", arguments: "--networks scenes --model \(network.rawValue)")
      return try VariantScores(network, in: "\(folder)/\(network.rawValue)")
    }
  }
}

extension VariantScores {
  /// - Throws: `PullbackError` if a file is missing or is not as ``VariantRun`` writes it.
  init(_ network: SceneNetwork, in folder: String) throws {
    let (record, table) = ("\(folder)/run.json", "\(folder)/scores.csv")
    self.network = network
    do {
      description = try JSONDecoder().decode(Description.self, from: Data(InputFile.bytes(of: record, limit: 1 << 24)))
    } catch let error as DecodingError {
      throw PullbackError(.data, record, "does not describe a run: \(error)")
    }
    guard description.model == network.rawValue, description.shown == VariantRun.shown.images else {
      throw PullbackError(.data, record, "is of another network than \(network.rawValue), or shows other scenes")
    }
    entries = try CSV.rows(at: table).map { row in
      func field<Value>(_ name: String, _ value: (String) -> Value?) throws -> Value {
        guard let text = row[name], let value = value(text) else {
          throw PullbackError(.data, table, "the column \(name) has no value that can be: \(row[name] ?? "none")")
        }
        return value
      }
      return Entry(
        condition: try field("condition", TrainingCondition.init), seed: try field("seed") { UInt64($0) },
        explainer: try field("explainer") { $0 }, metric: try field("metric", MetricName.init),
        mean: try field("mean", Double.init), low: try field("ci95_low", Double.init),
        high: try field("ci95_high", Double.init), count: try field("n") { Int($0) })
    }
    maps = try VariantMaps(contentsOf: "\(folder)/maps.png", scenes: description.shown.count)
  }
}

/// Training, scoring and explaining of the variants: what takes long. Stopped at any moment, the same command goes on
/// from the last epoch or the last scored images, and ends with the same bytes.
struct VariantRun {
  let plan: VariantPlan
  let networks: [SceneNetwork]
  let seed: UInt64
  let program: String
  private let samples: SceneSamples
  static let shown = SceneSamples(SceneSamples.clearScenes(2), withParts: false)

  init(_ plan: VariantPlan, _ networks: [SceneNetwork], seed: UInt64, program: String) {
    (self.plan, self.networks, self.seed, self.program) = (plan, networks, seed, program)
    samples = SceneSamples(0..<plan.scored, withParts: false)
  }

  /// The findings about one variant.
  private struct Findings {
    let variant: TrainedVariant
    let record: VariantRecord
    let scores: Scores
    let maps: [[Tensor]]
  }

  /// Writes the results of each network after each seed: those of the seeds so far.
  ///
  /// - Parameter folder: the folder of all networks' results.
  func finish(into folder: String) throws {
    var found: [Findings] = []
    for seed in plan.seeds {
      for variant in plan.variants(of: networks, seed: seed) { found.append(try findings(variant)) }
      for network in networks {
        try write(found.filter { $0.variant.network == network }, of: network, to: "\(folder)/\(network.rawValue)")
      }
    }
  }

  private func findings(_ variant: TrainedVariant) throws -> Findings {
    let run = try plan.training(of: variant)
    print("\(program): training \(variant.name)")
    fflush(nil)
    let report = try run.finishedReport ?? run.finish(resumes: true)
    let checkpoint = try Checkpoint(contentsOf: run.checkpointPath)
    let subject = try Subject(
      variant.network.title, variant.network.architecture, checkpoint, samples: { _ in samples })
    print("\(program): scoring \(variant.name), right on \(percent(report.accuracy)) of \(report.scenes) scenes")
    fflush(nil)
    return Findings(
      variant: variant, record: try VariantRecord(variant, report, checkpoint, subject.network),
      scores: try scores(of: subject, variant),
      maps: variant.seed == plan.seeds[0] ? try maps(by: subject.network) : [])
  }

  private func scores(of subject: Subject, _ variant: TrainedVariant) throws -> Scores {
    let graph = subject.network.graph
    let entrants = VariantPlan.entrants(for: subject.network)
    let benchmark = try Benchmark(
      of: subject.network, entrants.map { try $0.contender(for: subject.network) }, by: plan.metrics, seed: seed,
      batchSize: graph.batchSize())
    let description = try RunDescription(
      model: subject.name, checkpoint: subject.sha256, version: .v6, benchmark: benchmark,
      source: samples.description, images: samples.images,
      settings: Dictionary(uniqueKeysWithValues: entrants.map { ($0.name, $0.softSettings) }))
    let log = "\(FetchedFiles.folder)/scores/\(variant.name)-\(try description.settingsHash())"
    try makeFolder(log)
    try EvaluationSession(benchmark, description, samples, log, program: program).run()
    return try Scores(in: log)
  }

  /// The maps by scene and explainer, for the scene's own class.
  private func maps(by network: Network) throws -> [[Tensor]] {
    let explainers = try VariantPlan.entrants(for: network).filter { VariantMaps.explainers.contains($0.name) }
      .map { try $0.contender(for: network).explainer! }
    return try Self.shown.images.indices.map { index in
      let sample = try Self.shown.sample(index)
      return try explainers.attributeAll(
        sample.image, [.classes([sample.target])], of: network, in: Context(noise: .streams(seed: seed))
      ).map { $0[0] }
    }
  }

  private func write(_ found: [Findings], of network: SceneNetwork, to folder: String) throws {
    try makeFolder(folder)
    var text = "condition,seed,explainer,metric,mean,ci95_low,ci95_high,n\n"
    for finding in found {
      let description = finding.scores.description
      for (explainer, summaries) in zip(description.explainers, finding.scores.summaries()) {
        for (metric, summary) in zip(description.metrics, summaries) {
          let numbers = [summary.mean, summary.interval?.low ?? .nan, summary.interval?.high ?? .nan]
          let fields =
            [finding.variant.condition.rawValue, "\(finding.variant.seed)", explainer.name, metric.name]
            + numbers.map { $0.isNaN ? "nan" : String(format: "%.6g", $0) } + ["\(summary.count)"]
          text += fields.joined(separator: ",") + "\n"
        }
      }
    }
    try AtomicFile.write(text: text, to: "\(folder)/scores.csv")
    try VariantMaps(found.map(\.maps).filter { !$0.isEmpty }).write(to: "\(folder)/maps.png")
    try writeJSON(
      VariantScores.Description(
        model: network.rawValue, variants: found.map(\.record), scores: found[0].scores.description,
        shown: Self.shown.images, shownSeed: plan.seeds[0]), to: "\(folder)/run.json")
  }
}
