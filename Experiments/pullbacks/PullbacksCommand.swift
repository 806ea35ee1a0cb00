import ArgumentParser
import ExperimentKit

/// The command-line tool.
@main
struct PullbacksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pullbacks",
    abstract: "Explain what a neural network saw in an image, by semantic pullbacks.",
    subcommands: [
      Predict.self, Attribute.self, Evaluate.self, Merge.self, Inspect.self, Rules.self, Methods.self,
      ScenesCommand.self, Train.self,
    ])

  /// Runs the command; a failure is one line on standard error and an exit code of `sysexits`.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as PullbackError {
      exitReporting(error, from: "pullbacks")
    } catch {
      exit(withError: error)
    }
  }
}
