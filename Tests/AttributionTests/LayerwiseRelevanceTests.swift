import Attribution
import Networks
import Pullbacks
import TestKit
import Testing

/// The explainers of layer-wise relevance propagation against zennit in float64 (Tests/Oracles/lrp.py), and where they
/// are not defined.
@Suite(.serialized) struct LayerwiseRelevanceTests {
  private static let methods: [(Method, String)] = [
    (.lrpEpsilonPlus, "EpsilonPlus"), (.lrpEpsilonPlusFlat, "EpsilonPlusFlat"),
    (.lrpEpsilonGammaBox, "EpsilonGammaBox"), (.lrpEpsilonAlpha2Beta1, "EpsilonAlpha2Beta1"),
    (.lrpEpsilonAlpha2Beta1Flat, "EpsilonAlpha2Beta1Flat"),
  ]

  @Test func everyCompositeIsAMethod() {
    #expect(Self.methods.map(\.0.composite) == LayerwiseRelevance.Composite.allCases)
    for (method, _) in Self.methods { #expect(method.rawValue == "lrp-\(method.composite!.rawValue)") }
    #expect(Method.allCases.filter { $0.composite != nil } == Self.methods.map(\.0))
  }

  /// The picture of the fixture is its tenth; every seventh value is kept. The tolerance is five times what is
  /// measured.
  @Test func agreesWithZennit() throws {
    let fixtures = try Fixture.tensors("lrp")
    let network = try Formula.network(Architecture.named("resnet18").graph(resolution: 64))
    let x = Formula.image("image9", [1, 3, 64, 64])
    for (method, composite) in Self.methods {
      let attribution = try method.explainer(for: network.graph).attribute(x, .classes([3]), of: network)
      let expected = try fixtures.tensor("resnet18/\(composite).folded")
      #expect(attribution.shape == x.shape)
      expectClose(every(7, of: attribution), expected, within: 1e-5, composite)
    }
  }

  /// Only the normalisation may stand before the first layer with parameters.
  @Test func whatStandsBeforeTheFirstLayer() throws {
    func problem(_ graph: Graph) -> String? {
      do {
        for (method, _) in Self.methods { _ = try method.explainer(for: graph) }
        return nil
      } catch {
        return error.description
      }
    }
    func graph(_ first: (Signal) -> Signal) throws -> Graph {
      try Graph("tiny", input: [3, 4, 4]) { first($0).convolution("conv", 2, kernel: 3).flatten().linear("fc", 2) }
    }
    #expect(problem(try graph { $0 }) == nil)
    #expect(problem(try graph { $0.apply(ChannelAffine.imageNet) }) == nil)
    #expect(
      problem(try graph { $0.averagePool("shrink", kernel: 1) })
        == "relevance in tiny: expected nothing but normalisation before the first layer with parameters, which is "
        + "conv, found avgpool shrink; explain the network from there on, by starting(at:)")
    #expect(
      problem(try Graph("relu", input: [3]) { $0.relu() })
        == "relevance in relu: the network has no layer with parameters")
    // What moves values is no obstacle: relevance is read before it.
    #expect(
      problem(try Graph("dense", input: [3, 4, 4]) { $0.flatten().linear("fc", 2) })
        == "dense: has no operation of kind conv, at which the table has another rule for the first")
    #expect(
      problem(try Graph("features", input: [3]) { $0.linear("fc", 2) })
        == "lrp-epsilon-gamma-box: is defined for pictures (C, H, W), found inputs of shape [3]; "
        + "take one that is defined for any input")
  }
}
