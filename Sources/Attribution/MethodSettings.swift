import Pullbacks

/// Every hyper-parameter of every method, as data. Presets are values of this type.
public struct MethodSettings: Sendable {
  // The soft rules.
  /// The temperatures of the soft rules, per kind of operation.
  public var temperatures = Temperatures()
  /// Temperatures of single nodes, over those of their kind.
  public var nodeTemperatures: [String: Float] = [:]
  /// The noise of gates and max pools in units of each channel's own spread, in place of ``temperatures``: an
  /// extension, not in the paper, see `RelativeGate`. By default none.
  public var relativeTemperatures = RelativeTemperatures()
  /// The spreads that ``relativeTemperatures`` are relative to; where one is missing, the image's own values give it.
  public var spreads = Spreads()
  /// The treatment of places outside the plane in the soft max pool.
  public var border: SoftMaxPool.Border = .zeros
  /// Whether the soft rules hold attention matrices constant.
  public var attention: RuleSet.AttentionRule = .frozen

  // The ascents; see ``PullbackAscent``.
  /// The length of a step; nil is the released one, scaled to the image.
  public var alpha: Double?
  /// The number of steps, K.
  public var steps = 5
  /// The steps after which iterates are clipped to `[-1, 1]`.
  public var clipping: PullbackAscent.Clipping = .never
  /// Whether a pullback is divided by its L2 norm.
  public var normalisesStep = true
  /// Whether a step is multiplied by the iterate's L2 norm.
  public var isRelative = false
  /// The radius of the L2 ball that iterates stay in; nil is no ball.
  public var ballRadius: Double?

  /// The double pullback's step.
  public var doubleAlpha = 1.0
  /// The draws and the noise level of SmoothGrad and the smooth pullback.
  public var smoothGrad = NoisyImages(count: 50, deviation: 0.15)
  /// The draws and the noise levels of FusionGrad and the fusion pullback.
  public var fusionGrad = NoisyNetworks(networks: 10, deviation: 0.1, images: 10, imageDeviation: 0.15)
  /// Random places of GradientShap and Pullback SHAP.
  public var gradientShapSamples = 5
  /// Places of integrated gradients and integrated pullbacks, both ends counted.
  public var integratedGradientsPoints = 10
  /// The quadrature weights of these points.
  public var weighting: StraightPath.Weighting = .released
  /// The baseline of GradientShap, integrated gradients, DeepLift and occlusion, and of their pullback twins.
  public var baseline: Baseline = .value(0)
  /// The layer of the class activation maps, which must be named for them: architectures are not known here.
  public var camLayer: String?
  /// The distance by which ``Method/lrpEpsilon`` moves values away from zero; the composites of ``LayerwiseRelevance``
  /// use zennit's.
  public var lrpEpsilon: Float = 1e-9
  /// The number of windows of occlusion that fit side by side.
  public var occlusionDivisor = 14
  /// The number of masks that RISE draws.
  public var riseMasks = 4000
  /// Cells in a row and in a column of a mask's grid.
  public var riseCells = 7
  /// The probability that a cell lets the image through.
  public var riseProbability: Float = 0.5

  /// The values of `paper-v6`.
  public init() {}

  /// The multiple of ``relativeTemperatures`` if it is the same for all gates and max pools; nil for temperatures, and
  /// where kinds differ.
  public var relativeNoise: Float? {
    get { relativeTemperatures.kinds.isEmpty ? relativeTemperatures.others : nil }
    set { relativeTemperatures = RelativeTemperatures(newValue) }
  }

