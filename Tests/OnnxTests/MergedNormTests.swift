import Foundation
import Networks
import Onnx
import Pullbacks
import TestKit
import Testing

/// Exporters fold batch norms into convolutions. The soft pullback of such a graph is that of the network; relative
/// temperatures, which the norms would tell, are measured.
@Suite struct MergedNormTests {
  private static func merged(_ network: Network) throws -> Network {
    let read = try WritingTests.readBack(network.mergingBatchNorms()).network
    #expect(read.graph.nodes.allSatisfy { !($0.operation is BatchNorm) })
    return read
  }

  /// At a picture that lies far from the kinks of the gradient, as the oracle chose it.
  @Test(arguments: [("resnet18", 64), ("resnet50", 64), ("vgg-scenes", 96)])
  func softPullbackIsTheSame(_ name: String, side: Int) throws {
    let network = try Formula.network(Architecture.named(name).graph(resolution: side))
    let graph = try Self.merged(network)
    let number = try Fixture.tensors("networks").tensor("\(name)-\(side)/images").scalars[0]
    let x = Formula.image("image\(Int(number))", [1, 3, side, side])
    let selector = try network.oneHot([3])
    for rules in [RuleSet.gradient, .softPullback()] {
      let pulled = try [network, graph].map { try $0.valueWithPullback(at: x, rules: rules).pullback(selector) }
      expectClose(pulled[1], pulled[0], within: 1e-5, "\(name) \(rules.name)")
    }
  }

  /// Spreads measured of the same images agree with each other, and those of one half of them with those of the other
  /// half as nearly as so few images tell; and so do the pullbacks.
  @Test(arguments: [("vgg-scenes", 96), ("resnet-scenes", 96), ("resnet50", 64), ("efficientnet-lite0", 64)])
  func relativePullbackIsTheSameWithACalibration(_ name: String, side: Int) throws {
    let architecture = try Architecture.named(name)
    let network =
      try SceneNetwork(rawValue: name).map { try Network(architecture, checkpoint: $0.checkpoint()) }
      ?? Formula.network(architecture.graph(resolution: side))
    let graph = try Self.merged(network)
    let images = Formula.image("calibration", [16, 3, side, side])
    let halves = [0..<8, 8..<16].map { part in Tensor(batching: part.map { images.image($0) }) }
    let x = Formula.image("x", [1, 3, side, side])
    let selector = try network.oneHot([4])
    func pulled(_ network: Network, _ batches: [Tensor]) throws -> Tensor {
      let spreads = try Spreads.measured(of: network, at: batches)
      let rules = RuleSet.relativePullback(RelativeTemperatures(1.5), spreads, over: network.graph)
      return try network.valueWithPullback(at: x, rules: rules).pullback(selector)
    }
    let own = try pulled(network, halves)
    expectClose(try pulled(graph, halves), own, within: 1e-4, "\(name), the same images")
    // How far apart the halves are is the sampling's doing; the graph is no farther from the network than that.
    let sampling = distance(try pulled(network, [halves[0]]), try pulled(network, [halves[1]]))
    let across = distance(try pulled(graph, [halves[0]]), try pulled(network, [halves[1]]))
    #expect(sampling > 1e-3 && across < 1.1 * sampling, "\(name) \(across) \(sampling)")
  }

  /// The norm of a difference over that of the second.
  private func distance(_ a: Tensor, _ b: Tensor) -> Double {
    func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    return norm(zip(a.scalars, b.scalars).map { Double($0) - Double($1) }) / norm(b.scalars.map(Double.init))
  }
}
