extension Method {
  /// A method described on one line, which `pullbacks methods` and the documentation print.
  ///
  /// In formulas `nu` is the soft pullback and `g` the gradient of the target at a point, `x'` the baseline, `z` and
  /// `y` a layer's input and output, `v` a cotangent, `a` an activation and `p` a class's probability. Products are
  /// taken place by place.
  public struct Facts: Sendable {
    /// The short name over a column of a figure.
    public let abbreviation: String
    /// The formula, in the letters above.
    public let formula: String
    /// The source of the method.
    public let source: String
    /// A warning for readers who interpret results or compare them with another implementation's.
    public let caveat: String?

    fileprivate init(_ abbreviation: String, _ formula: String, from source: String, caveat: String? = nil) {
      self.abbreviation = abbreviation
      self.formula = formula
      self.source = source
      self.caveat = caveat
    }
  }

  /// The method's line in the table of all methods.
  public var facts: Facts {
    switch self {
    case .softPullback: Facts("SfP", "nu(x) = W(x)^T u, every layer's adjoint softened", from: "the paper, section 3")
    case .doublePullback:
      Facts("DP", "nu(x + alpha nu(x))", from: "the paper, v5", caveat: "the step is not normalised")
    case .pullbackAscent:
      Facts(
        "PA", "x_K - x_0 of x_{k+1} = x_k + alpha nu(x_k) / |nu(x_k)|_2", from: "the paper, section 4",
        caveat: "in units of the image, not of the output per unit of it")
    case .smoothPullback:
      Facts("SmoothPb", "mean of nu(x + e), e ~ N(0, s^2)", from: "SmoothGrad's recipe with the paper's soft rules")
    case .fusionPullback:
      Facts(
        "FusionPb", "mean of nu(x + e; w (1 + d)), e ~ N(0, s^2), d ~ N(0, t^2) for the parameters w",
        from: "FusionGrad's recipe with the paper's soft rules")
    case .pullbackShap:
      Facts(
        "PbShap", "(x - x') mean of nu(x' + r (x - x')), r ~ U(0, 1)",
        from: "GradientShap's recipe with the paper's soft rules")
    case .integratedPullbacks:
      Facts(
        "IPb", "(x - x') sum_k w_k nu(x' + r_k (x - x')), r = 0 ... 1",
        from: "integrated gradients' recipe with the paper's soft rules", caveat: "not complete: nu is no gradient")
    case .pullbackDeepLift:
      Facts(
        "PbDeepLift", "x nu(x)", from: "the paper's released runs",
        caveat: "no DeepLift: in the released runs softened layers escape captum's rules")
    case .guidedPullbackCAM:
      Facts(
        "GP-CAM", "Grad-CAM by nu, times nu with relu(v Phi(z / tau)) at ReLUs",
        from: "Guided Grad-CAM's recipe with the paper's soft rules",
        caveat: "not defined for a pyramid of transformers")
    case .gradient: Facts("Grad", "g(x)", from: "Simonyan et al. 2014, arXiv 1312.6034")
    case .saliency: Facts("Saliency", "|g(x)|", from: "Simonyan et al. 2014, arXiv 1312.6034", caveat: "unsigned")
    case .inputXGradient: Facts("InputXGrad", "x g(x)", from: "Shrikumar et al. 2016, arXiv 1605.01713")
    case .gradientAscent:
      Facts(
        "GA", "x_K - x_0 of x_{k+1} = x_k + alpha g(x_k) / |g(x_k)|_2", from: "the paper's ascent with the gradient",
        caveat: "in units of the image, not of the output per unit of it")
    case .smoothGrad:
      Facts("SmoothG", "mean of g(x + e), e ~ N(0, s^2)", from: "Smilkov et al. 2017, arXiv 1706.03825")
    case .fusionGrad:
      Facts(
        "FusionG", "mean of g(x + e; w (1 + d)), e ~ N(0, s^2), d ~ N(0, t^2) for the parameters w",
        from: "Bykov et al. 2022, arXiv 2106.10185", caveat: "running statistics are not perturbed")
    case .gradientShap:
      Facts(
        "GradShap", "(x - x') mean of g(x' + r (x - x')), r ~ U(0, 1)", from: "Lundberg & Lee 2017, arXiv 1705.07874",
        caveat: "without captum's noise on the image; complete in the mean only")
    case .integratedGradients:
      Facts(
        "IG", "(x - x') sum_k w_k g(x' + r_k (x - x')), r = 0 ... 1",
        from: "Sundararajan et al. 2017, arXiv 1703.01365",
        caveat: "complete with ig.weighting normalised; the released weights sum to 1 - 1 / points")
    case .deepLift:
      Facts(
        "DeepLift", "(x - x') times multipliers, v (y - y') / (z - z') at activations",
        from: "Shrikumar et al. 2017, arXiv 1704.02685",
        caveat: "complete in networks of ReLU, ReLU6 and max pooling; GELU, SiLU and attention pass the gradient")
    case .deepLiftReleased:
      Facts(
        "DeepLift", "x g(x)", from: "the paper's released runs",
        caveat: "no DeepLift: in the released runs softened layers escape captum's rules")
    case .guidedBackprop:
      Facts(
        "GuidedBP", "g(x) with relu(v) [z > 0] at ReLUs", from: "Springenberg et al. 2015, arXiv 1412.6806",
        caveat: "ReLU6 as a ReLU; other activations pass the gradient")
    case .deconvolution:
      Facts(
        "Deconv", "g(x) with relu(v) at ReLUs", from: "Zeiler & Fergus 2014, arXiv 1311.2901",
        caveat: "ReLU6 as a ReLU; other activations pass the gradient")
    case .gradCAM:
      Facts(
        "Grad-CAM", "relu(sum_c mean(g_c) a_c) of a layer's channels c",
        from: "Selvaraju et al. 2017, arXiv 1610.02391",
        caveat: "enlarged by nearest neighbours; not defined for a pyramid of transformers")
    case .guidedGradCAM:
      Facts(
        "GG-CAM", "Grad-CAM times guided backpropagation", from: "Selvaraju et al. 2017, arXiv 1610.02391",
        caveat: "not defined for a pyramid of transformers")
    case .lrpEpsilon:
      Facts(
        "LRP", "x times the gradient with J^T (v y / (y + epsilon sign y)) at layers that sum",
        from: "Bach et al. 2015, doi 10.1371/journal.pone.0130140", caveat: "attention and GELU pass the gradient")
    case .lrpEpsilonPlus:
      Facts(
        "LRP-Plus", "relevance, shared at convolutions by W+ z+ + W- z- + b+, at linear layers by W z + b",
        from: Self.composites, caveat: Self.relevanceCaveat)
    case .lrpEpsilonPlusFlat:
      Facts(
        "LRP-PlusFlat", "lrp-epsilon-plus with equal shares for all inputs of the first layer",
        from: Self.composites, caveat: Self.relevanceCaveat)
    case .lrpEpsilonGammaBox:
      Facts(
        "LRP-GammaBox",
        "relevance, shared at convolutions by (W + W+ / 4) z + b + b+ / 4, at the first by W z - W+ l - W- h, at "
          + "linear layers by W z + b",
        from: Self.composites, caveat: Self.relevanceCaveat)
    case .lrpEpsilonAlpha2Beta1:
      Facts(
        "LRP-A2B1", "relevance, shared at convolutions by W+ z+ + W- z- + b+ twice less once by W- z+ + W+ z- + b-",
        from: Self.composites, caveat: Self.relevanceCaveat)
    case .lrpEpsilonAlpha2Beta1Flat:
      Facts(
        "LRP-A2B1Flat", "lrp-epsilon-alpha2-beta1 with equal shares for all inputs of the first layer",
        from: Self.composites, caveat: Self.relevanceCaveat)
    case .occlusion:
      Facts(
        "Occlusion", "mean of f(x) - f(x with a window of x') over the windows at a place",
        from: "Zeiler & Fergus 2014, arXiv 1311.2901", caveat: "one value for all channels")
    case .rise:
      Facts(
        "RISE", "sum_k p(m_k x) m_k / (K P[m = 1])", from: "Petsiuk et al. 2018, arXiv 1806.07421",
        caveat: "never negative; the same masks for all images")
    case .attentionRollout:
      Facts(
        "Rollout", "class token's row of A_L ... A_1, A = (mean head + I) / 2",
        from: "Abnar & Zuidema 2020, arXiv 2005.00928",
        caveat: "vision transformers only; explains no class in particular")
    }
  }

  private static let composites =
    "Bach et al. 2015, doi 10.1371/journal.pone.0130140; Montavon et al. 2019, doi 10.1007/978-3-030-28954-6_10; "
    + "constants of zennit, Anders et al. 2021, arXiv 2106.13200"

  private static let relevanceCaveat =
    "in units of the output; batch norms are folded; layer norm, attention and "
    + "products pass the gradient"
}
