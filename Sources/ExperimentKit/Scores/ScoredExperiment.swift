import ArgumentParser
import Failures
import Faithfulness
import Foundation
import Galleries
import Plotting
import Pullbacks
import Subjects

/// The scores that an experiment draws: those of the networks that were scored.
public struct ScoreBook: Sendable {
  /// The scores, in the order of the tier's networks.
  public let networks: [StoredScores]
  /// The other networks of the tier.
  let missing: [String]

  /// One for each network, for a figure of its own.
  public var separately: [ScoreBook] { networks.map { ScoreBook(networks: [$0], missing: missing) } }

  /// A description of the scored images, for a figure's credit line.
  ///
  /// - Parameter published: a description of the paper's figures in the table, if there are some.
  public func credit(published: String? = nil) -> String {
    var parts: [(text: String, titles: [String])] = []
    for scores in networks {
      let description = scores.description
      let source = description.source.prefix { $0 != "," }
      let count = description.images.count
      let text =
        "\(count) image\(count == 1 ? "" : "s") (\(source)), protocol \(description.version), "
        + "seed \(description.seed)"
      if let same = parts.firstIndex(where: { $0.text == text }) {
        parts[same].titles.append(scores.title)
      } else {
        parts.append((text, [scores.title]))
      }
    }
    let runs = parts.map { parts.count == 1 ? $0.text : "\($0.titles.joined(separator: ", ")): \($0.text)" }
    let absent = missing.isEmpty ? "" : " Not scored yet: \(missing.joined(separator: ", "))."
    let beside = published.flatMap { text in networks.contains { $0.published != nil } ? " Published: \(text)." : nil }
    return runs.joined(separator: "; ") + "." + absent + (beside ?? "")
  }

  /// The runs, for the file beside a figure.
  public var runs: [Run] { networks.map(Run.init) }

  public struct Run: Encodable, Sendable {
    let model: String
    let title: String
    let images: Int
    let source: String
    let version: String
    let seed: UInt64
    let settings: String
    /// The paper's network whose published figures stand beside.
    let published: String?

    init(_ scores: StoredScores) {
      model = scores.model
      title = scores.title
      images = scores.description.images.count
      source = scores.description.source
      version = scores.description.version
      seed = scores.description.seed
      settings = (try? scores.description.settingsHash()) ?? ""
      published = scores.published?.model
    }
  }
}

extension Experiment {
  /// Runs `body` with the options of the command line and the committed scores of `run`, which are computed before if
  /// the command line says so. Fails as ``run(_:_:)``.
  public static func run(_ name: String, on run: ScoreRun, _ body: (Experiment, ScoreBook) throws -> Void) {
    self.run(name, on: [run]) { try body($0, $1[0]) }
  }

  /// The same with the scores of several runs, in their order.
  ///
  /// - Parameter optional: those of the runs that no network of a tier need have been scored by.
  public static func run(
    _ name: String, on runs: [ScoreRun], optional: [ScoreRun] = [], _ body: (Experiment, [ScoreBook]) throws -> Void
  ) {
    let options = Program<ScoreOptions>.parsedOptions()
    do {
      let experiment = Experiment(name: name, options: options.experiment)
      try body(
        experiment, runs.map { try experiment.scores(of: $0, isOptional: optional.contains($0), options) })
    } catch {
      exitReporting(error, from: name)
    }
  }

  private func scores(of run: ScoreRun, isOptional: Bool, _ scoreOptions: ScoreOptions) throws -> ScoreBook {
    // A quick run must not replace scores that took hours.
    let isTrial = options.quick && scoreOptions.recompute
    let folder = isTrial ? "\(FetchedFiles.folder)/scores/quick" : scoreOptions.scores
    let models = try models(options.networks.models)
    if scoreOptions.recompute, scoreOptions.runs.isEmpty || scoreOptions.runs.contains(run) {
      let count = scoreOptions.samples ?? (options.quick ? 2 : run.samples(options.networks))
      for model in models {
        let subject = try options.networks.subject(model, showing: run.choice(count), of: options.imageFolder)
        print("\(name): scoring \(model) on \(subject.samples.images.count) images")
        try subject.score(
          run, seed: options.seed, log: scoreOptions.logs ?? FetchedFiles.folder + "/scores",
          to: "\(folder)/\(options.networks.rawValue)/\(model)/\(run.rawValue)", program: name)
      }
    }
    return try ScoreBook(
      of: run, isOptional: isOptional, models, tier: options.networks, in: folder, experiment: name)
  }

