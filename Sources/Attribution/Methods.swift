import Pullbacks

/// Every explainer by name: the one table behind command line, figures and tests.
public enum Method: String, Sendable, CaseIterable {
  /// `nu(x)`: see ``PullbackAverage`` at ``TheImage`` with the soft rules.
  case softPullback = "soft-pullback"
  /// `nu(x + alpha nu(x))`: see ``DoublePullback``.
  case doublePullback = "double-pullback"
  /// Some steps along `nu`: see ``PullbackAscent``.
  case pullbackAscent = "pullback-ascent"
  /// The mean of `nu` over noisy images: see ``NoisyImages``.
  case smoothPullback = "smooth-pullback"
  /// The mean of `nu` over noisy networks and images: see ``NoisyNetworks``.
  case fusionPullback = "fusion-pullback"
  /// `nu` at random places of the way from the baseline, times `x`: see ``RandomPath``.
  case pullbackShap = "pullback-shap"
  /// `nu` along the way from the baseline, times `x`: see ``StraightPath``.
  case integratedPullbacks = "integrated-pullbacks"
  /// `x nu(x)`, which the paper calls Pullback DeepLift.
  case pullbackDeepLift = "pullback-deeplift"
  /// The guided pullback times the class activation map: see ``ClassActivationMap``.
  case guidedPullbackCAM = "guided-pullback-cam"
  /// The gradient of the target, signed.
  case gradient
  /// Its absolute value.
  case saliency
  /// The image times the gradient.
  case inputXGradient = "input-x-gradient"
  /// ``PullbackAscent`` along the gradient.
  case gradientAscent = "gradient-ascent"
  /// The mean gradient over ``NoisyImages``.
  case smoothGrad = "smoothgrad"
  /// The mean gradient over ``NoisyNetworks``.
  case fusionGrad = "fusiongrad"
  /// Gradients on a ``RandomPath``, times the distance from the baseline.
  case gradientShap = "gradient-shap"
  /// Gradients on a ``StraightPath``, times the distance from the baseline.
  case integratedGradients = "integrated-gradients"
  /// The rescale rule, which the released runs do not compute.
  case deepLift = "deeplift"
  /// Input times gradient. The paper's DeepLift rows are this, because captum's rules miss the softened layers of the
  /// released runs.
  case deepLiftReleased = "deeplift-released"
  /// The gradient, its negative part dropped at every ReLU: see `Rectified`.
  case guidedBackprop = "guided-backprop"
  /// The cotangent's positive part at every ReLU, whatever its gate: see `Rectified`.
  case deconvolution
  /// ``ClassActivationMap`` by the gradient.
  case gradCAM = "grad-cam"
  /// Guided backpropagation times the class activation map.
  case guidedGradCAM = "guided-grad-cam"
  /// Layer-wise relevance propagation by the `EpsilonRule`, times the image.
  case lrpEpsilon = "lrp-epsilon"
  /// ``LayerwiseRelevance``: the z+ rule at convolutions, the epsilon rule at linear layers.
  case lrpEpsilonPlus = "lrp-epsilon-plus"
  /// The same, with the flat rule at the first layer.
  case lrpEpsilonPlusFlat = "lrp-epsilon-plus-flat"
  /// ``LayerwiseRelevance``: the gamma rule at convolutions, at the first the box rule for pictures.
  case lrpEpsilonGammaBox = "lrp-epsilon-gamma-box"
  /// ``LayerwiseRelevance``: the alpha-beta rule at convolutions.
  case lrpEpsilonAlpha2Beta1 = "lrp-epsilon-alpha2-beta1"
  /// The same, with the flat rule at the first layer.
  case lrpEpsilonAlpha2Beta1Flat = "lrp-epsilon-alpha2-beta1-flat"
  /// See ``Occlusion``.
  case occlusion
  /// See ``RISE``.
  case rise
  /// See ``AttentionRollout``.
  case attentionRollout = "attention-rollout"

  /// The short name over a column of a figure.
  public var abbreviation: String { facts.abbreviation }

  /// Whether the result depends on a seed.
  public var isRandom: Bool {
    [.smoothGrad, .smoothPullback, .fusionGrad, .fusionPullback, .gradientShap, .pullbackShap, .rise].contains(self)
  }

  /// Whether the soft rules, and so the temperatures, matter to it.
  public var usesSoftRules: Bool {
    [
      .softPullback, .doublePullback, .pullbackAscent, .smoothPullback, .fusionPullback, .pullbackShap,
      .integratedPullbacks, .pullbackDeepLift, .guidedPullbackCAM,
    ].contains(self)
  }

  /// The note in figures and reports if the method uses temperatures that are not the paper's; else nil.
  public func extensionNote(_ settings: MethodSettings) -> String? {
    guard usesSoftRules, let multiples = settings.relativeTemperatures.inWords else { return nil }
    return "temperatures relative to each channel's spread, \(multiples), an extension that is not in the paper"
  }

