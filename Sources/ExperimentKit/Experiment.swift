import ArgumentParser
import Foundation
import Plotting
import Pullbacks

/// The networks and images that an experiment is run on.
public enum Tier: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// A network trained on ImageNet, EfficientNet-Lite0, and photographs of single objects; `make imagenet` fetches both.
  case imagenet
}

/// A format of figures.
public enum FigureFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case png, pdf, svg
}

/// What every experiment can be told on the command line.
public struct ExperimentOptions: ParsableArguments {
  @Option(help: "The networks and images: \(Tier.allCases.map(\.rawValue).joined(separator: ", ")).")
  public var networks: Tier = .imagenet

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

  /// Writes the figure in every format asked for and its numbers beside it, and says where.
  ///
  /// - Throws: ``PullbackError`` if a file cannot be written.
  public func write(_ figure: Figure, numbers: some Encodable) throws {
    try makeFolder(options.output)
    let stem = "\(options.output)/\(name)-\(options.networks.rawValue)"
    for format in options.format { try figure.write(to: "\(stem).\(format.rawValue)") }
    try writeJSON(numbers, to: "\(stem).json")
    let endings = options.format.map(\.rawValue) + ["json"]
    print("\(name): wrote \(endings.map { "\(stem).\($0)" }.joined(separator: ", "))")
  }
}
