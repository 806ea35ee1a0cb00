import ArgumentParser
import ExperimentKit
import Foundation

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score explainers on many images by metrics of faithfulness, robustness and localisation.",
    discussion: """
      Name networks and images together with --networks, or a network of yours with --model or --checkpoint and its \
      images with --images.

      Writes scores.csv, summary.csv (with 95 % bootstrap intervals), paired.csv, curves.csv, table.md and table.tex. \
      The printed table holds the mean over the images ± their standard deviation, the best mean in bold.

      A few images of 96 x 96 pixels take minutes with all explainers and metrics, photographs hours; --samples, \
      --methods and --metrics make a run shorter. Scores go to a log in --output as they are computed. If interrupted, \
      run the same command again to continue. --shard 2/8 computes the second of eight parts, on any machine; the \
      command merge joins them.

      Examples:
        pullbacks evaluate --networks imagenet --samples 10 --output results
        pullbacks evaluate --networks paper --model resnet50 --images val \\
          --samples 1000 --shard 1/50 --output part1
        pullbacks evaluate --checkpoint mine.pth --images photos \\
          --methods soft-pullback,gradient --metrics insertion,deletion \\
          --output results
        pullbacks evaluate --attributions maps.npy --input x.npy --target 207 \\
          --metrics faithfulness-correlation --output results
      """)

  @OptionGroup var subject: EvaluationSubject
  @OptionGroup var options: MethodOptions
  @OptionGroup var memory: MemoryOption
  @OptionGroup var outputs: OutputOptions

  @Option(
    help: ArgumentHelp(
      "The explainers, by default those of the paper's table. The command methods lists them.", valueName: "method,...")
  )
  var methods: String?

  @Option(
    help: ArgumentHelp(
      "The metrics, by default those of the paper's table: "
        + MetricName.allCases.map(\.rawValue).joined(separator: ", ") + ".",
      valueName: "metric,..."))
  var metrics: String?

  @Option(name: .customLong("protocol"), help: "Run the benchmark of this version of the paper: v6 or v5.")
  var version: BenchmarkVersion = .v6

  @Option(help: ArgumentHelp("Only this part of the images: 2/8 is the second of eight.", valueName: "i/n"))
  var shard: RunDescription.Shard = .whole

  @Option(help: ArgumentHelp("Folder for the log and the results.", valueName: "folder"))
  var output: String

  func run() throws {
    let unreadable = UnreadableFiles(isStrict: subject.pictures.strict)
    let subjects = try subject.load(unreadable)
    if let images = subject.images {
      let model = subjects[0].subject
      if subject.pictures.preprocess != nil || model.preprocessing != .release {
        remark("pictures of \(images): \(model.preprocessing.inWords(model.graph.inputShape))")
      }
    }
    let sessions = try subjects.map { subject, given in
      try prepare(subject, given, in: subjects.count == 1 ? output : "\(output)/\(subject.name)")
    }
    for session in sessions { try session() }
    try subject.pictures.finish(
      unreadable, of: (subjects.first?.subject.samples.images.count ?? 0) + unreadable.errors.count)
  }

  /// Checks everything that can be checked before the first pass, and then makes the folder.
  private func prepare(_ subject: Subject, _ given: Contender?, in folder: String) throws -> () throws -> Void {
    let preset: Preset = version == .v5 ? .paperV5 : .paperV6
    let range = self.subject.pictures.range
    let (settings, record) = try options.settings(for: subject, unless: preset, range: range)
    let contenders =
      try given.map { [$0] } ?? contenders(settings, preset: preset, for: subject.network.graph)
    let metrics = try self.metrics(given)
    let benchmark = try Benchmark(
      of: subject.network, contenders, by: metrics, seed: options.seed,
      batchSize: memory.batchSize(for: subject.network.graph))
    try check(metrics, subject.samples)
    let spreads = try settings.spreads(in: subject.graph).map { ("spread.\($0.node.name)", $0.spread.description) }
    let soft = settings.ofSoftRules.merging(record) { $1 }
      .merging(Dictionary(uniqueKeysWithValues: spreads)) { $1 }
    let isSoft = { Method(rawValue: $0)?.usesSoftRules ?? false }
    let description = try RunDescription(
      model: subject.name, checkpoint: subject.sha256, version: version, benchmark: benchmark,
      source: subject.samples.description, images: subject.samples.images, shard: shard,
      settings: Dictionary(uniqueKeysWithValues: contenders.map(\.name).filter(isSoft).map { ($0, soft) }))
    if isFolder(folder) { try outputs.checkResults(in: folder, inputs: self.subject.files + [options.baseline]) }
    return {
      try makeFolder(folder)
      try EvaluationSession(benchmark, description, subject.samples, folder, program: "pullbacks").run()
      guard description.shard == .whole else {
        print("part \(shard) is complete; join all parts with: pullbacks merge PART... --output FOLDER")
        return
      }
      try write(Scores(in: folder), to: folder)
    }
  }

  private func contenders(_ settings: MethodSettings, preset: Preset, for graph: Graph) throws -> [Contender] {
    guard let methods else {
      // The benchmark's own, as far as they are defined: a transformer has no Grad-CAM.
      return preset.methods.compactMap { method in
        do {
          return try Contender(method, settings.fitting(graph), for: graph, in: version)
        } catch {
          print("without \(method.rawValue): \(error)")
          return nil
        }
      }
    }
    return try read(methods, "--methods", Method.init(rawValue:), all: Method.allCases.map(\.rawValue))
      .map { try Contender($0, settings.fitting(graph), for: graph, in: version) }
  }

  private func metrics(_ given: Contender?) throws -> [any Metric] {
    let names =
      try metrics.map {
        try read($0, "--metrics", MetricName.init(rawValue:), all: MetricName.allCases.map(\.rawValue))
      } ?? version.metrics.filter { given == nil || !$0.metric(version).recomputesExplanations }
    return names.map { $0.metric(version) }
  }

  private func read<Name: Hashable>(
    _ text: String, _ option: String, _ named: (String) -> Name?, all: [String]
  ) throws -> [Name] {
    let names = try text.split(separator: ",").map { part in
      guard let name = named(String(part)) else {
        throw PullbackError(
          .usage, "\(option) \(part)", "there is no such name", advice: "there are \(all.joined(separator: ", "))")
      }
      return name
    }
    guard !names.isEmpty, Set(names).count == names.count else {
      throw PullbackError(.usage, "\(option) \(text)", "expected names, each of them once")
    }
    return names
  }

  /// Refuses metrics that would be undefined for every image.
  private func check(_ metrics: [any Metric], _ samples: any SampleSource) throws {
    guard !samples.images.isEmpty else { throw PullbackError(.usage, "--samples", "there are no images") }
    guard let metric = metrics.first(where: \.needsMask), try !samples.haveMasks else { return }
    throw PullbackError(
      .usage, "metric \(metric.name)", "needs masks, and these images have none",
      advice: "put the mask of cat.jpg beside it as cat-object.png, use --networks scenes or imagenet, or leave it out")
  }
}

extension BenchmarkVersion: ExpressibleByArgument {}
extension RunDescription.Shard: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
