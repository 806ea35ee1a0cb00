import Networks
import Pullbacks
import TestKit
import Testing

/// Every architecture with formula weights against PyTorch in float64 (Tests/Oracles/networks.py).
@Suite struct ArchitectureTests {
  static let fixtures = try! Fixture.tensors("networks")
  static let cases = [("efficientnet-lite0", 224), ("efficientnet-lite1", 96), ("efficientnet-lite2", 75)]

  @Test(arguments: cases) func agreesWithPyTorch(name: String, resolution: Int) throws {
    func expected(_ what: String) throws -> Tensor { try Self.fixtures.tensor("\(name)/\(what)") }
    let network = try Formula.network(Architecture.named(name).graph(resolution: resolution))
    let images = try expected("images").scalars.map { Formula.image("image\(Int($0))", [1, 3, resolution, resolution]) }
    let soft = RuleSet.softPullback()
    let trace = try network.trace(at: Tensor(batching: images), rules: [.gradient, soft])
    let selector = try network.oneHot([3, 7])
    expectClose(trace.value, try expected("logits"), within: 1e-5, "\(name) logits")
    expectClose(sample(try trace.pullback(selector, by: .gradient)), try expected("gradient"), within: 1e-4, "\(name) gradient")
    expectClose(sample(try trace.pullback(selector, by: soft)), try expected("soft"), within: 1e-4, "\(name) soft pullback")
  }

  /// Every 37th value, as the fixtures keep them.
  private func sample(_ tensor: Tensor) -> Tensor {
    let values = tensor.scalars
    let sampled = stride(from: 0, to: values.count, by: 37).map { values[$0] }
    return Tensor(shape: [sampled.count], sampled)
  }
}
