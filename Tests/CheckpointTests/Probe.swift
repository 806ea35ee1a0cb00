import Checkpoints
import Foundation
import Pullbacks

/// Reads untrusted bytes as a checkpoint.
final class Probe {
  enum Outcome {
    case read
    case refused(PullbackError)

    var isRefusal: Bool {
      if case .refused = self { true } else { false }
    }
  }

  private let path: String

  init() throws {
    // In memory where the system offers it: thousands of files are written, one after another.
    let memory = "/dev/shm"
    let folder = access(memory, W_OK) == 0 ? memory : FileManager.default.temporaryDirectory.path
    path = "\(folder)/probe-\(UUID().uuidString)"
  }

  deinit { unlink(path) }

  /// Opens the bytes and reads every tensor. Throws if something else than a `PullbackError` of kind data comes out, if
  /// what is read contradicts itself, or if it took more than three seconds.
  func read(_ bytes: [UInt8]) throws -> Outcome {
    unlink(path)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let start = ContinuousClock.now
    do {
      let checkpoint = try Checkpoint(contentsOf: path)
      for name in checkpoint.names {
        guard let entry = checkpoint.entry(name) else { throw Failure(reason: "\(name) is listed and has no entry") }
        do {
          let tensor = try checkpoint.tensor(name)
          guard tensor.shape == entry.shape, tensor.scalars.count == entry.shape.reduce(1, *) else {
            throw Failure(reason: "\(name) is not of its shape")
          }
        } catch let error as PullbackError {
          try check(error)
        }
      }
      try checkTime(since: start)
      return .read
    } catch let error as PullbackError {
      try check(error)
      try checkTime(since: start)
      return .refused(error)
    }
  }

  struct Failure: Error { var reason: String }

  private func check(_ error: PullbackError) throws {
    guard error.kind == .data, error.description.utf8.count < 4000, !error.description.contains("\n") else {
      throw Failure(reason: "the error is \(error)")
    }
  }

  private func checkTime(since start: ContinuousClock.Instant) throws {
    guard ContinuousClock.now - start < .seconds(3) else { throw Failure(reason: "took more than three seconds") }
  }
}
