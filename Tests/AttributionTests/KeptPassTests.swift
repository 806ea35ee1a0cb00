import Attribution
import Kernels
import Pullbacks
import TestKit
import Testing

/// A forward pass that is kept for several explanations changes none of them.
@Suite struct KeptPassTests {
  /// One pass serves every method in turn, at one temperature and then at another.
  @Test(arguments: SmallNetwork.allCases) func everyMethodIsTheSame(_ small: SmallNetwork) throws {
    let network = small.network
    let x = SmallNetwork.images
    let kept = KeptPass(of: network, at: x, for: [.softPullback()])
    #expect(identicalBits(try kept.value, try network(x)))
    for temperature in [0.6, 1.7] as [Float] {
      for method in MethodTests.cases where method.small == small {
        var settings = OracleTests.settings(small)
        settings.riseMasks = 30
        for kind in Temperatures.Kind.allCases { settings.temperatures[kind] = temperature }
        let explainer = try method.method.explainer(settings, for: network.graph)
        let selector = Selector.all(.logit(3), images: x.shape[0])
        var context = Context()
        let alone = try explainer.attribute(x, selector, of: network, in: context)
        context.kept = kept
        #expect(identicalBits(alone, try explainer.attribute(x, selector, of: network, in: context)), "\(method)")
      }
    }
  }

  /// Rules that read no more are served by the same pass; others, and other nodes' values, are not.
  @Test func reusedWhereItHasEnough() throws {
    let network = SmallNetwork.transformer.network
    let x = SmallNetwork.images
    var warm = Temperatures()
    for kind in Temperatures.Kind.allCases { warm[kind] = 2 }
    let trace = try network.trace(at: x, rules: [.softPullback()])
    let reused = try #require(try trace.reused(for: [.softPullback(warm)]))
    let v = try network.oneHot([Int](repeating: 3, count: x.shape[0]))
    let new = try network.trace(at: x, rules: [.softPullback(warm)])
    #expect(
      identicalBits(try reused.pullback(v, by: .softPullback(warm)), try new.pullback(v, by: .softPullback(warm))))
    #expect(throws: PullbackError.self) { try reused.pullback(v, by: .softPullback()) }
    #expect(try network.trace(at: x, rules: []).reused(for: [.softPullback()]) == nil)
    #expect(try trace.reused(for: [], keeping: [network.graph.nodes[1].name]) == nil)
    #expect(throws: PullbackError.self) { try trace.reused(for: [], keeping: ["nowhere"]) }
  }

  /// Another input or another network is run anew.
  @Test func servesItsInputAlone() throws {
    let network = SmallNetwork.transformer.network
    let (x, other) = (SmallNetwork.images, -1 * SmallNetwork.images)
    let explainer = try Method.softPullback.explainer(for: network.graph)
    let selector = Selector.all(.logit(3), images: x.shape[0])
    var context = Context()
    let expected = try explainer.attribute(other, selector, of: network, in: context)
    context.kept = KeptPass(of: network, at: x, for: [])
    #expect(identicalBits(expected, try explainer.attribute(other, selector, of: network, in: context)))
    let halved = try Network(network.graph, parameters: network.parameters.mapValues { 0.5 * $0 })
    let alone = try explainer.attribute(x, selector, of: halved)
    #expect(identicalBits(alone, try explainer.attribute(x, selector, of: halved, in: context)))
  }

  /// An explanation that may not proceed ends, and what it was at is not finished.
  @Test(arguments: [Method.softPullback, .smoothGrad, .pullbackAscent, .occlusion, .rise]) func ends(
    _ method: Method
  ) throws {
    let network = SmallNetwork.transformer.network
    let calls = Locked(0)
    var context = Context(batchSize: 1)
    let explainer = try method.explainer(OracleTests.settings(.transformer), for: network.graph)
    let selector = Selector.all(.logit(3), images: SmallNetwork.images.shape[0])
    context.proceed = { () throws(PullbackError) in
      let count = calls.withLock { calls in
        calls += 1
        return calls
      }
      if count == 2 { throw PullbackError(.unavailable, "test", "ends here") }
    }
    #expect(throws: PullbackError.self) {
      try explainer.attribute(SmallNetwork.images, selector, of: network, in: context)
    }
    #expect(calls.withLock { $0 } == 2)
  }
}
