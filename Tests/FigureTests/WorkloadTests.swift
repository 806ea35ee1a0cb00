import ExperimentKit
import Foundation
import Networks
import TestKit
import Testing

/// A workload of figure 16 is measured in a process of its own, with the multiply-adds of the passes that it made.
@Suite struct WorkloadTests {
  private func cost(of workload: String) throws -> WorkloadCost {
    let outcome = try Program("fig16").run(["measure-workload", workload, "0.01"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try JSONDecoder().decode(WorkloadCost.self, from: Data(outcome.output.utf8))
  }

  /// Of a layer four products with a matrix of 64 x 64 and two with one of 64 x 256 for each token, and two of values.
  @Test func encoder() throws {
    let cost = try cost(
      of: #"{"network":"encoder","images":1,"threads":1,"tokens":16,"layers":1,"width":64,"explainers":0}"#)
    let linear = 16 * (4 * 64 * 64 + 2 * 64 * 256)
    #expect(cost.multiplyAdds == Double(2 * (linear + 2 * 16 * 16 * 64)))
    #expect(cost.milliseconds > 0 && cost.megabytes >= 0)
  }

  /// The first explainer of table 1 makes one pass forward and one back.
  @Test func explainer() throws {
    let cost = try cost(
      of: #"{"network":"vgg-scenes","images":1,"threads":1,"tokens":0,"layers":0,"width":0,"explainers":1}"#)
    #expect(cost.multiplyAdds == 2 * (try Architecture.named("vgg-scenes").graph().multiplyAdds))
    #expect(cost.milliseconds > 0 && cost.megabytes >= 0)
  }
}
