import ExperimentKit
import Foundation
import Kernels

/// The numbers of a run, printed as they come.
struct Report: Encodable {
  struct Row: Encodable {
    let part: Part.RawValue
    /// The measured network, batch and pass.
    let name: String
    let value: Double
    let unit: String
    /// PyTorch's value, where it was measured in the same run.
    let torch: Double?
    let ratio: Double?
  }

  let blasCore = blasCoreName()
  let cores = ProcessInfo.processInfo.activeProcessorCount
  let threads: Int
  let clock: Stopwatch
  private(set) var rows: [Row] = []

  init(clock: Stopwatch, threads: Int) {
    self.clock = clock
    self.threads = threads
    let workers = threads == 0 ? "one thread per core" : "threads: \(threads)"
    print("OpenBLAS kernels \(blasCore), \(cores) cores, \(workers)")
    print("times: least \(clock.rawValue) time of several calls")
  }

  mutating func add(_ part: Part, _ name: String, _ value: Double, _ unit: String, torch: Double? = nil) {
    let ratio = torch.map { value / $0 }
    rows.append(Row(part: part.rawValue, name: name, value: value, unit: unit, torch: torch, ratio: ratio))
    let label = name.padding(toLength: max(44, name.count), withPad: " ", startingAt: 0)
    var line = "\(label) \(decimal(value, places: 2)) \(unit)"
    if let torch, let ratio { line += ", PyTorch \(decimal(torch, places: 2)), ratio \(decimal(ratio, places: 2))" }
    print(line)
    fflush(nil)
  }
}
