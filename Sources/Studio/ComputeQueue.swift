import Failures
import Foundation
import Kernels
import Pullbacks
import Synchronization

/// One thread that computes, and the requests that wait for it.
///
/// A request on a channel takes the place of an earlier one on the same channel: one that waits is dropped, one that
/// runs is ended at its next batch. So a slider that moves faster than the network computes gets the newest map. Long
/// work makes way, between its batches, for what is quick.
final class ComputeQueue: Sendable {
  /// A place on a page for which results are computed, for example the left map.
  struct Channel: Hashable, Sendable {
    let client, name: String
  }

  private struct State {
    var waiting: [Job] = []
    /// The last one is at work; those before it make way for it.
    var running: [Job] = []
  }

  private let limit: Int
  private let state = Locked(State())
  private let arrivals = DispatchSemaphore(value: 0)

  /// - Parameter limit: the number of jobs that may wait.
  init(limit: Int) {
    self.limit = limit
    let thread = Thread { [weak self, arrivals] in
      while true {
        arrivals.wait()
        guard let self else { return }
        self.runNext(quickOnly: false)
      }
    }
    // As much as the main thread has, which reads checkpoints and graphs elsewhere.
    thread.stackSize = 8 << 20
    thread.name = "compute"
    thread.start()
  }

  deinit { arrivals.signal() }

  /// Puts work into the queue.
  ///
  /// - Parameters:
  ///   - channel: the channel whose earlier work it replaces; nil replaces none.
  ///   - isLong: whether it makes way for work that is not.
  ///   - alwaysRuns: whether it runs even if it was cancelled before, and looks for itself.
  ///   - work: is handed the job, to which it sends what it finds.
  /// - Throws: `PullbackError` of kind `system` if too much waits already.
  @discardableResult
  func submit(
    _ channel: Channel? = nil, isLong: Bool = false, alwaysRuns: Bool = false,
    _ work: @escaping @Sendable (Job) throws -> Void
  ) throws(PullbackError) -> Job {
    let job = Job(channel, isLong: isLong, alwaysRuns: alwaysRuns, in: self, work)
    let (isFull, dropped) = state.withLock { state -> (Bool, [Job]) in
      let dropped = channel == nil ? [] : state.waiting.filter { $0.channel == channel }
      if channel != nil {
        state.waiting.removeAll { $0.channel == channel }
        for running in state.running where running.channel == channel { running.end() }
      }
      guard state.waiting.count < limit else { return (true, dropped) }
      state.waiting.append(job)
      return (false, dropped)
    }
    for job in dropped { job.endSuperseded() }
    guard !isFull else {
      throw PullbackError(.system, "studio", "\(limit) requests are waiting already", advice: "try again in a moment")
    }
    arrivals.signal()
    return job
  }

  /// The value of work, once it was its turn. It is given up when the task is cancelled that waits for it.
  func value<Value: Sendable>(
    isLong: Bool = false, _ work: @escaping @Sendable (Job) throws -> Value
  ) async throws -> Value {
    let submitted = Locked<(job: Job?, isCancelled: Bool)>((nil, false))
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        do {
          let job = try submit(isLong: isLong, alwaysRuns: true) { job in
            continuation.resume(
              with: Result {
                try job.proceed()
                return try work(job)
              })
          }
          let isCancelled = submitted.withLock { submitted in
            submitted.job = job
            return submitted.isCancelled
          }
          if isCancelled { job.cancel() }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    } onCancel: {
      submitted.withLock { submitted in
        submitted.isCancelled = true
        return submitted.job
      }?.cancel()
    }
  }

  /// Ends what waits and runs on a channel.
  func cancel(_ channel: Channel) {
    let dropped = state.withLock { state in
      for running in state.running where running.channel == channel { running.end() }
      let dropped = state.waiting.filter { $0.channel == channel }
      state.waiting.removeAll { $0.channel == channel }
      return dropped
    }
    for job in dropped { job.endSuperseded() }
  }

  /// Forgets a job that waits, if it need not run.
  fileprivate func drop(_ job: Job) {
    state.withLock { $0.waiting.removeAll { $0 === job && !$0.alwaysRuns } }
  }

