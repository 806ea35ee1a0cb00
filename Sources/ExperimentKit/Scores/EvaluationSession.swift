import Attribution
import Dispatch
import Failures
import Faithfulness
import Foundation
import Kernels
import Pullbacks
import Subjects

/// One sitting of a run: continues its log, shows how far it is, and says how to go on when it is stopped.
public struct EvaluationSession {
  private let benchmarkRun: BenchmarkRun
  private let log: ScoreLog
  private let program: String
  private let bar: ProgressBar

  /// - Parameters:
  ///   - benchmark: the benchmark that is run.
  ///   - description: the description of the run, for its log.
  ///   - source: the images.
  ///   - folder: the folder of the log.
  ///   - program: the program's name, for the message on how to continue when it is stopped.
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
    // The work after the run may be stopped too.
    for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
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
        writeToStandardError(message)
        _exit(128 + number)
      }
      source.resume()
      return source
    }
  }
}

extension Subject {
  /// Runs a benchmark to its end, or continues one, and writes what is committed of it to `folder`.
  ///
  /// - Parameters:
  ///   - log: the folder under which the log is kept.
  ///   - program: the program's name, for the message on how to continue when it is stopped.
  func score(_ run: ScoreRun, seed: UInt64, log: String, to folder: String, program: String) throws {
    let entrants = run.entrants(for: network)
    let metrics = run.metrics(for: try samples.sample(0)).map { $0.metric() }
    let benchmark = try Benchmark(
      of: network, entrants.map { try $0.contender(for: network) }, by: metrics, seed: seed,
      batchSize: network.graph.batchSize())
    let description = try RunDescription(
      model: name, checkpoint: sha256, version: .v6, benchmark: benchmark,
      source: samples.description, images: samples.images,
      settings: Dictionary(uniqueKeysWithValues: entrants.map { ($0.name, $0.softSettings) }))
    // Other settings, images or checkpoints have a log of their own.
    let log = "\(log)/\(name)-\(run.rawValue)-\(try description.settingsHash())"
    try makeFolder(log)
    try EvaluationSession(benchmark, description, samples, log, program: program).run()
    let scores = try Scores(in: log)
    _ = try scores.write(to: log)
    if run == .curves { try scores.writeMeanCurves(for: network.graph.inputShape, to: log) }
    try makeFolder(folder)
    for name in run.files {
      _ = try writeIfNew(InputFile.bytes(of: "\(log)/\(name)", limit: 1 << 30), to: "\(folder)/\(name)")
    }
  }
}
