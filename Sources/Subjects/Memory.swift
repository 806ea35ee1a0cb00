import Failures
import Foundation
import Kernels
import Pullbacks

/// The memory that this process takes, in bytes; NaN where the system does not tell.
public enum ProcessSize {
  public static var now: Double { bytes("VmRSS:") }

  /// Since the process began, or since ``forget()``.
  public static var largest: Double { bytes("VmHWM:") }

  /// The memory that the process may still take before the system refuses more: the least of its own limits on
  /// addresses and data, the limit of its control group, and the memory that the machine has left; nil if nothing is
  /// known.
  public static var available: Int? {
    var limits: [Int] = []
    var limit = rlimit()
    for (resource, use) in [(RLIMIT_AS, "VmSize:"), (RLIMIT_DATA, "VmData:")] {
      guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur < UInt64(Int.max) else {
        continue
      }
      let used = bytes(use)
      if used.isFinite { limits.append(Int(limit.rlim_cur) - Int(used)) }
    }
    let group = "/sys/fs/cgroup/memory"
    if let most = number(in: "\(group).max"), let used = number(in: "\(group).current") {
      // Pages of files that were read count as used, and are given up when memory runs short.
      limits.append(most - used + (line("inactive_file", of: "\(group).stat") ?? 0))
    }
    if let free = line("MemAvailable:", of: "/proc/meminfo") { limits.append(free * 1024) }
    return limits.min()
  }

  /// Where memory is short, takes fewer threads from now on: beside its work each takes a stack and the 128 MB of
  /// OpenBLAS's buffer. Results do not depend on their number.
  public static func spareThreads() {
    let each = 256 << 20
    guard let available, available < Parallel.most * each else { return }
    Parallel.threads = max(1, available / each)
  }

  private static func number(in path: String) -> Int? {
    (try? String(contentsOfFile: path, encoding: .utf8)).flatMap {
      Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }

  private static func line(_ field: String, of path: String) -> Int? {
    let lines = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
    let words = lines.lazy.map { $0.split(whereSeparator: \.isWhitespace) }
    return words.first { $0.first.map(String.init) == field }?.dropFirst().first.flatMap { Int($0) }
  }

  /// Lets the largest size begin anew from the present one; whether the system does so.
  package static func forget() -> Bool {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return false }
    return (try? file.write(contentsOf: Data("5".utf8))) != nil
  }

  private static func bytes(_ field: String) -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(field) }
    let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
    return (kilobytes ?? .nan) * 1024
  }

  /// - Throws: `PullbackError` of kind `system` if there is too little memory for a checkpoint's parameters.
  public static func check(checkpoint path: String) throws {
    guard let file = try? InputFile(path) else { return }
    try check(file.size, "the parameters in \(path)")
  }

  fileprivate static func check(_ bytes: Int, _ what: String) throws(PullbackError) {
    guard let available, bytes > available else { return }
    throw PullbackError(
      .system, "memory", "\(what) take \(bytes >> 20) MB, and there are \(max(0, available) >> 20) MB",
      advice: "allow this process more (ulimit -v unlimited), or end other programs")
  }
}

extension Graph {
  /// The memory that activations may take unless somebody says otherwise, in bytes.
  public static let memoryForActivations = 1 << 29

  /// The number of images that go through the network at once, 1 to 64: the activations of each may all be kept, with
  /// as much again for cotangents.
  ///
  /// - Parameter bytes: the memory that activations may take.
  public func batchSize(within bytes: Int = Graph.memoryForActivations) -> Int {
    min(64, max(1, bytes / (2 * 4 * activationCount)))
  }

  /// The number of images that go through the network at once if memory may be short.
  ///
  /// - Parameter bytes: the memory that activations may take.
  /// - Throws: `PullbackError` of kind `system` if there is too little memory for one.
  public func affordableBatchSize(within bytes: Int = Graph.memoryForActivations) throws(PullbackError) -> Int {
    try checkMemory()
    // Half of what there is may go to activations: explainers keep maps and draws of their own.
    return batchSize(within: min(bytes, (ProcessSize.available ?? .max) / 2))
  }

  /// - Throws: `PullbackError` of kind `system` if there is too little memory for one image to go through the network.
  public func checkMemory() throws(PullbackError) {
    try ProcessSize.check(2 * 4 * activationCount, "the activations of one image in \(name)")
  }
}
