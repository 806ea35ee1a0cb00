// Composites of layer-wise relevance propagation: which rule stands at which layer.

extension RuleSet {
  /// The z+ rule at convolutions, the epsilon rule at linear layers.
  ///
  /// Tables of this family take and give relevance: start from one at the target, and stop at the input of the first
  /// layer with parameters, by ``Trace/pullback(_:by:from:to:)``. Batch norms should be folded first, by
  /// ``Network/mergingBatchNorms()``; batch norms that remain hand relevance on unchanged.
  ///
  /// Activations hand relevance on, sums and average pooling share it among their summands. All other operations pull
  /// back by their gradient, which moves relevance: max pooling gives it to the first largest element of a window.
  /// Layer norm, softmax, attention and products do more than move it, and relevance is not conserved there.
  ///
  /// Sources: zennit's composites and their constants (Anders et al. 2021, arXiv 2106.13200), after Montavon et al.
  /// 2019 (doi 10.1007/978-3-030-28954-6_10). Every gate counts as an activation, Mish too, which zennit leaves out.
  public static let epsilonPlus = composite("lrp-epsilon-plus", convolutions: .zPlus())

  /// ``epsilonPlus`` with the flat rule at the first convolution or linear layer.
  ///
  /// - Throws: `PullbackError` if `graph` has none.
  public static func epsilonPlusFlat(for graph: Graph) throws(PullbackError) -> RuleSet {
    try composite("lrp-epsilon-plus-flat", convolutions: .zPlus())
      .placing(.flat(), atFirst: ["conv", "linear"], of: graph)
  }

  /// The gamma rule at convolutions, gamma 0.25, the box rule at the first one, the epsilon rule at linear layers; see
  /// ``epsilonPlus``.
  ///
  /// - Parameters:
  ///   - low: the least value of the first convolution's input, or each channel's.
  ///   - high: the largest value of the first convolution's input, or each channel's.
  ///   - graph: the network that will be explained.
  /// - Throws: `PullbackError` if `graph` has no convolution, or another number of channels comes into the first.
  public static func epsilonGammaBox(
    low: [Float], high: [Float], for graph: Graph
  ) throws(PullbackError) -> RuleSet {
    let table = composite("lrp-epsilon-gamma-box", convolutions: .gamma(0.25))
    let first = try graph.first(["conv"])
    let channels = graph.nodes[first.inputs[0]].shape[0]
    for bound in [low, high] where bound.count != 1 && bound.count != channels {
      throw PullbackError(
        .usage, "box of \(first.name)",
        "expected one bound, or one for each of \(channels) channels, found \(bound.count)")
    }
    return table.overriding(.node(first.name), with: RelevanceRule.box(low: low, high: high))
  }

  /// The alpha-beta rule at convolutions, alpha 2 and beta 1, the epsilon rule at linear layers; see ``epsilonPlus``.
  public static let epsilonAlpha2Beta1 = composite(
    "lrp-epsilon-alpha2-beta1", convolutions: .alphaBeta(alpha: 2, beta: 1))

  /// ``epsilonAlpha2Beta1`` with the flat rule at the first convolution or linear layer.
  ///
  /// - Throws: `PullbackError` if `graph` has none.
  public static func epsilonAlpha2Beta1Flat(for graph: Graph) throws(PullbackError) -> RuleSet {
    try composite("lrp-epsilon-alpha2-beta1-flat", convolutions: .alphaBeta(alpha: 2, beta: 1))
      .placing(.flat(), atFirst: ["conv", "linear"], of: graph)
  }

  private static func composite(_ name: String, convolutions: RelevanceRule) -> RuleSet {
    let activations = ["sigmoid", "hardsigmoid", "tanh"].map { (Pattern.kind($0), PassThrough() as any Rule) }
    return RuleSet(
      name,
      [
        (.kind("conv"), convolutions), (.kind("linear"), RelevanceRule.epsilon()),
        (.kind("add"), RelevanceRule.norm()), (.kind("avgpool"), RelevanceRule.norm()),
        (.kind("batchnorm"), PassThrough()), (.character(.gate), PassThrough()),
      ] + activations + [(.any, Gradient())])
  }

  private func placing(
    _ rule: RelevanceRule, atFirst kinds: Set<String>, of graph: Graph
  ) throws(PullbackError) -> RuleSet {
    overriding(.node(try graph.first(kinds).name), with: rule)
  }
}

extension Graph {
  /// The first node of one of these kinds.
  fileprivate func first(_ kinds: Set<String>) throws(PullbackError) -> Node {
    guard let node = nodes.first(where: { kinds.contains($0.operation.kind) }) else {
      throw PullbackError(
        .usage, name,
        "has no operation of kind \(kinds.sorted().joined(separator: " or ")), at which the table has another rule for "
          + "the first")
    }
    return node
  }
}
