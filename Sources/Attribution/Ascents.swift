import Pullbacks

/// Ascent along the pullback: from `x_0 = x`, K times `x <- x + alpha nu(x) / ||nu(x)||_2`; the attribution is
/// `x_K - x_0`.
///
/// Towards the image's own class the last iterate is an accentuation, towards another class a counterfactual. With the
/// gradient's rules this is gradient ascent. The order within a step: normalise, scale by the iterate's norm, scale by
/// alpha, add, project onto the ball, clip. Without an alpha nothing is normalised.
/// Source: paper, section 4. Cost: K forward and K backward passes for each selector; of several selectors, and of
/// other explainers at the input itself, the first forward pass is shared.
public struct PullbackAscent: Explainer {
  /// The steps after which iterates are clipped to `[-1, 1]`.
  public enum Clipping: String, Sendable, CaseIterable {
    /// Values may leave the range.
    case never
    /// After every step.
    case everyStep = "every-step"
    /// Once, at the end.
    case lastStep = "last-step"
  }

  /// The released length of a step, an L2 norm for inputs of 3 x 224 x 224 values.
  public static let releasedAlpha = 20.0

  /// A length of a step, given for 3 x 224 x 224 values, at inputs of another number of values and any shape:
  /// `alpha sqrt(n / 150528)`.
  ///
  /// - Parameters:
  ///   - alpha: the length for 150,528 values.
  ///   - count: the number n of values of one input.
  public static func length(_ alpha: Double, forValues count: Int) -> Double {
    alpha * (Double(count) / 150_528).squareRoot()
  }

  public let name: String
  /// The rules that pull the target back.
  public let rules: RuleSet
  /// The length of a step; nil is ``releasedAlpha`` scaled to the number of values by ``length(_:forValues:)``, and 1
  /// for steps that are not normalised.
  public var alpha: Double?
  /// The number of steps, K.
  public var steps: Int
  /// The steps after which iterates are clipped.
  public var clipping: Clipping
  /// Whether nu is divided by its norm, `max(||nu||_2, 1e-20)`, over all values of an image.
  public var normalisesStep: Bool
  /// Whether a step is multiplied by the current iterate's L2 norm.
  public var isRelative: Bool
  /// The radius of the L2 ball around x_0 that iterates stay in; nil is no ball.
  public var ballRadius: Double?

  /// - Parameters:
  ///   - rules: the rules of `nu`: the soft rules, or the gradient's.
  ///   - name: the name of the explainer.
  ///   - alpha: the length of a step; see ``alpha``.
  ///   - steps: the number of steps, K.
  ///   - clipping: when iterates are clipped to `[-1, 1]`.
  ///   - normalisesStep: whether nu is divided by its norm.
  ///   - isRelative: whether a step is multiplied by the iterate's norm.
  ///   - ballRadius: the radius of the L2 ball around x_0; nil is no ball.
  /// - Precondition: at least one step.
  public init(
    _ rules: RuleSet, name: String, alpha: Double? = nil, steps: Int = 5, clipping: Clipping = .never,
    normalisesStep: Bool = true, isRelative: Bool = false, ballRadius: Double? = nil
  ) {
    precondition(steps > 0, "an ascent has a step")
    self.rules = rules
    self.name = name
    self.alpha = alpha
    self.steps = steps
    self.clipping = clipping
    self.normalisesStep = normalisesStep
    self.isRelative = isRelative
    self.ballRadius = ballRadius
  }

  public var settings: [String: String] {
    [
      "rules": rules.name,
      "alpha": alpha.map { "\($0)" } ?? (normalisesStep ? "\(Self.releasedAlpha) * sqrt(n / 150528)" : "1.0"),
      "steps": "\(steps)", "clip": clipping.rawValue, "normalise": "\(normalisesStep)", "relative": "\(isRelative)",
      "ball": ballRadius.map { "\($0)" } ?? "none",
    ]
  }

