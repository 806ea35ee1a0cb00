// The rules of layer-wise relevance propagation. In equations `A(x; W, b)` is the layer's value and `A^T(.; W)` its
// gradient, `x+` and `x-` are positive and negative parts, and so are those of W and b; `s(z) = z + epsilon sign z`.

private let bach = "Bach et al. 2015, doi 10.1371/journal.pone.0130140"
private let montavon = "Montavon et al. 2019, doi 10.1007/978-3-030-28954-6_10"

extension RelevanceRule {
  /// `x A^T(R / s(A(x; W, b)); W)`: the epsilon rule. At sums and averages it gives each summand its share
  /// of the sum and is called the norm rule: ``norm(epsilon:)``.
  ///
  /// ``EpsilonRule`` is the same for cotangents, `v = R / z`.
  public static func epsilon(_ epsilon: Float = 1e-6) -> RelevanceRule {
    RelevanceRule(
      "x A^T(R / s(A(x; W, b)); W), epsilon = \(epsilon)", source: bach, epsilon: epsilon,
      Share(among: Contribution()))
  }

  /// The share of each summand in a sum or an average, ``epsilon(_:)`` without parameters.
  public static func norm(epsilon: Float = 1e-6) -> RelevanceRule { .epsilon(epsilon) }

  /// The z+ rule: shares in what raises the outputs.
  ///
  /// `x+ A^T(q; W+) + x- A^T(q; W-)`, `q = R / s(A(x+; W+, b+) + A(x-; W-, 0))`
  public static func zPlus(epsilon: Float = 1e-6) -> RelevanceRule {
    RelevanceRule(
      "x+ A^T(q; W+) + x- A^T(q; W-), q = R / s(A(x+; W+, b+) + A(x-; W-, 0)), epsilon = \(epsilon)",
      source: montavon, epsilon: epsilon, raising(1))
  }

  /// The alpha-beta rule: `alpha` times the shares in what raises the outputs, less `beta` times those in what lowers
  /// them, `x+ A^T(q; W-) + x- A^T(q; W+)`, `q = R / s(A(x+; W-, b-) + A(x-; W+, 0))`.
  ///
  /// - Precondition: `alpha - beta` is 1, so that relevance is conserved.
  public static func alphaBeta(alpha: Float, beta: Float, epsilon: Float = 1e-6) -> RelevanceRule {
    precondition(alpha >= 1 && abs(alpha - beta - 1) < 1e-6, "alpha - beta is 1, and beta not negative")
    return RelevanceRule(
      "alpha (shares in x+ W+ + x- W- + b+) - beta (shares in x+ W- + x- W+ + b-), "
        + "alpha = \(alpha), beta = \(beta), epsilon = \(epsilon)",
      source: bach, epsilon: epsilon, raising(alpha),
      Share(
        -beta, among: Contribution(.positive, weights: .negative, biases: .negative),
        Contribution(.negative, weights: .positive, biases: .zero)))
  }

  private static func raising(_ factor: Float) -> Share {
    Share(
      factor, among: Contribution(.positive, weights: .positive, biases: .positive),
      Contribution(.negative, weights: .negative, biases: .zero))
  }

  /// The gamma rule for inputs of either sign: what agrees with an output's sign counts `1 + gamma` times. With
  /// `P = W + gamma W+`, `N = W + gamma W-` and p, n so of b, outputs above zero share by `A(x+; P, p) + A(x-; N, 0)`,
  /// those below zero by `A(x+; N, n) + A(x-; P, 0)`; outputs of zero hand nothing on.
  ///
  /// - Precondition: gamma is not negative.
  public static func gamma(_ gamma: Float, epsilon: Float = 1e-6) -> RelevanceRule {
    precondition(gamma >= 0, "gamma is not negative")
    let raised = Change.parts(positive: 1 + gamma, negative: 1)
    let lowered = Change.parts(positive: 1, negative: 1 + gamma)
    return RelevanceRule(
      "shares of y > 0 in A(x+; W + gamma W+, b + gamma b+) + A(x-; W + gamma W-, 0), of y < 0 in "
        + "A(x+; W + gamma W-, b + gamma b-) + A(x-; W + gamma W+, 0), gamma = \(gamma), epsilon = \(epsilon)",
      source: montavon, epsilon: epsilon,
      Share(
        of: .positive, among: Contribution(.positive, weights: raised, biases: raised),
        Contribution(.negative, weights: lowered, biases: .zero)),
      Share(
        of: .negative, among: Contribution(.positive, weights: lowered, biases: lowered),
        Contribution(.negative, weights: raised, biases: .zero)))
  }

  /// The box rule z^B for inputs within bounds, such as pixels: `x A^T(q; W) - l A^T(q; W+) - h A^T(q; W-)` with
  /// `q = R / s(A(x; W, 0) - A(l; W+, 0) - A(h; W-, 0))`. Padding counts as zero in the bounds too.
  ///
  /// - Parameters:
  ///   - low: the least value, or each channel's.
  ///   - high: the largest value, or each channel's.
  ///   - epsilon: the distance by which denominators are moved away from zero.
  public static func box(low: [Float], high: [Float], epsilon: Float = 1e-6) -> RelevanceRule {
    RelevanceRule(
      "x A^T(q; W) - l A^T(q; W+) - h A^T(q; W-), q = R / s(A(x; W, 0) - A(l; W+, 0) - A(h; W-, 0)), "
        + "l = \(low), h = \(high), epsilon = \(epsilon)", source: montavon, epsilon: epsilon,
      Share(
        among: Contribution(biases: .zero),
        Contribution(.values(low), weights: .parts(positive: -1, negative: 0), biases: .zero),
        Contribution(.values(high), weights: .parts(positive: 0, negative: -1), biases: .zero)))
  }

  /// The w^2 rule: `A^T(R / s(A(1; W^2, b^2)); W^2)`, whatever the inputs are.
  public static func wSquare(epsilon: Float = 1e-6) -> RelevanceRule {
    RelevanceRule(
      "A^T(R / s(A(1; W^2, b^2)); W^2), epsilon = \(epsilon)", source: montavon, epsilon: epsilon,
      Share(among: Contribution(.one, weights: .square, biases: .square)))
  }

  /// The flat rule: `A^T(R / s(A(1; 1, 0)); 1)`, equal shares for all inputs that an output sees.
  public static func flat(epsilon: Float = 1e-6) -> RelevanceRule {
    RelevanceRule(
      "A^T(R / s(A(1; 1, 0)); 1), epsilon = \(epsilon)", source: montavon, epsilon: epsilon,
      Share(among: Contribution(.one, weights: .one, biases: .zero)))
  }
}
