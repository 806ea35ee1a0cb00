import ExperimentKit

extension Measure {
  /// A training step without the optimiser: forward pass with the batch's statistics, and every parameter's gradient.
  func measureTraining(_ report: inout Report) throws {
    for model in models {
      let network = try someNetwork(model, resolution: 96)
      let x = someImages(16, for: network)
      let cotangent = try network.oneHot([Int](repeating: 7, count: 16))
      let time = try clock.least(within: seconds) {
        _ = try network.trainingTrace(at: x).parameterGradients(cotangent)
      }
      report.add(.training, "\(model), 96 x 96, step of 16 images", 1000 * time, "ms")
    }
  }
}
