import ArgumentParser
import Failures
import Foundation
import Imaging
import Networks
import Subjects

extension Tier: ExpressibleByArgument {}

/// A format of figures.
public enum FigureFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case png, pdf, svg
}

/// The options of every experiment on the command line.
public struct ExperimentOptions: ParsableArguments {
  @Option(help: "The networks and images: scenes, imagenet, or paper with --images.")
  public var networks: Tier = .scenes

  @Option(help: "Only this one of the tier's networks: \(Tier.allCases.flatMap(\.pictured).joined(separator: ", ")).")
  public var model: String?

  @Option(
    help: ArgumentHelp(
      "With --networks paper: images in folders named by WordNet id, or beside a labels.csv.", valueName: "folder"))
  public var images: String?

  /// The folder of the user's images, where the tier has none of its own.
  var imageFolder: String? { networks == .paper ? images : nil }

  @Option(help: "The seed of everything random.")
  public var seed: UInt64 = 314

  @Flag(help: "Fewer images, draws and steps: to see in a moment that everything works, not to be printed.")
  public var quick = false

  @Option(help: ArgumentHelp("The folder for the figure and its numbers.", valueName: "folder"))
  public var output = "Figures"

  @Option(name: .long, parsing: .upToNextOption, help: "The formats of the figure: png, pdf, svg.")
  public var format: [FigureFormat] = [.png, .pdf]

  @Option(help: ArgumentHelp("The colours of heat maps, where there are some.", valueName: "map"))
  public var colorMap: ColorMap = .seismic

  public init() {}
}

extension Tier {
  /// The command that fetches its files; nil where there are none.
  var fetchCommand: String? {
    switch self {
    case .scenes: nil
    case .imagenet: FetchedFiles.command(for: "imagenet")
    case .paper: FetchedFiles.command(for: "paper-weights")
    }
  }
}

extension PullbackError {
  /// The error in terms of the command line, which libraries do not know: the option that an argument came by, and the
  /// command that fetches what is missing.
  public var onCommandLine: PullbackError {
    var error = self
    let options: Set = [
      "images", "samples", "model", "target", "selector", "within", "input", "explain", "labels", "temperature",
      "calibration",
      "spreads", "preprocess", "shape", "method",
    ]
    if kind == .usage,
      options.contains(String(subject.prefix { $0 != " " })), !subject.hasPrefix("temperature of ")
    {
      error.subject = "--" + subject
    }
    if kind == .usage, subject == "explained input" { error.subject = "--explain" }
    if kind == .usage, problem == "there is no such architecture" {
      // The list of all is long.
      let name = String(subject.dropFirst("model ".count))
      error.advice = nearest(to: name, among: Architecture.all.map(\.name)).map { "did you mean \($0)?" } ?? advice
    }
    if advice == "Graph.nodes has them all" { error.advice = "pullbacks rules --nodes lists them all" }
    if kind == .unavailable, advice == nil {
      let tier = Tier.allCases.first { subject.hasPrefix("\($0.folder)/") }
      error.advice = tier?.fetchCommand.map { "run \($0)" }
    }
    return error
  }
}

/// Ends the program after one line on standard error that says what went wrong. The exit code is the error's, by
/// `sysexits`.
public func exitReporting(_ error: any Error, from program: String) -> Never {
  let error = (error as? PullbackError)?.onCommandLine ?? error
  writeToStandardError("\(program): \(error)\n")
  exit((error as? PullbackError)?.exitCode ?? PullbackError.Kind.software.rawValue)
}

/// The command line of an executable that has no subcommands, under the executable's own name.
struct Program<Options: ParsableArguments>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(commandName: URL(fileURLWithPath: CommandLine.arguments[0]).lastPathComponent)
  }

  @OptionGroup var options: Options

  /// The options of the command line; a mistake in them, and `--help`, ends the program.
  static func parsedOptions() -> Options { parseOrExit().options }
}

/// A command of `pullbacks` as it is typed into a shell: in the package's folder, or anywhere once it is installed.
///
/// - Parameter arguments: behind the program's name.
public func shellCommand(_ arguments: [String]) -> String {
  ((Installation.share == nil ? ["swift", "run"] : []) + ["pullbacks"] + arguments).map { argument in
    argument.wholeMatch(of: /[A-Za-z0-9_.,:=+@%\/-]+/) == nil
      ? "'\(argument.replacingOccurrences(of: "'", with: "'\\''"))'" : argument
  }.joined(separator: " ")
}