  /// The same recipe with the gradient's rules in place of the soft rules.
  public var gradientTwin: Method? {
    switch self {
    case .softPullback: .gradient
    case .pullbackAscent: .gradientAscent
    case .smoothPullback: .smoothGrad
    case .fusionPullback: .fusionGrad
    case .pullbackShap: .gradientShap
    case .integratedPullbacks: .integratedGradients
    case .pullbackDeepLift: .deepLiftReleased
    case .guidedPullbackCAM: .guidedGradCAM
    default: nil
    }
  }

  /// The composite of layer-wise relevance propagation that this method is; nil for others.
  public var composite: LayerwiseRelevance.Composite? {
    switch self {
    case .lrpEpsilonPlus: .epsilonPlus
    case .lrpEpsilonPlusFlat: .epsilonPlusFlat
    case .lrpEpsilonGammaBox: .epsilonGammaBox
    case .lrpEpsilonAlpha2Beta1: .epsilonAlpha2Beta1
    case .lrpEpsilonAlpha2Beta1Flat: .epsilonAlpha2Beta1Flat
    default: nil
    }
  }

  /// The explainer of this method.
  ///
  /// - Parameters:
  ///   - settings: the hyper-parameters; those of other methods do not matter.
  ///   - graph: the network that is to be explained.
  /// - Throws: `PullbackError` if a setting does not fit the graph, or the method is not defined for it or its inputs.
  public func explainer(
    _ settings: MethodSettings = MethodSettings(), for graph: Graph
  ) throws(PullbackError) -> any Explainer {
    let explainer = try unchecked(settings, for: graph)
    try explainer.requirement.check(graph.inputShape, for: rawValue)
    return explainer
  }

  private func unchecked(_ settings: MethodSettings, for graph: Graph) throws(PullbackError) -> any Explainer {
    let rules = usesSoftRules ? try settings.softRules(for: graph) : .gradient
    func average(_ points: any Points, from baseline: Baseline? = nil) -> PullbackAverage {
      PullbackAverage(rules, at: points, name: rawValue, multipliedFrom: baseline)
    }
    func rectified(_ rules: RuleSet) -> PullbackAverage { PullbackAverage(rules, name: rawValue) }
    switch self {
    case .softPullback, .gradient: return average(TheImage())
    case .doublePullback: return DoublePullback(rules, name: rawValue, alpha: settings.doubleAlpha)
    case .pullbackAscent, .gradientAscent:
      return PullbackAscent(
        rules, name: rawValue, alpha: settings.alpha, steps: settings.steps, clipping: settings.clipping,
        normalisesStep: settings.normalisesStep, isRelative: settings.isRelative, ballRadius: settings.ballRadius)
    case .saliency: return Decorated(average(TheImage()), .magnitude, name: rawValue)
    case .inputXGradient, .deepLiftReleased, .pullbackDeepLift:
      return Decorated(average(TheImage()), .timesInput, name: rawValue)
    case .smoothGrad, .smoothPullback: return average(settings.smoothGrad)
    case .fusionGrad, .fusionPullback: return average(settings.fusionGrad)
    case .gradientShap, .pullbackShap:
      return average(
        RandomPath(count: settings.gradientShapSamples, baseline: settings.baseline), from: settings.baseline)
    case .integratedGradients, .integratedPullbacks:
      let path = StraightPath(
        count: settings.integratedGradientsPoints, weighting: settings.weighting, baseline: settings.baseline)
      return average(path, from: settings.baseline)
    case .deepLift: return DeepLift(name: rawValue, baseline: settings.baseline)
    case .guidedBackprop: return rectified(.guidedBackprop)
    case .deconvolution: return rectified(.deconvolution)
    case .gradCAM: return ClassActivationMap(rules, layer: try settings.namedCAMLayer(for: graph), name: rawValue)
    case .guidedGradCAM:
      return ClassActivationMap(
        rules, guided: .guidedBackprop, layer: try settings.namedCAMLayer(for: graph), name: rawValue)
    case .guidedPullbackCAM:
      return ClassActivationMap(
        rules, guided: try rules.guided(over: graph), layer: try settings.namedCAMLayer(for: graph), name: rawValue)
    case .lrpEpsilon:
      return Decorated(rectified(.lrpEpsilon(settings.lrpEpsilon)), .timesInput, name: rawValue)
    case .lrpEpsilonPlus, .lrpEpsilonPlusFlat, .lrpEpsilonGammaBox, .lrpEpsilonAlpha2Beta1, .lrpEpsilonAlpha2Beta1Flat:
      let explainer = LayerwiseRelevance(composite!, name: rawValue)
      try explainer.check(graph)
      return explainer
    case .occlusion: return Occlusion(name: rawValue, divisor: settings.occlusionDivisor, baseline: settings.baseline)
    case .rise:
      return RISE(
        name: rawValue, masks: settings.riseMasks, cells: settings.riseCells, probability: settings.riseProbability)
    case .attentionRollout:
      _ = try AttentionRollout.layers(of: graph)
      return AttentionRollout(name: rawValue)
    }
  }
}
