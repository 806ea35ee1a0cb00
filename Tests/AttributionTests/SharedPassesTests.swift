import Attribution
import Kernels
import Networks
import Pullbacks
import TestKit
import Testing

/// That explainers at work together run no pass twice, and come to the same bytes as each by itself.
@Suite struct SharedPassesTests {
  /// Every method that is defined for a network, with settings that tests can afford.
  static func explainers(_ methods: [Method] = Method.allCases, for small: SmallNetwork) throws -> [any Explainer] {
    let methods = methods.filter { $0 != .attentionRollout || small == .transformer }
    return try methods.map { try $0.explainer(OracleTests.settings(small), for: small.network.graph) }
  }

  private static let selectors = [
    Selector.classes([3, 7]), .classes([1, 1]), Selector([.logProbability(0), .contrast(2, 5)]),
  ]

  @Test(arguments: SmallNetwork.allCases, [1, 3, 8]) func bytesAreThoseOfEachAlone(
    _ small: SmallNetwork, _ batchSize: Int
  ) throws {
    let explainers = try Self.explainers(for: small)
    #expect(explainers.count == (small == .transformer ? 32 : 31))
    let context = Context(batchSize: batchSize)
    let together = try explainers.attributeAll(SmallNetwork.images, Self.selectors, of: small.network, in: context)
    for (explainer, maps) in zip(explainers, together) {
      for (selector, map) in zip(Self.selectors, maps) {
        let alone = try explainer.attribute(SmallNetwork.images, selector, of: small.network)
        #expect(identicalBits(map, alone), "\(explainer.name)")
      }
    }
  }

  /// The output is the network's own, and what is explained may depend on it.
  @Test(arguments: SmallNetwork.allCases) func selectorsMayDependOnTheOutput(_ small: SmallNetwork) throws {
    let explainers = try Self.explainers(for: small)
    let x = Tensor(batching: (0..<3).map { Formula.image("image\($0)", [1, 3, 16, 16]) })
    let output = try small.network(x)
    let top = (0..<3).map { Prediction.ranking(output.image($0).scalars)[0].target }
    for batchSize in [2, 8] {
      var seen: [Range<Int>] = []
      let found = try explainers.explain(x, of: small.network, in: Context(batchSize: batchSize)) { output, images in
        seen.append(images)
        let rankings = (0..<images.count).map { Prediction.ranking(output.image($0).scalars) }
        return [.classes(rankings.map { $0[0].target })]
      }
      #expect(seen == (batchSize == 2 ? [0..<2, 2..<3] : [0..<3]))
      #expect(identicalBits(found.output, output) && found.selectors == [.classes(top)])
      let known = try explainers.attributeAll(x, [.classes(top)], of: small.network)
      for (maps, expected) in zip(found.maps, known) { #expect(identicalBits(maps[0], expected[0])) }
    }
  }

  static let atTheImage: [Method] = [
    .softPullback, .gradient, .saliency, .inputXGradient, .deepLiftReleased, .guidedBackprop, .gradCAM, .guidedGradCAM,
    .lrpEpsilon,
  ]

  private func passes(
    _ methods: [Method], of network: Network, _ settings: MethodSettings, selectors: Int = 1
  ) throws -> Cost {
    let counted = Locked(Cost(forward: 0, backward: 0))
    let context = Context(report: { cost in counted.withLock { $0 = $0 + cost } })
    let x = Formula.image("image0", [1] + network.graph.inputShape)
    let explainers = try methods.map { try $0.explainer(settings, for: network.graph) }
    let found = try explainers.explain(x, of: network, in: context) { _, _ in (0..<selectors).map { .classes([$0]) } }
    #expect(identicalBits(found.output, try network(x)))
    return counted.withLock { $0 }
  }

  /// Nine explainers and the logits: one forward pass, and a backward pass for each of four rule tables.
  @Test(arguments: SmallNetwork.allCases) func oneForwardPassOfASmallNetwork(_ small: SmallNetwork) throws {
    let settings = OracleTests.settings(small)
    #expect(try passes(Self.atTheImage, of: small.network, settings) == Cost(forward: 1, backward: 4))
    #expect(try passes(Self.atTheImage, of: small.network, settings, selectors: 3) == Cost(forward: 1, backward: 12))
    #expect(try passes([], of: small.network, settings) == Cost(forward: 1, backward: 0))
  }

  @Test func oneForwardPassOfANetworkOfScenes() throws {
    let scenes = SceneNetwork.resnet
    let network = try Network(scenes.architecture, checkpoint: scenes.checkpoint())
    var settings = MethodSettings()
    settings.camLayer = try #require(network.graph.nodes.last { $0.operation is Convolution }).name
    #expect(try passes(Self.atTheImage, of: network, settings) == Cost(forward: 1, backward: 4))
    // Steps beyond the first are each ascent's own, and so is DeepLift's pass at the baseline.
    let more: [Method] = [.doublePullback, .pullbackAscent, .gradientAscent, .deepLift]
    #expect(
      try passes(Self.atTheImage + more, of: network, settings)
        == Cost(forward: 1 + 1 + 4 + 4 + 1, backward: 4 + 1 + 4 + 4 + 1))
  }

