import Foundation
import Networks
import Pullbacks
import Testing

/// Good files, cut short and with flipped bits: each must be refused or read, and never crash.
@Suite struct DamageTests {
  static let files = ["types.safetensors", "parameters.pth", "parameters.pt"]

  @Test(arguments: files)
  func everyTruncationIsRefused(_ file: String) throws {
    let probe = try Probe()
    let bytes = try Fixtures.bytes(file)
    for length in 0..<bytes.count {
      let outcome = try probe.read(Array(bytes.prefix(length)))
      #expect(outcome == .refused, "\(file), cut after \(length) bytes, was read")
    }
  }

  /// Flips each bit of each byte in turn. What can still be read has the shapes of tensors that fit into the file.
  @Test(arguments: files)
  func noFlippedBitCrashes(_ file: String) throws {
    let probe = try Probe()
    let original = try Fixtures.bytes(file)
    var refused = 0
    for index in original.indices {
      var bytes = original
      bytes[index] ^= 1 << UInt8(index % 8)
      if try probe.read(bytes) == .refused { refused += 1 }
    }
    // Most bytes of these small files are structure: damage there must be noticed more often than not.
    #expect(refused > original.count / 4)
    #expect(try probe.read(original) == .read)
  }
}

/// Reads untrusted bytes as a checkpoint.
final class Probe {
  enum Outcome { case read, refused }

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
      return .refused
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
