import Pullbacks

/// The faithfulness of shares to a model, by ERASER's two measures: the fall of the value without the tokens of the
/// largest shares (comprehensiveness, higher is better), and with these tokens alone (sufficiency, lower is better),
/// the mean over the largest 1, 5, 10, 20 and 50 % of the tokens.
///
/// Tokens are taken away by masking, as ``TextMethod/leaveOneOut`` does; special tokens stay. The number of tokens is
/// rounded up; of equal shares the first token counts as the larger. Source: DeYoung et al. 2020 (arXiv 1911.03429),
/// with the value itself in place of a probability. Cost: ten forward passes.
public struct TextFaithfulness: Sendable, Equatable, Encodable {
  public let comprehensiveness: Double
  public let sufficiency: Double

  /// The parts of the tokens, without special ones, that are masked or kept.
  public static let shares = [0.01, 0.05, 0.1, 0.2, 0.5]

  /// - Parameters:
  ///   - explanation: the explanation whose shares are used.
  ///   - target: the quantity that it explains.
  ///   - model: the model that it is of.
  public init(of explanation: TextExplanation, _ target: TextTarget, by model: TextModel) throws(PullbackError) {
    let subject = try EmbeddedText(explanation.encoding, target, by: model)
    try self.init(of: explanation) { (sets) throws(PullbackError) in try subject.values(masking: sets) }
  }

  /// - Parameter values: the value with some tokens masked, for each of several sets of tokens.
  init(
    of explanation: TextExplanation, _ values: ([[Int]]) throws(PullbackError) -> [Double]
  ) throws(PullbackError) {
    let ranked = explanation.rankedTokens
    guard !ranked.isEmpty else { throw PullbackError(.usage, "text", "has no tokens but special ones") }
    let counts = Self.shares.map { Int((Double(ranked.count) * $0).rounded(.up)) }
    let found = try values(counts.map { Array(ranked.prefix($0)) } + counts.map { Array(ranked.dropFirst($0)) })
    func fall(_ values: ArraySlice<Double>) -> Double {
      values.reduce(0) { $0 + explanation.value - $1 } / Double(counts.count)
    }
    comprehensiveness = fall(found.prefix(counts.count))
    sufficiency = fall(found.suffix(counts.count))
  }
}

extension TextExplanation {
  /// The tokens that stand for text, those of the largest shares first; of equal shares the first token.
  var rankedTokens: [Int] {
    shares.indices.filter { !isSpecial[$0] }.sorted { (shares[$1], $0) < (shares[$0], $1) }
  }
}

extension TextModel {
  /// The fall of the value when the `count` tokens of the largest shares are masked.
  public func fall(
    masking count: Int, of explanation: TextExplanation, _ target: TextTarget
  ) throws(PullbackError) -> Double {
    let subject = try EmbeddedText(explanation.encoding, target, by: self)
    return subject.value - (try subject.values(masking: [Array(explanation.rankedTokens.prefix(count))])[0])
  }
}