  @Test func equalPointsAreShared() throws {
    func groups(_ points: [any Points]) -> [[Int]] {
      points.map { PullbackAverage(.gradient, at: $0, name: "mean") as any Explainer }.sharing
    }
    let image = Formula.image("baseline", [1, 3, 16, 16])
    #expect(groups([TheImage(), NoisyImages(count: 3, deviation: 0.1), TheImage()]) == [[0, 2], [1]])
    #expect(groups([NoisyImages(count: 3, deviation: 0.1), NoisyImages(count: 3, deviation: 0.2)]) == [[0], [1]])
    #expect(groups([NoisyImages(count: 3, deviation: 0.1), NoisyImages(count: 3, deviation: 0.1)]) == [[0, 1]])
    #expect(groups([RandomPath(count: 3), StraightPath(count: 3, weighting: .released)]) == [[0], [1]])
    #expect(
      groups([
        RandomPath(count: 3, baseline: .image(image)), RandomPath(count: 3, baseline: .image(Float(1) * image)),
        RandomPath(count: 3, baseline: .image(Float(0.5) * image)), RandomPath(count: 3),
      ]) == [[0, 1], [2], [3]])
    // Masks that all images share are drawn for all of them together.
    let masked: [any Explainer] = [PullbackAverage(.gradient, name: "gradient"), RISE(name: "rise")]
    #expect(masked.sharing == [[0], [1]])
  }

  /// A layer that does not depend on the images has one value for all of them, and no cotangent reaches it: its map is
  /// zero, in a batch as alone.
  @Test func layerWithoutImages() throws {
    let graph = try Graph("table", input: [2, 4, 4]) { x in
      x.adding(x.parameter("table", [2, 4, 4]).apply(Identity(), "copy")).convolution("conv", 3, kernel: 3).flatten()
        .linear("fc", 2)
    }
    let network = try Formula.network(graph)
    let images = Formula.image("images", [3, 2, 4, 4])
    let explainer = ClassActivationMap(.gradient, layer: "copy", name: "map")
    let together = try explainer.attribute(images, .all(.combination([0: -1]), images: 3), of: network)
    #expect(together.shape == images.shape && together.imageNorms.allSatisfy { $0 == 0 })
    for image in 0..<3 {
      let alone = try explainer.attribute(images.image(image), .all(.combination([0: -1]), images: 1), of: network)
      #expect(identicalBits(together.image(image), alone))
    }
  }

  @Test(arguments: Method.allCases) func randomNumbersAreDeclared(_ method: Method) throws {
    guard let explainer = try Self.explainers([method], for: .transformer).first else { return }
    #expect((explainer.randomNumbers == .none) == !method.isRandom)
  }
}
