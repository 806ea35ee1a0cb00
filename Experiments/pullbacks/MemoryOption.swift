import ArgumentParser
import ExperimentKit
import Failures
import Foundation

/// The limit on the memory for activations.
struct MemoryOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Memory limit for activations. It sets the batch size, together with the memory that the system has left; a "
        + "single image is run even if it needs more. Parameters and decoded pictures (up to 256 MB) come on top. "
        + "Does not change results.",
      valueName: "size"))
  var maxMemory: Bytes = Bytes(Graph.memoryForActivations)

  /// A number of bytes, written as 512M or 2G.
  struct Bytes: ExpressibleByArgument, CustomStringConvertible {
    let count: Int

    init(_ count: Int) { self.count = count }

    init?(argument: String) {
      let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
      let unit = argument.last.flatMap { units[Character($0.uppercased())] }
      guard let number = Int(unit == nil ? argument[...] : argument.dropLast()), number > 0 else { return nil }
      let (count, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
      if overflow { return nil }
      self.count = count
    }

    var description: String { count % (1 << 20) == 0 ? "\(count >> 20)M" : "\(count)" }
    var defaultValueDescription: String { description }
  }

  /// The number of images in a batch.
  ///
  /// - Throws: `PullbackError` of kind `system` if there is too little memory for one.
  func batchSize(for graph: Graph) throws(PullbackError) -> Int {
    try Self.check(graph)
    // Half of what there is may go to activations: explainers keep maps and draws of their own.
    return graph.batchSize(within: min(maxMemory.count, (ProcessSize.available ?? .max) / 2))
  }

  /// - Throws: `PullbackError` of kind `system` if there is too little memory for one image to go through a network.
  static func check(_ graph: Graph) throws(PullbackError) {
    try check(2 * 4 * graph.activationCount, "the activations of one image in \(graph.name)")
  }

  /// - Throws: `PullbackError` of kind `system` if there is too little memory for a checkpoint's parameters.
  static func check(checkpoint path: String) throws {
    guard let file = try? InputFile(path) else { return }
    try check(file.size, "the parameters in \(path)")
  }

  private static func check(_ bytes: Int, _ what: String) throws(PullbackError) {
    guard let available = ProcessSize.available, bytes > available else { return }
    throw PullbackError(
      .system, "memory", "\(what) take \(bytes >> 20) MB, and there are \(max(0, available) >> 20) MB",
      advice: "allow this process more (ulimit -v unlimited), or end other programs")
  }

  /// From now on, a failed allocation ends the program with one line in place of a backtrace. The runtime then calls
  /// `abort`, as it does for nothing else: broken invariants are traps, which keep their backtraces.
  static func reportExhaustion() {
    ProcessSize.spareThreads()
    signal(SIGABRT) { _ in
      let message: StaticString =
        "pullbacks: memory: there is none left; allow this process more, or lower --max-memory\n"
      _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
      _exit(PullbackError.Kind.system.rawValue)
    }
  }
}
