/// Layer-wise relevance propagation, the epsilon rule: `J^T (v z / (z + epsilon sign(z)))` with z the layer's output.
///
/// Relevance is the cotangent times the value, `R = v z`; written for cotangents,
/// `R_i = a_i sum_j w_ij R_j / (z_j + epsilon sign z_j)` is this rule, and a ReLU, which passes relevance unchanged,
/// keeps its gradient. The input's relevance is then the result times the input. With a tiny epsilon it is input times
/// gradient.
/// Source: Bach et al. 2015 (doi 10.1371/journal.pone.0130140), as captum's EpsilonRule.
public struct EpsilonRule: Rule {
  /// The distance by which z is moved away from zero.
  public let epsilon: Float

  /// - Precondition: epsilon is not negative.
  public init(epsilon: Float = 1e-9) {
    precondition(epsilon >= 0, "epsilon is not negative")
    self.epsilon = epsilon
  }

  public var equation: String { "J^T (v z / (z + epsilon sign z)), epsilon = \(epsilon)" }
  public var source: String { "Bach et al. 2015, doi 10.1371/journal.pone.0130140" }
  public func needs(at operation: any Operation) -> Needs { operation.gradientNeeds.union(.output) }

  public func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    let damped = v.combine(site.output) { v, z, y, n in
      for i in 0..<n {
        let stabilised = z[i] + (z[i] < 0 ? -epsilon : epsilon)
        // Without epsilon a value of zero carries no relevance.
        y[i] = stabilised == 0 ? 0 : v[i] * (z[i] / stabilised)
      }
    }
    return site.gradient(damped)
  }
}

extension RuleSet {
  /// The epsilon rule at every layer that sums: linear, convolution, batch norm, average and max pooling, addition. The
  /// others keep their gradient.
  public static func lrpEpsilon(_ epsilon: Float = 1e-9) -> RuleSet {
    let summing = ["conv", "linear", "batchnorm", "avgpool", "maxpool", "add"]
    return RuleSet("lrp-epsilon", summing.map { (.kind($0), EpsilonRule(epsilon: epsilon)) } + [(.any, Gradient())])
  }
}
