import Attribution
import Dispatch
import Faithfulness
import Foundation

/// One sitting of a run: continues its log, shows how far it is, and says how to go on when it is stopped.
public struct EvaluationSession {
  private let benchmarkRun: BenchmarkRun
  private let log: ScoreLog
  private let program: String
  private let bar: ProgressBar

  /// - Parameters:
  ///   - benchmark: what is run.
  ///   - description: of the run, for its log.
  ///   - source: the images.
  ///   - folder: of the log.
  ///   - program: who says how to go on when it is stopped.
  /// - Throws: `PullbackError` if the folder holds another run's log, or a damaged one.
  public init(
    _ benchmark: Benchmark, _ description: RunDescription, _ source: any SampleSource, _ folder: String,
    program: String
  ) throws {
    log = try ScoreLog(in: folder, for: description)
    let left = BenchmarkRun(benchmark, description, on: source).passesLeft(log)
    let part = description.shard == .whole ? "" : " \(description.shard)"
    let bar = ProgressBar("evaluate\(part)", total: left.forward + left.backward)
    benchmarkRun = BenchmarkRun(benchmark, description, on: source) { bar.advance($0) }
    self.bar = bar
    self.program = program
  }

  /// Computes what the log does not hold, and prints how many passes that took.
  public func run() throws {
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
  }

  /// Ctrl-C and a scheduler's SIGTERM end the program at once; the log is whole at every moment.
  private func announceInterruption() -> [any DispatchSourceSignal] {
    let (bar, program) = (bar, program)
    return [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        bar.end()
        let message = "\(program): stopped; what is done is kept, and the same command continues\n"
        FileHandle.standardError.write(Data(message.utf8))
        _exit(128 + number)
      }
      source.resume()
      return source
    }
  }
}
