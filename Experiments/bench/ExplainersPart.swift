import ExperimentKit

extension Measure {
  /// Measures the cost of pullback ascent and SmoothPullback, in soft pullbacks of the same images.
  func measureExplainers(_ report: inout Report) throws {
    for model in models {
      let network = try someNetwork(model)
      let one = someImages(1, for: network)
      let ten = someImages(10, for: network)
      let ascent = try Method.pullbackAscent.explainer(for: network.graph)
      let smooth = try Method.smoothPullback.explainer(for: network.graph)
      let single = try clock.least(within: seconds / 3, atLeast: 1) { try Pass.soft.run(network, one) }
      let batch = try clock.least(within: seconds / 3, atLeast: 1) { try Pass.soft.run(network, ten) }
      let ascending = try clock.least(within: seconds / 3, atLeast: 1) {
        _ = try ascent.attribute(one, .classes([7]), of: network)
      }
      let smoothing = try clock.least(within: seconds / 3, atLeast: 1) {
        _ = try smooth.attribute(one, .classes([7]), of: network)
      }
      report.add(.explainers, "\(model), PA, \(ascent.cost(for: network.graph))", ascending / single, "soft pullbacks")
      report.add(
        .explainers, "\(model), SmoothPullback, \(smooth.cost(for: network.graph))", smoothing / batch,
        "soft pullbacks of a batch of 10")
    }
  }
}
