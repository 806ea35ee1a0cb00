import SemanticPullbacks

/// A rule from outside the package: layer-wise relevance propagation in which what agrees with an output's sign counts
/// `1 + gamma` times.
struct GammaRule: Rule {
  let gamma: Float
  var equation: String { "shares in x W + gamma (x W)+, gamma = \(gamma)" }
  let source = "Montavon et al. 2019, doi 10.1007/978-3-030-28954-6_10"
  func needs(at operation: any Operation) -> Needs { [.inputs, .output] }

  func pull(_ relevance: Tensor, at site: Site) -> [Tensor?] {
    func shares(of sign: Float, _ favoured: (Tensor) -> Tensor, _ other: (Tensor) -> Tensor) -> Tensor {
      site.share(
        relevance * site.output.mapped { $0 * sign > 0 ? 1 : 0 },
        among: [
          ([site.input().positivePart], site.parameters(weights: favoured, biases: favoured)),
          ([site.input().negativePart], site.parameters(weights: other) { 0 * $0 }),
        ], epsilon: 1e-6)[0]!
    }
    func raised(_ t: Tensor) -> Tensor { t + gamma * t.positivePart }
    func lowered(_ t: Tensor) -> Tensor { t + gamma * t.negativePart }
    return [shares(of: 1, raised, lowered) + shares(of: -1, lowered, raised)]
  }
}

/// How far the rule's relevance is from that of the package's own, at a convolution and a linear layer.
func differenceOfGammaRules() throws -> Float {
  let graph = try Graph("two layers", input: [2, 5, 5]) { image in
    image.convolution("conv", 3, kernel: 3).flatten().linear("fc", 4)
  }
  var parameters: [String: Tensor] = [:]
  for (name, description) in graph.parameters {
    let count = description.shape.reduce(1, *)
    parameters[name] = Tensor(shape: description.shape, (0..<count).map { Float($0 * 5 % 11) / 10 - 0.43 })
  }
  let network = try Network(graph, parameters: parameters)
  let image = Tensor(shape: [1, 2, 5, 5], (0..<50).map { Float($0 * 7 % 13) / 6 - 0.9 })
  let relevances = try [GammaRule(gamma: 0.25), RelevanceRule.gamma(0.25)].map { (rule: any Rule) in
    let rules = RuleSet("gamma", [(.kind("conv"), rule), (.kind("linear"), rule), (.any, Gradient())])
    return try network.valueWithPullback(at: image, rules: rules).pullback(Tensor(shape: [1, 4], [1, -2, 3, -1]))
  }
  return zip(relevances[0].scalars, relevances[1].scalars).map { abs($0 - $1) }.max()!
}
