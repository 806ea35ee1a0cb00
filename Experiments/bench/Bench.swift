//: # What a pullback costs
//:
//: Times of forward pass, gradient and soft pullback, beside PyTorch's in the same run where a Python with torch is
//: found, and of everything else that an experiment spends its time on. A table goes to standard output, and with
//: `--json` a file holds the same numbers.

import ArgumentParser
import ExperimentKit
import Foundation
import Kernels

/// A part of the measurements; by default the networks alone.
enum Part: String, CaseIterable, ExpressibleByArgument {
  case networks, text, convolutions, operations, explainers, scaling, memory, training, scenes, files, graphs
}

@main
enum Entry {
  static func main() {
    WorkloadCost.answerIfAsked()
    Bench.main()
  }
}

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure what a pullback and everything around it cost.",
    subcommands: [Measure.self, MemoryProbe.self], defaultSubcommand: Measure.self)
}

struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Measure, print a table, write JSON.")

  @Option(
    parsing: .upToNextOption,
    help: "What to measure: \(Part.allCases.map(\.rawValue).joined(separator: ", ")), all.")
  var parts = ["networks"]

  @Option(parsing: .upToNextOption, help: "The networks.")
  var models = ["resnet50", "vgg11_bn", "pvt_v2_b1"]

  @Option(parsing: .upToNextOption, help: "Images in a batch.")
  var batches = [1, 10]

  @Option(help: "Threads, ours and PyTorch's; 0 is one per core.")
  var threads = 0

  @Option(help: "wall, or cpu: processor time over all threads, for machines that others use as well.")
  var clock = Stopwatch.wall

  @Option(help: "Seconds for each number, on either side.")
  var seconds = 3.0

  @Option(help: ArgumentHelp("A Python with torch; none to do without.", valueName: "path"))
  var python = ProcessInfo.processInfo.environment["PYTHON"] ?? "python3"

  @Option(help: ArgumentHelp("A file for the numbers.", valueName: "path"))
  var json: String?

  func validate() throws {
    for part in parts where part != "all" && Part(rawValue: part) == nil { throw ValidationError("no part \(part)") }
    guard seconds > 0, threads >= 0, batches.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("seconds and batches are positive, threads not negative")
    }
    guard !parts.contains(Part.scaling.rawValue) || threads == 0 && clock == .wall else {
      throw ValidationError("the part scaling is measured by wall clock, on threads of its own")
    }
  }

  func run() throws {
    Parallel.threads = threads
    do {
      var report = Report(clock: clock, threads: threads)
      for part in Part.allCases where parts.contains("all") || parts.contains(part.rawValue) {
        switch part {
        case .networks: try measureNetworks(&report)
        case .text: try measureText(&report)
        case .convolutions: try measureConvolutions(&report)
        case .operations: try measureOperations(&report)
        case .explainers: try measureExplainers(&report)
        case .scaling: try measureScaling(&report)
        case .memory: try measureMemory(&report)
        case .training: try measureTraining(&report)
        case .scenes: try measureScenes(&report)
        case .files: try measureFiles(&report)
        case .graphs: try measureGraphs(&report)
        }
      }
      if let json { try writeJSON(report, to: json) }
    } catch {
      exitReporting(error, from: "bench")
    }
  }
}
