import Attribution
import Checkpoints
import Failures
import Faithfulness
import Networks
import Pullbacks

/// A network of a tier, and the images that its explanations are scored on.
struct ScoredNetwork {
  let model: String
  let checkpointSHA256: String
  let network: Network
  let source: any SampleSource

  /// - Parameters:
  ///   - model: one of the tier's.
  ///   - images: the folder of the user's, for the paper's networks.
  ///   - count: how many images; nil is all there are.
  /// - Throws: `PullbackError` if something has not been fetched, or cannot be read.
  init(_ model: String, of tier: Tier, images: String?, count: Int?) throws {
    let checkpoint = try Self.checkpoint(model, of: tier)
    self.model = model
    checkpointSHA256 = try checkpoint.sha256
    network = try Network(.named(model), checkpoint: checkpoint)
    let size = network.graph.inputShape[1]
    switch tier {
    case .scenes: source = SceneSamples(count: count ?? 100, size: size)
    case .imagenet: source = try FileSamples(photographs: count, size: size)
    case .paper:
      guard let images else {
        throw PullbackError(
          .usage, "--images", "the paper's networks need images",
          advice: "name a folder of ImageNet or Imagenette validation images")
      }
      source = try FileSamples(folder: images, count: count, size: size)
    }
  }

  private static func checkpoint(_ model: String, of tier: Tier) throws -> Checkpoint {
    switch tier {
    case .scenes: return try SceneNetwork(rawValue: model)!.checkpoint()
    case .imagenet:
      try Cache.check(ImageNetTier.checkpointPath, madeBy: "make imagenet")
      return try Checkpoint(contentsOf: ImageNetTier.checkpointPath)
    case .paper: return try Checkpoint(contentsOf: PaperTier.checkpointPath(of: .init(rawValue: model)!))
    }
  }

  /// The checkpoint that the tier has for a model now; nil where it has none.
  static func currentCheckpointSHA256(_ model: String, of tier: Tier) -> String? {
    tier == .imagenet ? ImageNetTier.checkpointSHA256 : try? checkpoint(model, of: tier).sha256
  }

  /// Runs a benchmark to its end, or continues one, and writes what is committed of it to `folder`.
  ///
  /// - Parameters:
  ///   - log: the folder under which the log is kept.
  ///   - program: who says how to go on when it is stopped.
  func score(_ run: ScoreRun, seed: UInt64, log: String, to folder: String, program: String) throws {
    let entrants = run.entrants(for: network.graph)
    let metrics = run.metrics(for: try source.sample(0)).map { $0.metric() }
    let benchmark = try Benchmark(
      of: network, entrants.map { try $0.contender(for: network.graph) }, by: metrics, seed: seed,
      batchSize: network.graph.batchSize())
    let description = RunDescription(
      model: model, checkpoint: checkpointSHA256, version: .v6, benchmark: benchmark, source: source.description,
      images: source.images, settings: Dictionary(uniqueKeysWithValues: entrants.map { ($0.name, $0.softSettings) }))
    // Other settings, images or checkpoints have a log of their own.
    let log = "\(log)/\(model)-\(run.rawValue)-\(try description.settingsHash())"
    try makeFolder(log)
    try EvaluationSession(benchmark, description, source, log, program: program).run()
    let scores = try Scores(in: log)
    _ = try scores.write(to: log)
    if run == .curves { try scores.writeMeanCurves(for: network.graph.inputShape, to: log) }
    try makeFolder(folder)
    for name in run.files {
      _ = try writeIfNew(InputFile.bytes(of: "\(log)/\(name)", limit: 1 << 30), to: "\(folder)/\(name)")
    }
  }
}