  public func cost(for graph: Graph) -> Cost { Cost(forward: steps, backward: steps) }

  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan {
    Plan([.init(by: rules)])
  }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    try selectors.asRows(of: x, in: context) { start, selector, context throws(PullbackError) in
      var iterate = advance(0, at: start, from: start, along: Tensor(batching: found.pullbacks[0]))
      for k in 1..<steps { iterate = try step(k, at: iterate, from: start, selector, of: network, in: context) }
      return iterate - start
    }
  }

  /// All steps, from iterate to iterate.
  ///
  /// - Parameters:
  ///   - x: the inputs x_0, batch axis first.
  ///   - selector: the quantity of each input's output that is to grow.
  ///   - network: the network that is explained.
  ///   - context: its report is called after each pass.
  ///   - body: called with every iterate, x_1 to x_K.
  public func ascend(
    from x: Tensor, _ selector: Selector, of network: Network, in context: Context = Context(),
    _ body: (Tensor) -> Void
  ) throws(PullbackError) {
    var iterate = x
    for k in 0..<steps {
      iterate = try step(k, at: iterate, from: x, selector, of: network, in: context)
      body(iterate)
    }
  }

  /// One step, from the iterate x_k to x_{k + 1}.
  ///
  /// - Parameters:
  ///   - k: the step's index, in `0..<steps`.
  ///   - iterate: x_k; for the first step x itself.
  ///   - x: the inputs x_0, batch axis first.
  ///   - selector: the quantity of each input's output that is to grow.
  ///   - network: the network that is explained.
  ///   - context: its report is called after each pass.
  public func step(
    _ k: Int, at iterate: Tensor, from x: Tensor, _ selector: Selector, of network: Network,
    in context: Context = Context()
  ) throws(PullbackError) -> Tensor {
    let pullback = PullbackAverage(rules, name: name)
    return advance(k, at: iterate, from: x, along: try pullback.attribute(iterate, selector, of: network, in: context))
  }

  /// Step k, given the pullback at the iterate.
  private func advance(_ k: Int, at iterate: Tensor, from x: Tensor, along direction: Tensor) -> Tensor {
    let presetAlpha = normalisesStep ? Self.length(Self.releasedAlpha, forValues: x.count / max(1, x.shape[0])) : 1
    var lengths = [Double](repeating: alpha ?? presetAlpha, count: x.shape[0])
    if normalisesStep { lengths = zip(lengths, direction.imageNorms).map { $0 / max($1, 1e-20) } }
    if isRelative { lengths = zip(lengths, iterate.imageNorms).map { $0 * $1 } }
    var next = iterate + direction.scaled(perImage: lengths)
    if let ballRadius {
      let offset = next - x
      let factors = offset.imageNorms.map { $0 > ballRadius ? ballRadius / $0 : 1 }
      next = x + offset.scaled(perImage: factors)
    }
    let clips = clipping == .everyStep || (clipping == .lastStep && k == steps - 1)
    return clips ? next.clamped(to: -1...1) : next
  }
}

/// The pullback at the input moved along its pullback: `nu(x + alpha nu(x))`, without normalisation.
///
/// Source: paper v5, with alpha 1 and 2. Cost: two forward and two backward passes; of several selectors, and of other
/// explainers at the input itself, the first forward pass is shared.
public struct DoublePullback: Explainer {
  public let name: String
  /// The rules used for both pullbacks.
  public let rules: RuleSet
  /// The factor of the move along the first pullback, which is not normalised.
  public let alpha: Double

  /// - Parameters:
  ///   - rules: the rules of `nu`: the soft rules, or the gradient's.
  ///   - name: the name of the explainer.
  ///   - alpha: the step's factor; the released values are 1 and 2.
  public init(_ rules: RuleSet, name: String, alpha: Double) {
    self.rules = rules
    self.name = name
    self.alpha = alpha
  }

  public var settings: [String: String] { ["rules": rules.name, "alpha": "\(alpha)"] }
  public func cost(for graph: Graph) -> Cost { Cost(forward: 2, backward: 2) }

  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan {
    Plan([.init(by: rules)])
  }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let pullback = PullbackAverage(rules, name: name)
    return try selectors.asRows(of: x, in: context) { start, selector, context throws(PullbackError) in
      let moved = start + Float(alpha) * Tensor(batching: found.pullbacks[0])
      return try pullback.attribute(moved, selector, of: network, in: context)
    }
  }
}

extension [Selector] {
  /// Calls `body` with the inputs repeated once for each selector as rows of one batch: every selector leads elsewhere,
  /// and together they fill batches better.
  fileprivate func asRows(
    of x: Tensor, in context: Context,
    _ body: (_ x: Tensor, _ selector: Selector, _ context: Context) throws(PullbackError) -> Tensor
  ) throws(PullbackError) -> [Tensor] {
    guard !isEmpty else { return [] }
    var context = context
    context.keys = context.keys.map { keys in flatMap { _ in keys } }
    let rows = try body(Tensor(batching: map { _ in x }), Selector(flatMap(\.targets)), context)
    return indices.map { rows.images($0 * x.shape[0]..<($0 + 1) * x.shape[0]) }
  }
}
