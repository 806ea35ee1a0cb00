import ArgumentParser
import ExperimentKit
import Foundation
import Kernels

extension Measure {
  /// The largest size of a process that makes one soft pullback, ours and PyTorch's, each in a process of its own.
  func measureMemory(_ report: inout Report) throws {
    for model in models {
      for batch in batches {
        guard let ours = MemoryProbe.run(model, batch: batch, threads: threads) else { continue }
        let torch = TorchSide(python: python, model: model, batch: batch, threads: threads, clock: clock)
        let theirs = torch?.memory(of: .soft)
        let name = "\(model), batch \(batch), soft pullback"
        report.add(.memory, "\(name), peak", ours.peak * 1e-6, "MB", torch: theirs.map { $0.peak * 1e-6 })
        report.add(
          .memory, "\(name), peak over the loaded network", (ours.peak - ours.loaded) * 1e-6, "MB",
          torch: theirs.map { ($0.peak - $0.loaded) * 1e-6 })
      }
    }
  }
}

/// One soft pullback in a process of its own, whose size is printed: of a network by name, or of a graph's file.
struct MemoryProbe: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "memory-probe", shouldDisplay: false)

  @Argument var model: String
  @Argument var batch: Int
  @Argument var threads: Int

  func run() throws {
    Parallel.threads = threads
    let network = model.hasSuffix(".onnx") ? try Network(onnx: URL(filePath: model)) : try someNetwork(model)
    let x = someImages(batch, for: network)
    let loaded = ProcessSize.now
    try Pass.soft.run(network, x)
    print(loaded, ProcessSize.largest)
  }

  /// Bytes with the network loaded, and at most.
  static func run(_ model: String, batch: Int, threads: Int) -> (loaded: Double, peak: Double)? {
    let text = output(ofThisProgramWith: ["memory-probe", model, "\(batch)", "\(threads)"]) ?? ""
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
  }
}
