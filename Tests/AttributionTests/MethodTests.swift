import Attribution
import Kernels
import Pullbacks
import TestKit
import Testing

/// What holds for every method of the table, on every network it is defined for.
@Suite(.serialized) struct MethodTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let method: Method
    let small: SmallNetwork
    var testDescription: String { "\(method.rawValue) of \(small)" }

    func explainer() throws -> any Explainer {
      var settings = OracleTests.settings(small)
      settings.riseMasks = 30
      return try method.explainer(settings, for: small.network.graph)
    }

    func attribution(_ x: Tensor = SmallNetwork.images, _ context: Context = Context()) throws -> Tensor {
      try explainer().attribute(x, Selector.all(.logit(3), images: x.shape[0]), of: small.network, in: context)
    }
  }

  static let cases = Method.allCases.flatMap { method in
    SmallNetwork.allCases.filter { method != .attentionRollout || $0 == .transformer }
      .map { Case(method: method, small: $0) }
  }

  @Test(arguments: cases) func isFiniteAndOfTheImagesShape(_ item: Case) throws {
    let attribution = try item.attribution()
    #expect(attribution.shape == SmallNetwork.images.shape)
    #expect(attribution.scalars.allSatisfy { $0.isFinite })
    #expect(attribution.scalars.contains { $0 != 0 })
  }

  @Test(arguments: cases) func seedDecidesAndNothingElse(_ item: Case) throws {
    let first = try item.attribution()
    #expect(identicalBits(first, try item.attribution()))
    let other = try item.attribution(SmallNetwork.images, Context(noise: .streams(seed: 315)))
    #expect(identicalBits(first, other) == !item.method.isRandom)
  }

  /// Three images at once, in batches of any size, and one by one.
  @Test(arguments: cases) func batchEqualsSingles(_ item: Case) throws {
    let x = Tensor(batching: (0..<3).map { Formula.image("image\($0)", [1, 3, 16, 16]) })
    let together = try item.attribution(x, Context(batchSize: 7))
    #expect(identicalBits(together, try item.attribution(x, Context(batchSize: 2))))
    for image in 0..<3 {
      #expect(identicalBits(together.image(image), try item.attribution(x.image(image))))
    }
  }

  @Test(arguments: cases) func threadsDoNotMatter(_ item: Case) throws {
    let many = try item.attribution()
    Parallel.threads = 1
    defer { Parallel.threads = 0 }
    #expect(identicalBits(many, try item.attribution()))
  }

  @Test(arguments: cases) func costIsWhatIsRun(_ item: Case) throws {
    let counted = Locked(Cost(forward: 0, backward: 0))
    let context = Context(report: { cost in counted.withLock { $0 = $0 + cost } })
    _ = try item.attribution(SmallNetwork.images.image(0), context)
    #expect(counted.withLock { $0 } == (try item.explainer().cost(for: item.small.network.graph)))
  }

  /// Several targets at once are the same as each alone.
  @Test(arguments: cases) func targetsTogetherAndAlone(_ item: Case) throws {
    let selectors = [3, 7].map { Selector.all(.logit($0), images: 2) }
    let together = try item.explainer().attribute(SmallNetwork.images, selectors, of: item.small.network)
    for (selector, attribution) in zip(selectors, together) {
      let alone = try item.explainer().attribute(SmallNetwork.images, selector, of: item.small.network)
      #expect(identicalBits(attribution, alone))
    }
  }

  /// A network whose output does not depend on the image: maps of zeros, and no NaN from dividing by their norms.
  @Test(arguments: cases) func mapsOfZerosStayZero(_ item: Case) throws {
    let network = item.small.network
    var parameters = network.parameters
    parameters["fc.weight"] = Tensor(shape: parameters["fc.weight"]!.shape)
    let blind = try Network(network.graph, parameters: parameters)
    let attribution = try item.explainer().attribute(SmallNetwork.images, SmallNetwork.selector, of: blind)
    #expect(attribution.scalars.allSatisfy { $0.isFinite })
    // RISE and rollout do not look at differences of outputs.
    if item.method != .rise && item.method != .attentionRollout {
      #expect(attribution.scalars.allSatisfy { $0 == 0 })
    }
  }

  /// A NaN in one image of a batch is no crash, and leaves the others' attributions as they are.
  @Test(arguments: cases) func aBrokenImageSpoilsOnlyItself(_ item: Case) throws {
    let images = (0..<2).map { SmallNetwork.images.image($0) }
    let broken = Tensor(shape: images[1].shape, [.nan] + images[1].scalars.dropFirst())
    let together = try item.attribution(Tensor(batching: [images[0], broken]))
    #expect(identicalBits(together.image(0), try item.attribution(images[0])))
    #expect(together.image(0).scalars.allSatisfy { $0.isFinite })
  }

  /// What `pullbacks methods` and the documentation print of each is there, on one line, and tells columns apart.
  @Test func theTableIsComplete() {
    for method in Method.allCases {
      let facts = method.facts
      for text in [facts.abbreviation, facts.formula, facts.source, facts.caveat ?? "none"] {
        #expect(!text.isEmpty && !text.contains { $0.isNewline || $0 == "\t" }, "\(method.rawValue)")
      }
    }
    for preset in Preset.allCases {
      #expect(Set(preset.methods.map(\.abbreviation)).count == preset.methods.count)
    }
    #expect(Set(Method.allCases.map(\.abbreviation)).count == Method.allCases.count - 1, "DeepLift has two forms")
  }

  /// Every hyper-parameter takes the text it is written as, and no other kind of text.
  @Test(arguments: Setting.all.map(\.name)) func settingsAreReadAsWritten(_ name: String) throws {
    let setting = try #require(Setting.all.first { $0.name == name })
    for preset in Preset.allCases {
      var settings = MethodSettings()
      try settings.set(name, to: setting.read(preset.settings))
      #expect(setting.read(settings) == setting.read(preset.settings))
    }
    let anyText = name == "layer"
    for text in [""] + (anyText ? [] : ["nonsense", "nan", "inf"]) {
      var settings = MethodSettings()
      #expect(throws: PullbackError.self, "\(name)=\(text)") { try settings.set(name, to: text) }
    }
  }

  @Test func settingsReachTheirPlace() throws {
    var settings = MethodSettings()
    for (name, text) in [
      ("temperature.relu", "0.25"), ("ascent.alpha", "3"), ("ascent.ball", "2.5"), ("ascent.normalise", "no"),
      ("fusion.draws", "4"), ("rise.probability", "1"), ("baseline", "-1"), ("border", "excluded"),
    ] { try settings.set(name, to: text) }
    #expect(settings.temperatures[.relu] == 0.25 && settings.temperatures[.relu6] == 0.6)
    #expect(settings.alpha == 3 && settings.ballRadius == 2.5 && !settings.normalisesStep)
    #expect(settings.fusionGrad.images.count == 4 && settings.riseProbability == 1 && settings.border == .excluded)
    try settings.set("ascent.alpha", to: "auto")
    #expect(settings.alpha == nil)
    for (name, text) in [
      ("ascent.alpha", "0"), ("ascent.ball", "-1"), ("ig.points", "1"), ("rise.probability", "1.5"),
      ("rise.cells", "1001"), ("smooth.draws", "2.5"), ("ascent.clip", "sometimes"), ("nothing", "1"),
    ] { #expect(throws: PullbackError.self, "\(name)=\(text)") { try settings.set(name, to: text) } }
  }

  @Test func twinsShareTheirRecipe() throws {
    for method in Method.allCases {
      guard let twin = method.gradientTwin else { continue }
      #expect(method.usesSoftRules && !twin.usesSoftRules && method.isRandom == twin.isRandom)
    }
    // A network without activations is linear: there a method and its twin agree.
    let graph = try Graph("linear", input: [3, 8, 8]) { $0.convolution("conv", 4, kernel: 3).flatten().linear("fc", 5) }
    let network = try Formula.network(graph)
    var settings = MethodSettings()
    settings.camLayer = "conv"
    let x = Formula.image("image0", [1, 3, 8, 8])
    for method in Method.allCases {
      guard let twin = method.gradientTwin else { continue }
      let maps = try [method, twin].map {
        try $0.explainer(settings, for: graph).attribute(x, .classes([2]), of: network)
      }
      #expect(identicalBits(maps[0], maps[1]), "\(method.rawValue)")
    }
  }

  @Test func presetsHoldThePublishedNumbers() throws {
    let (v5, v6) = (Preset.paperV5.settings, Preset.paperV6.settings)
    #expect(v5.clipping == .everyStep && v6.clipping == .never)
    for settings in [v5, v6] {
      #expect(settings.alpha == nil && PullbackAscent.releasedAlpha == 20 && settings.steps == 5)
      #expect(settings.smoothGrad.count == 50 && settings.smoothGrad.deviation == 0.15)
      #expect(settings.fusionGrad.rounds == 10 && settings.fusionGrad.deviation == 0.1)
      #expect(settings.fusionGrad.images.count == 10 && settings.fusionGrad.images.deviation == 0.15)
      #expect(settings.gradientShapSamples == 5 && settings.integratedGradientsPoints == 10)
      #expect(settings.weighting == .released && settings.border == .zeros && settings.attention == .frozen)
      #expect(settings.riseMasks == 4000 && settings.riseCells == 7 && settings.riseProbability == 0.5)
    }
    let general = Preset.general.settings
    #expect(general.integratedGradientsPoints == 50 && general.weighting == .normalised && general.clipping == .never)
    #expect(Preset.paperV6.methods.count == 12 && Set(Preset.paperV6.methods).count == 12)
    #expect(Preset.paperV6.methods.contains(.deepLiftReleased) && !Preset.paperV6.methods.contains(.deepLift))
  }
}
