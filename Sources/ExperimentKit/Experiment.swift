import ArgumentParser
import Plotting
import Pullbacks

/// The networks and images that an experiment is run on.
public enum Tier: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// EfficientNet-Lite0 and photographs of single objects; `make imagenet` fetches both.
  case imagenet
  /// One of the paper's networks, which `make paper-weights` fetches, and images of the user's.
  case paper
}

/// A format of figures.
public enum FigureFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case png, pdf, svg
}

extension PaperTier.Model: ExpressibleByArgument {}

/// What every experiment can be told on the command line.
public struct ExperimentOptions: ParsableArguments {
  @Option(help: "The networks and images: imagenet, or paper with --images.")
  public var networks: Tier = .imagenet

  @Option(help: "With --networks paper, which: \(PaperTier.Model.allCases.map(\.rawValue).joined(separator: ", ")).")
  public var model: PaperTier.Model = .resnet50

  @Option(
    help: ArgumentHelp(
      "With --networks paper: images in folders named by WordNet id, or beside a labels.csv.", valueName: "folder"))
  public var images: String?

  @Option(help: ArgumentHelp("The folder for the figure and its numbers.", valueName: "folder"))
  public var output = "Figures"

  @Option(name: .long, parsing: .upToNextOption, help: "The formats of the figure: png, pdf, svg.")
  public var format: [FigureFormat] = [.png, .pdf]

  public init() {}
}

/// One experiment: its options, and where its results go.
public struct Experiment {
  /// The executable's name, which names the files too: `fig3`.
  public let name: String
  public let options: ExperimentOptions

  /// Runs `body` with the options of the command line. A failure is one line on standard error and an exit code of
  /// `sysexits`.
  public static func run(_ name: String, _ body: (Experiment) throws -> Void) {
    let options = ExperimentOptions.parseOrExit()
    do {
      try body(Experiment(name: name, options: options))
    } catch {
      exitReporting(error, from: name)
    }
  }

  /// The network and images asked for.
  ///
  /// - Parameters:
  ///   - photographs: the names of those that the figure shows with `--networks imagenet`; of a user's folder it shows as
  ///     many.
  /// - Throws: `PullbackError` if they have not been fetched, or cannot be read.
  public func subject(photographs: [String]) throws -> Subject {
    switch options.networks {
    case .imagenet: try ImageNetTier.subject(photographs)
    case .paper: try PaperTier.subject(options.model, images: options.images, count: photographs.count)
    }
  }

  /// Writes the figure in every format asked for and its numbers beside it, and says where.
  ///
  /// - Throws: `PullbackError` if a file cannot be written.
  public func write(_ figure: Figure, numbers: some Encodable) throws {
    try makeFolder(options.output)
    let suffix = options.networks == .paper ? "paper-\(options.model.rawValue)" : options.networks.rawValue
    let stem = "\(options.output)/\(name)-\(suffix)"
    for format in options.format { try figure.write(to: "\(stem).\(format.rawValue)") }
    try writeJSON(numbers, to: "\(stem).json")
    let endings = options.format.map(\.rawValue) + ["json"]
    print("\(name): wrote \(endings.map { "\(stem).\($0)" }.joined(separator: ", "))")
  }
}
