import ArgumentParser
import ExperimentKit

/// How much memory a computation may take for activations.
struct MemoryOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Bound on the memory for activations: images and draws go through the network in batches that fit. Results do "
        + "not depend on it.",
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

  /// How many images go through at once.
  func batchSize(for graph: Graph) -> Int { graph.batchSize(within: maxMemory.count) }
}
