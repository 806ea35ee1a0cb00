import ArgumentParser
import ExperimentKit
import Failures
import Foundation

/// The command-line tool.
@main
struct PullbacksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pullbacks",
    abstract: "Explain image classifiers and language models by semantic pullbacks.",
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

  /// The arguments of the command line, which may be any bytes.
  private static var arguments: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { place in
      CommandLine.unsafeArgv[place].map {
        PathText.text(of: UnsafeBufferPointer(start: UnsafePointer($0), count: strlen($0)).map(UInt8.init(bitPattern:)))
      }
    }
  }

  /// Ends the program after help or a version on standard output, or a message about wrong arguments on standard error.
  private static func exit(refusing error: any Error) -> Never {
    let code = exitCode(for: error)
    guard !code.isSuccess else { exit(withError: error) }
    let message = fullMessage(for: error)
    let parserPrefix = "Error: "
    writeToStandardError(
      (message.hasPrefix(parserPrefix) ? "pullbacks: " + message.dropFirst(parserPrefix.count) : message) + "\n")
    end(code.rawValue)
  }

  /// Runs the command; a failure is one line on standard error and an exit code of `sysexits`.
  static func main() {
    var command: any ParsableCommand
    MemoryOption.reportExhaustion()
    // A file that becomes larger than the system allows is then an error of the write.
    signal(SIGXFSZ, SIG_IGN)
    do { command = try parseAsRoot(arguments) } catch { exit(refusing: error) }
    do {
      try command.run()
      // Printed text may not have arrived: standard output may be a full disk.
      guard fflush(nil) == 0 else { throw PullbackError(.io, "standard output", "cannot be written") }
    } catch  where exitCode(for: error) == .failure {
      exitReporting(error, from: "pullbacks")
    } catch {
      // A request for help, which the parser answers.
      exit(withError: error)
    }
  }
}

/// Ends the program; within a `ParsableCommand` the name `exit` is the parser's.
private func end(_ code: Int32) -> Never { exit(code) }
