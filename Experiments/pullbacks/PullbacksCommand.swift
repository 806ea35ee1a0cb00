import ArgumentParser
import ExperimentKit
import Failures
import Foundation

/// The command-line tool.
@main
struct PullbacksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pullbacks",
    abstract: "Explain what a neural network saw in an image, by semantic pullbacks.",
    discussion: """
      Examples:
        pullbacks doctor
        pullbacks predict --input cat.jpg
        pullbacks attribute --input cat.jpg --target top-3 --report cat.html
        pullbacks studio

      Completion in bash (there are scripts for zsh and fish too):
        source <(pullbacks --generate-completion-script bash)
      """,
    version: packageVersion,
    subcommands: [
      Predict.self, Attribute.self, TextCommand.self, StudioCommand.self, Evaluate.self, Merge.self, Inspect.self,
      Rules.self, Methods.self, Calibrate.self, Export.self, ScenesCommand.self, Train.self, Fetch.self, Doctor.self,
      Reference.self, Manual.self,
    ])

  /// The command line, whatever bytes it is of.
  private static var arguments: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { place in
      CommandLine.unsafeArgv[place].map {
        PathText.text(of: UnsafeBufferPointer(start: UnsafePointer($0), count: strlen($0)).map(UInt8.init(bitPattern:)))
      }
    }
  }

  /// Runs the command; a failure is one line on standard error and an exit code of `sysexits`.
  static func main() {
    var command: any ParsableCommand
    MemoryOption.reportExhaustion()
    // A file that becomes larger than the system allows is then an error of the write.
    signal(SIGXFSZ, SIG_IGN)
    do { command = try parseAsRoot(arguments) } catch { exit(withError: error) }
    do {
      try command.run()
      // What is printed may not have arrived: standard output may be a full disk.
      guard fflush(nil) == 0 else { throw PullbackError(.io, "standard output", "cannot be written") }
    } catch  where exitCode(for: error) == .failure {
      exitReporting(error, from: "pullbacks")
    } catch {
      // A request for help, which the parser answers.
      exit(withError: error)
    }
  }
}
