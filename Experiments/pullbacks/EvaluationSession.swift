import Dispatch
import ExperimentKit
import Foundation

/// One sitting of a run: continues its log, shows how far it is, says how to go on when it is stopped, and writes the
/// results at the end.
struct EvaluationSession {
  private let benchmarkRun: BenchmarkRun
  private let log: ScoreLog
  private let description: RunDescription
  private let folder: String
  private let bar: ProgressBar

  init(
    _ benchmark: Benchmark, _ description: RunDescription, _ source: any SampleSource, _ folder: String
  ) throws {
    log = try ScoreLog(in: folder, for: description)
    let left = BenchmarkRun(benchmark, description, on: source).passesLeft(log)
    let part = description.shard == .whole ? "" : " \(description.shard)"
    let bar = ProgressBar("evaluate\(part)", total: left.forward + left.backward)
    benchmarkRun = BenchmarkRun(benchmark, description, on: source) { bar.advance($0) }
    self.bar = bar
    self.description = description
    self.folder = folder
  }

  func run() throws {
    let interruption = announceInterruption()
    var done = Cost(forward: 0, backward: 0)
    var saved = done
    try benchmarkRun.run(log) { progress in
      let stage = Cost(
        forward: progress.withoutSharing.forward - progress.done.forward,
        backward: progress.withoutSharing.backward - progress.done.backward)
      bar.advance(stage)
      done = done + progress.done
      saved = saved + stage
    }
    bar.end()
    interruption.forEach { $0.cancel() }
    print("passes: \(done); saved by sharing: \(saved)")
    guard description.shard == .whole else {
      print("part \(description.shard) is complete; when all are, join them: pullbacks merge PART... --output FOLDER")
      return
    }
    try write(Scores(in: folder), to: folder)
  }

  /// Ctrl-C and a scheduler's SIGTERM end the program at once; the log is whole at every moment.
  private func announceInterruption() -> [any DispatchSourceSignal] {
    let bar = bar
    return [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        bar.end()
        let message = "pullbacks: stopped; what is done is kept, and the same command continues\n"
        FileHandle.standardError.write(Data(message.utf8))
        _exit(128 + number)
      }
      source.resume()
      return source
    }
  }
}

/// Writes a run's results and prints its table.
func write(_ scores: Scores, to folder: String) throws {
  let files = try scores.write(to: folder)
  print(try String(contentsOfFile: "\(folder)/table.md", encoding: .utf8))
  print("wrote \(files.joined(separator: ", ")) to \(folder)")
}
