import ArgumentParser
import Failures
import Foundation
import Pullbacks
import Subjects

/// The inputs of an experiment that take long to compute or come out differently every time: files that are committed,
/// read by every run, and made anew with `--recompute` only.
public struct Measurements: Sendable {
  /// Whether they are to be made anew.
  public let recomputes: Bool
  /// The folder of all of them, `Figures/scores`.
  public let folder: String
  let program: String

  /// Checks that there is a file to be read.
  ///
  /// - Throws: `PullbackError` of kind `noInput` that says how to make it.
  func check(_ path: String, arguments: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw PullbackError(
        .noInput, path, "there are no measurements to draw",
        advice: "make them: swift run -c release \(program) \(arguments) --recompute")
    }
  }
}

extension Measurements {
  /// The value in the file at `path`, measured anew before if the command line says so.
  ///
  /// - Parameters:
  ///   - arguments: those of the program that makes the file.
  ///   - measure: the measurement.
  /// - Throws: `PullbackError` if there is no such file, or it holds something else; and what `measure` throws.
  func value<Value: Codable>(at path: String, arguments: String, _ measure: () throws -> Value) throws -> Value {
    if recomputes {
      let value = try measure()
      try makeFolder((path as NSString).deletingLastPathComponent)
      try writeJSON(value, to: path)
    }
    try check(path, arguments: arguments)
    do {
      return try JSONDecoder().decode(Value.self, from: Data(InputFile.bytes(of: path, limit: 1 << 24)))
    } catch let error as DecodingError {
      throw PullbackError(.data, path, "does not hold these measurements: \(error)")
    }
  }
}

struct MeasurementOptions: ParsableArguments {
  @OptionGroup var experiment: ExperimentOptions

  @Flag(help: "Make the committed measurements anew before they are drawn, which takes long.")
  var recompute = false

  @Option(help: ArgumentHelp("The folder of the measurements.", valueName: "folder"))
  var scores = "Figures/scores"
}

extension Experiment {
  /// Runs `body` with the options of the command line, for an experiment that draws committed measurements. Fails as
  /// ``run(_:_:)``.
  public static func run(_ name: String, measuring body: (Experiment, Measurements) throws -> Void) {
    let options = Program<MeasurementOptions>.parsedOptions()
    // A quick run must not replace measurements that took long.
    let isTrial = options.recompute && options.experiment.quick
    let measurements = Measurements(
      recomputes: options.recompute, folder: isTrial ? FetchedFiles.folder + "/scores/quick" : options.scores,
      program: name)
    do {
      try body(Experiment(name: name, options: options.experiment), measurements)
    } catch {
      exitReporting(error, from: name)
    }
  }
}