  /// Writes a figure that draws scores, as ``write(_:part:numbers:about:)``, and the tables in it as Markdown and LaTeX
  /// too.
  public func write(
    _ figure: Figure, part: String? = nil, tables: [Table] = [], numbers: some Encodable, from scores: ScoreBook
  ) throws {
    try write(
      figure, part: part, texts: tables.texts, numbers: numbers, about: scores.networks.map(NetworkOfRecord.init))
    if !scores.missing.isEmpty { print("\(name): not scored yet: \(scores.missing.joined(separator: ", "))") }
  }
}

extension ScoreBook {
  /// Reads the scores in `folder`.
  ///
  /// - Parameters:
  ///   - isOptional: whether there may be no scores at all.
  ///   - experiment: the program that computes them, for messages.
  /// - Throws: `PullbackError` of kind `noInput` if no network was scored, of kind `data` if one has been trained anew
  ///   since.
  init(
    of run: ScoreRun, isOptional: Bool = false, _ models: [String], tier: Tier, in folder: String, experiment: String
  ) throws {
    var (networks, missing) = ([StoredScores](), [String]())
    func command(_ model: String) -> String {
      "swift run -c release \(experiment) --networks \(tier.rawValue) --model \(model) --recompute"
    }
    for model in models {
      let path = "\(folder)/\(tier.rawValue)/\(model)/\(run.rawValue)"
      guard FileManager.default.fileExists(atPath: path) else {
        missing.append(Tier.title(of: model))
        continue
      }
      let scores = try StoredScores(in: path)
      guard scores.model == model else {
        throw PullbackError(.data, path, "holds the scores of \(scores.model)", advice: "run \(command(model))")
      }
      if let current = tier.checkpointSHA256(of: model), current != scores.description.checkpoint {
        throw PullbackError(
          .data, path, "holds the scores of other parameters than those that \(model) has now",
          advice: "run \(command(model))")
      }
      networks.append(scores)
    }
    guard isOptional || !networks.isEmpty else {
      throw PullbackError(
        .noInput, "\(folder)/\(tier.rawValue)/\(models[0])/\(run.rawValue)", "there are no scores to draw",
        advice: "run \(command(models[0]))")
    }
    self.init(networks: networks, missing: missing)
  }
}

/// The options of experiments that draw the scores of a long run.
struct ScoreOptions: ParsableArguments {
  @OptionGroup var experiment: ExperimentOptions

  @Flag(help: "Compute the scores anew before they are drawn, which takes hours; stopped, the same command continues.")
  var recompute = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "With --recompute: which of the experiment's runs, if it draws several; by default all.", valueName: "run"))
  var runs: [ScoreRun] = []

  @Option(help: "With --recompute: how many images, spread evenly over those there are.")
  var samples: Int?

  @Option(help: ArgumentHelp("The folder of the scores.", valueName: "folder"))
  var scores = "Figures/scores"

  @Option(
    help: ArgumentHelp(
      "With --recompute: the folder of the logs that a stopped run continues from; by default in .cache, which no "
        + "other machine has.",
      valueName: "folder"))
  var logs: String?

  func validate() throws {
    if let samples, samples < 1 { throw ValidationError("--samples is at least 1.") }
    if !runs.isEmpty && !recompute { throw ValidationError("--runs goes with --recompute.") }
    if samples != nil && !recompute { throw ValidationError("--samples goes with --recompute.") }
    if logs != nil && !recompute { throw ValidationError("--logs goes with --recompute.") }
  }
}