  /// Runs the next job, the quick ones first; whether there was one.
  @discardableResult
  private func runNext(quickOnly: Bool) -> Bool {
    let next = state.withLock { state -> Job? in
      guard
        let place = state.waiting.firstIndex(where: { !$0.isLong }) ?? (quickOnly || state.waiting.isEmpty ? nil : 0)
      else { return nil }
      let job = state.waiting.remove(at: place)
      state.running.append(job)
      return job
    }
    guard let next else { return false }
    next.run()
    state.withLock { $0.running.removeAll { $0 === next } }
    return true
  }

  /// Between two batches of long work: runs what is quick.
  fileprivate func makeWay() { while runNext(quickOnly: true) {} }
}

/// Work in a ``ComputeQueue``, and the frames that it sends to whoever asked for it.
///
/// A frame is a byte that says what it holds (1 JSON, 2 numbers), its length in four bytes, little-endian, and that
/// many bytes.
final class Job: Sendable {
  let channel: ComputeQueue.Channel?
  let isLong: Bool
  fileprivate let alwaysRuns: Bool
  /// The frames that are sent.
  let frames: AsyncStream<[UInt8]>
  private let sink: AsyncStream<[UInt8]>.Continuation
  private let queue: ComputeQueue
  private let work: @Sendable (Job) throws -> Void
  private let isCancelled = Atomic<Bool>(false)
  private let lastReport = Locked(ContinuousClock.now)

  fileprivate init(
    _ channel: ComputeQueue.Channel?, isLong: Bool, alwaysRuns: Bool, in queue: ComputeQueue,
    _ work: @escaping @Sendable (Job) throws -> Void
  ) {
    (self.channel, self.isLong, self.alwaysRuns, self.queue, self.work) = (channel, isLong, alwaysRuns, queue, work)
    (frames, sink) = AsyncStream.makeStream()
  }

  /// Ends the work at its next batch, or before it begins.
  func cancel() {
    end()
    queue.drop(self)
  }

  fileprivate func end() { isCancelled.store(true, ordering: .relaxed) }

  /// Between two batches: makes way for quick work.
  ///
  /// - Throws: `PullbackError` if the job was cancelled.
  func proceed() throws(PullbackError) {
    if isLong { queue.makeWay() }
    if isCancelled.load(ordering: .relaxed) {
      throw PullbackError(.unavailable, "request", "was cancelled")
    }
  }

  func send(_ value: some Encodable) throws { sink.yield(Self.frame(1, Array(try JSONEncoder().encode(value)))) }

  func send(numbers: Tensor) {
    sink.yield(numbers.withUnsafeBuffer { Self.frame(2, Array(UnsafeRawBufferPointer($0))) })
  }

  func send(bytes: [UInt8]) { sink.yield(Self.frame(2, bytes)) }

  private struct Progress: Encodable {
    var type = "progress"
    let done, total: Int
  }

  /// Says how far it is, five times a second at most.
  func report(_ done: Int, of total: Int) {
    let isDue = lastReport.withLock { last in
      guard last.duration(to: .now) > .milliseconds(200) else { return false }
      last = .now
      return true
    }
    if isDue { try? send(Progress(done: min(done, total), total: total)) }
  }

  fileprivate func run() {
    guard alwaysRuns || !isCancelled.load(ordering: .relaxed) else { return endSuperseded() }
    do { try work(self) } catch {
      guard !isCancelled.load(ordering: .relaxed) else { return endSuperseded() }
      try? send(Failure(error))
    }
    sink.finish()
  }

  private struct Superseded: Encodable { var type = "superseded" }

  fileprivate func endSuperseded() {
    try? send(Superseded())
    sink.finish()
  }

  private static func frame(_ kind: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    let count = UInt32(bytes.count)
    return [kind] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * UInt32($0))) } + bytes
  }
}

/// An error as the page gets it.
struct Failure: Encodable {
  var type = "error"
  let error: String

  init(_ problem: String) { error = problem }

  init(_ error: any Error) {
    self.error = (error as? PullbackError)?.description ?? "the request failed: \(error)"
  }
}
