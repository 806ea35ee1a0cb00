import ExperimentKit

extension Measure {
  /// Measures how the cost of explanations grows, which figure 16 draws.
  func measureScaling(_ report: inout Report) throws {
    for curve in try CostGrowth(seconds: seconds / 3).curves {
      for (setting, cost) in zip(curve.settings, curve.costs) {
        let name = "\(curve.network), \(curve.sweep.rawValue) \(setting)"
        report.add(.scaling, name, cost.milliseconds, "ms")
        report.add(.scaling, "\(name), memory", cost.megabytes, "MB")
      }
    }
  }
}
