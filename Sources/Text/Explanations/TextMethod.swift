import Attribution
import Pullbacks

/// A method that attributes a model's output to tokens.
///
/// `h_t` is the embedding of token t, `nu_t` what arrives there, and a share is `<nu_t, h_t>`.
public enum TextMethod: String, Sendable, CaseIterable {
  /// The adjoint of the affine operator that the network is at the text: gates, norms and attention are held constant.
  /// Shares and the biases' part sum to the value.
  case hardPullback = "hard-pullback"
  /// The same, every layer's adjoint softened.
  case softPullback = "soft-pullback"
  /// The gradient; its shares are those of gradient times input.
  case gradient
  /// The mean gradient at noisy embeddings. Source: Smilkov et al. 2017 (arXiv 1706.03825).
  case smoothGrad = "smoothgrad"
  /// The mean soft pullback at noisy embeddings.
  case smoothPullback = "smooth-pullback"
  /// Gradients on the way from embeddings of zero. Source: Sundararajan et al. 2017 (arXiv 1703.01365).
  case integratedGradients = "integrated-gradients"
  /// The mean of soft pullbacks along the same path.
  case integratedPullbacks = "integrated-pullbacks"
  /// The part of each token that reaches the output, if every layer mixes tokens as its mean head does: see
  /// ``Attribution/AttentionRollout``. It explains no output in particular.
  case attentionRollout = "attention-rollout"
  /// The fall of the value when the token's embedding is that of the mask token, or zero if there is none.
  case leaveOneOut = "leave-one-out"
  /// Random numbers: the level of chance.
  case random

  /// The name for people. A share of the gradient is a product of gradient and input.
  public var title: String {
    switch self {
    case .hardPullback: "Hard pullback"
    case .softPullback: "Soft pullback"
    case .gradient: "Gradient × input"
    case .smoothGrad: "SmoothGrad × input"
    case .smoothPullback: "Smooth pullback"
    case .integratedGradients: "Integrated gradients"
    case .integratedPullbacks: "Integrated pullbacks"
    case .attentionRollout: "Attention rollout"
    case .leaveOneOut: "Leave one out"
    case .random: "Random"
    }
  }

  /// Whether the soft rules, and so the temperatures, matter to it.
  public var usesSoftRules: Bool { [.softPullback, .smoothPullback, .integratedPullbacks].contains(self) }

  /// Whether its shares are parts of the value, so that what is left of it has a meaning.
  public var sharesOutValue: Bool { ![.attentionRollout, .leaveOneOut, .random].contains(self) }
}

/// The quantity of a model's output that is explained.
public enum TextTarget: Hashable, Sendable {
  /// A class's logit.
  case label(Int)
  /// The logit of a token to follow.
  case next(Int)
  /// The difference of two tokens' logits.
  case nextVersus(Int, Int)
  /// The cosine of the angle between this text's vector and another one. Both norms are held constant, so that it is
  /// linear in this text's vector.
  case similarity(to: [Float])

  /// The linear combination of output values that is explained, where the output is `output`, `(1, values)`.
  ///
  /// - Throws: `PullbackError` of kind `usage` if the output has no such class or token, or is no vector of that
  ///   length.
  func combination(at output: Tensor, of head: TextHead) throws(PullbackError) -> Target {
    let count = output.count
    func check(_ index: Int, _ what: String) throws(PullbackError) {
      guard (0..<count).contains(index) else {
        throw PullbackError(.usage, "\(what) \(index)", "the model has \(count)")
      }
    }
    switch (self, head) {
    case (.label(let number), .classes):
      try check(number, "class")
      return .logit(number)
    case (.next(let token), .nextToken):
      try check(token, "token")
      return .logit(token)
    case (.nextVersus(let token, let other), .nextToken):
      for token in [token, other] { try check(token, "token") }
      return .contrast(token, other)
    case (.similarity(let vector), .mean), (.similarity(let vector), .first), (.similarity(let vector), .pooler):
      guard vector.count == count else {
        throw PullbackError(.usage, "vector of \(vector.count) values", "the model's have \(count)")
      }
      let scale = norm(vector) * norm(output.scalars)
      guard scale > 0, scale.isFinite else { throw PullbackError(.data, "text", "its vector is zero or not finite") }
      return .combination(Dictionary(uniqueKeysWithValues: vector.enumerated().map { ($0, Float(Double($1) / scale)) }))
    default:
      throw PullbackError(
        .usage, "target", "the model's output, \(head.words), has nothing of this kind",
        advice: "explain \(head.advice)")
    }
  }
}

extension TextHead {
  var words: String {
    switch self {
    case .mean, .first, .pooler: "a vector for the text"
    case .classes(let count): "logits of \(count) classes"
    case .nextToken: "logits of the next token"
    }
  }

  var advice: String {
    switch self {
    case .mean, .first, .pooler: "its similarity to another text"
    case .classes: "the logit of a class"
    case .nextToken: "the logit of a token to follow, or the difference of two"
    }
  }
}

func norm(_ values: some Sequence<Float>) -> Double {
  values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
}
