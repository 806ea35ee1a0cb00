import Attribution
import Pullbacks
import TestKit
import Testing

/// Explainers against captum and PyTorch in float64 (Tests/Oracles/attribution.py).
@Suite struct OracleTests {
  /// With the oracle's noise, which goes by an image's place.
  static func context(images: Int) -> Context {
    var context = Context(noise: SmallNetwork.noise, batchSize: 5)
    context.keys = Array(0..<images)
    return context
  }

  /// Settings as small as the oracle's.
  static func settings(_ network: SmallNetwork) -> MethodSettings {
    var settings = MethodSettings()
    settings.smoothGrad.count = 6
    settings.fusionGrad = NoisyNetworks(networks: 2, deviation: 0.1, images: 3, imageDeviation: 0.15)
    settings.camLayer = network.layer
    settings.occlusionDivisor = 8
    settings.riseMasks = 12
    return settings
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let key: String
    let method: Method
    var change: @Sendable (inout MethodSettings) -> Void = { _ in }
    var target: @Sendable (Int) -> Target = Target.logit
    var networks = SmallNetwork.allCases
    var testDescription: String { key }
  }

  private static let withReLU: [SmallNetwork] = [.convnet, .residual]

  static let cases: [Case] = [
    // captum.
    Case(key: "gradient", method: .gradient),
    Case(key: "saliency", method: .saliency),
    Case(key: "input-x-gradient", method: .inputXGradient),
    Case(key: "input-x-gradient", method: .deepLiftReleased),
    Case(key: "integrated-gradients", method: .integratedGradients),
    Case(key: "gradient-shap", method: .gradientShap),
    Case(key: "deeplift", method: .deepLift),
    Case(key: "occlusion", method: .occlusion),
    Case(key: "grad-cam", method: .gradCAM),
    Case(key: "guided-backprop", method: .guidedBackprop, networks: withReLU),
    Case(key: "deconvolution", method: .deconvolution, networks: withReLU),
    Case(key: "guided-grad-cam", method: .guidedGradCAM, networks: withReLU),
    Case(key: "lrp-epsilon-1e-09", method: .lrpEpsilon, networks: withReLU),
    Case(key: "lrp-epsilon-0.1", method: .lrpEpsilon, change: { $0.lrpEpsilon = 0.1 }, networks: withReLU),
    // Written from the definitions.
    Case(key: "rise", method: .rise),
    Case(key: "rollout", method: .attentionRollout, networks: [.transformer]),
    Case(key: "soft/guided-cam", method: .guidedPullbackCAM, networks: withReLU),
    Case(key: "soft/border-excluded", method: .softPullback, change: { $0.border = .excluded }),
    Case(key: "soft/double-1", method: .doublePullback),
    Case(key: "soft/double-2", method: .doublePullback, change: { $0.doubleAlpha = 2 }),
  ] + family("gradient", .gradient, .smoothGrad, .fusionGrad, .gradientShap, .integratedGradients, .gradientAscent)
    + family(
      "soft", .softPullback, .smoothPullback, .fusionPullback, .pullbackShap, .integratedPullbacks, .pullbackAscent)

  private static func family(
    _ rules: String, _ once: Method, _ smooth: Method, _ fusion: Method, _ shap: Method, _ integrated: Method,
    _ ascent: Method
  ) -> [Case] {
    [
      Case(key: "\(rules)/once", method: once),
      Case(key: "\(rules)/smooth", method: smooth),
      Case(key: "\(rules)/fusion", method: fusion),
      Case(key: "\(rules)/shap", method: shap),
      Case(key: "\(rules)/integrated-released", method: integrated),
      Case(key: "\(rules)/integrated-normalised", method: integrated, change: { $0.weighting = .normalised }),
      Case(key: "\(rules)/ascent", method: ascent),
      Case(key: "\(rules)/ascent-clip-every-step", method: ascent, change: { $0.clipping = .everyStep }),
      Case(key: "\(rules)/ascent-clip-last-step", method: ascent, change: { $0.clipping = .lastStep }),
      Case(
        key: "\(rules)/ascent-plain", method: ascent,
        change: {
          $0.alpha = 0.3
          $0.steps = 3
          $0.normalisesStep = false
        }),
      Case(
        key: "\(rules)/ascent-relative", method: ascent,
        change: {
          $0.alpha = 0.05
          $0.steps = 3
          $0.isRelative = true
        }),
      Case(
        key: "\(rules)/ascent-ball", method: ascent,
        change: {
          $0.alpha = 1
          $0.steps = 10
          $0.ballRadius = 2.5
        }),
      Case(
        key: "\(rules)/ascent-cross-entropy", method: ascent, change: { $0.alpha = 1 }, target: Target.logProbability),
    ]
  }

  @Test(arguments: cases) func agrees(_ item: Case) throws {
    for small in item.networks {
      var settings = Self.settings(small)
      item.change(&settings)
      let network = small.network
      let explainer = try item.method.explainer(settings, for: network.graph)
      let attribution = try explainer.attribute(
        SmallNetwork.images, Selector([item.target(3), item.target(7)]), of: network, in: Self.context(images: 2))
      expectClose(every(3, of: attribution), try small.expected(item.key), within: 2e-5, "\(small) \(item.key)")
    }
  }

  @Test(arguments: SmallNetwork.allCases) func logits(_ small: SmallNetwork) throws {
    expectClose(every(3, of: try small.network(SmallNetwork.images)), try small.expected("logits"), within: 2e-6)
  }
}
