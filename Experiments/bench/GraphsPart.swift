import ExperimentKit
import Foundation

extension Measure {
  /// Networks that were exported as ONNX and read back, beside the same networks as they are: loading, passes by turns, and
  /// the largest size of a process.
  func measureGraphs(_ report: inout Report) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for model in models {
      let file = folder.appendingPathComponent("\(model).onnx")
      let native = try someNetwork(model)
      try native.onnx().write(to: file)
      let loading = try clock.least(within: seconds) { _ = try Network(onnx: file) }
      report.add(.graphs, "\(model).onnx, loading, file in memory", 1000 * loading, "ms")
      let graph = try Network(onnx: file)
      for batch in batches {
        let x = someImages(batch, for: native)
        for pass in Pass.allCases {
          let (own, read) = try clock.leastByTurns(within: 2 * seconds) {
            try pass.run(native, x)
          } and: {
            try pass.run(graph, x)
          }
          let name = "\(model).onnx, batch \(batch), \(pass.rawValue)"
          report.add(.graphs, name, 1000 * read, "ms")
          report.add(.graphs, "\(name), over the network itself", read / own, "times")
        }
        guard let own = MemoryProbe.run(model, batch: batch, threads: threads),
          let read = MemoryProbe.run(file.path, batch: batch, threads: threads)
        else { continue }
        let name = "\(model).onnx, batch \(batch), soft pullback, peak"
        report.add(.graphs, name, read.peak * 1e-6, "MB")
        report.add(.graphs, "\(name) over the network itself", read.peak / own.peak, "times")
      }
    }
  }
}