  /// The soft pullback's rules for `graph`, with the temperatures of single nodes put in.
  ///
  /// - Parameter graph: the graph of the network that is to be explained.
  /// - Throws: `PullbackError` if a temperature is named for a node that does not exist or whose rule has none.
  public func softRules(for graph: Graph) throws(PullbackError) -> RuleSet {
    var rules: RuleSet =
      relativeTemperatures.isEmpty
      ? .softPullback(temperatures, border: border, attention: attention)
      : .relativePullback(
        relativeTemperatures, spreads, over: graph, else: temperatures, border: border, attention: attention)
    for (name, temperature) in nodeTemperatures.sorted(by: { $0.key < $1.key }) {
      guard let index = graph.index(of: name) else {
        throw PullbackError(
          .usage, "temperature of \(name)", "\(graph.name) has no node of this name, and it is not a kind of operation",
          advice: "kinds are \(Temperatures.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      guard let kind = Temperatures.Kind(rawValue: graph.nodes[index].operation.kind) else {
        throw PullbackError(
          .usage, "temperature of \(name)", "the rule of a \(graph.nodes[index].operation.kind) has no temperature")
      }
      var own = temperatures
      own[kind] = temperature
      let table = RuleSet.softPullback(own, border: border, attention: attention)
      rules = rules.overriding(.node(name), with: try table.rule(for: graph.nodes[index]))
    }
    return rules
  }

  /// The spreads that the noise of nodes is relative to, in the order of the nodes; none without
  /// ``relativeTemperatures``.
  ///
  /// - Throws: `PullbackError` as ``softRules(for:)`` does.
  public func spreads(in graph: Graph) throws(PullbackError) -> [(node: Graph.Node, spread: Spread)] {
    relativeTemperatures.isEmpty ? [] : try softRules(for: graph).spreads(over: graph)
  }

  /// The settings of the soft rules by name, as records write them.
  public var ofSoftRules: [String: String] {
    var values = ["border": border.rawValue, "attention": attention.rawValue]
    let relative = relativeTemperatures
    if let others = relative.others { values["temperature.relative"] = "\(others)" }
    for (kind, multiple) in relative.kinds { values["temperature.relative.\(kind.rawValue)"] = "\(multiple)" }
    // Attention keeps its temperature beside relative ones for all others; it is worth a line only where it is changed.
    for kind in Temperatures.Kind.allCases
    where relative[kind] == nil && (relative.others == nil || temperatures[kind] != kind.released) {
      values["temperature.\(kind.rawValue)"] = temperatures.text(of: kind)
    }
    for (node, value) in nodeTemperatures { values["temperature.\(node)"] = "\(value)" }
    return values
  }

  /// The layer of the class activation maps.
  ///
  /// - Throws: `PullbackError` if none is named.
  func namedCAMLayer(for graph: Graph) throws(PullbackError) -> String {
    if let camLayer { return camLayer }
    let candidates = graph.nodes.filter { $0.operation is Convolution }.suffix(3).map(\.name)
    throw PullbackError(
      .usage, "class activation map", "expected the name of a layer of \(graph.name), found none",
      advice: candidates.isEmpty
        ? "name a layer of channels of planes as the setting layer"
        : "name one as the setting layer; the last convolutions are \(candidates.joined(separator: ", "))")
  }
}

/// Hyper-parameters that belong together: those of a version of the paper, or those for general use.
public enum Preset: String, Sendable, CaseIterable {
  /// January 2026: ascents are clipped after every step.
  case paperV5 = "paper-v5"
  /// May 2026: attributions by ascent are not clipped.
  case paperV6 = "paper-v6"
  /// ``paperV6``, but for integrated gradients and integrated pullbacks, which take 50 points with normalised weights:
  /// the sum of an attribution then comes near the change that it shares out.
  case general

  /// In those of the paper: temperatures, borders of max pools and the weighting of integrated gradients as released;
  /// attention frozen (as released for PVT; the release does not freeze a ViT's); DeepLift rows are
  /// ``Method/deepLiftReleased``.
  public var settings: MethodSettings {
    var settings = MethodSettings()
    switch self {
    case .paperV5: settings.clipping = .everyStep
    case .paperV6: settings.clipping = .never
    case .general: (settings.integratedGradientsPoints, settings.weighting) = (50, .normalised)
    }
    return settings
  }

  /// The explainers of this version's benchmark, in the order of its tables; of ``general`` those of ``paperV6``.
  public var methods: [Method] {
    let pullbacks: [Method] = [.softPullback, .pullbackAscent, .smoothPullback, .fusionPullback]
    let baselines: [Method] = [
      .gradient, .gradientAscent, .smoothGrad, .fusionGrad, .gradientShap, .integratedGradients, .deepLiftReleased,
      .guidedGradCAM,
    ]
    switch self {
    case .paperV6, .general: return pullbacks + baselines
    case .paperV5:
      return [.softPullback, .doublePullback, .pullbackAscent, .saliency, .inputXGradient] + baselines.dropFirst()
        + [.guidedBackprop, .deconvolution]
    }
  }
}
