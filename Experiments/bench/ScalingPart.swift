import ExperimentKit
import Kernels

extension Measure {
  /// Measures the cost of a soft pullback per image against batch size, resolution and threads.
  func measureScaling(_ report: inout Report) throws {
    defer { Parallel.threads = threads }
    for model in models {
      let network = try someNetwork(model)
      for batch in [1, 2, 4, 8, 16, 32, 64] {
        let x = someImages(batch, for: network)
        let time = try clock.least(within: seconds / 3) { try Pass.soft.run(network, x) }
        report.add(.scaling, "\(model), batch \(batch), soft, per image", 1000 * time / Double(batch), "ms")
      }
      for count in [1, 2] {
        Parallel.threads = count
        let x = someImages(1, for: network)
        let time = try clock.least(within: seconds / 3) { try Pass.soft.run(network, x) }
        report.add(.scaling, "\(model), threads \(count), soft", 1000 * time, "ms")
      }
      Parallel.threads = threads
      for resolution in [96, 128, 224, 384, 512] {
        let network = try someNetwork(model, resolution: resolution)
        let x = someImages(1, for: network)
        let time = try clock.least(within: seconds / 3) { try Pass.soft.run(network, x) }
        report.add(.scaling, "\(model), \(resolution) x \(resolution), soft", 1000 * time, "ms")
      }
    }
  }
}
