import Pullbacks

/// How faithful shares are to a model, by ERASER's two measures: what the value falls by without the tokens of the
/// largest shares (comprehensiveness, higher is better), and with nothing but them (sufficiency, lower is better), the
/// mean over the largest 1, 5, 10, 20 and 50 % of the tokens.
///
/// Tokens are taken away by masking, as ``TextMethod/leaveOneOut`` does; special tokens stay. The number of tokens is
/// rounded up; of equal shares the first token counts as the larger. Source: DeYoung et al. 2020 (arXiv 1911.03429),
/// with the value itself in place of a probability. Cost: ten forward passes.
public struct TextFaithfulness: Sendable, Equatable, Encodable {
  public let comprehensiveness: Double
  public let sufficiency: Double

  /// Of the tokens that are no special ones.
  public static let shares = [0.01, 0.05, 0.1, 0.2, 0.5]

  /// - Parameters:
  ///   - explanation: whose shares are looked at.
  ///   - target: what it explains.
  ///   - model: the model that it is of.
  public init(of explanation: TextExplanation, _ target: TextTarget, by model: TextModel) throws(PullbackError) {
    let subject = try EmbeddedText(explanation.encoding, target, by: model)
    let tokens = explanation.shares.indices.filter { !explanation.isSpecial[$0] }
    let ranked = tokens.sorted { (explanation.shares[$1], $0) < (explanation.shares[$0], $1) }
    guard !ranked.isEmpty else { throw PullbackError(.usage, "text", "has no tokens but special ones") }
    let kept = Self.shares.map { ranked.prefix(Int((Double(ranked.count) * $0).rounded(.up))) }
    let without = try subject.values(masking: kept.map(Array.init))
    let alone = try subject.values(masking: kept.map { top in tokens.filter { !top.contains($0) } })
    comprehensiveness = without.reduce(0) { $0 + subject.value - $1 } / Double(without.count)
    sufficiency = alone.reduce(0) { $0 + subject.value - $1 } / Double(alone.count)
  }
}

extension TextModel {
  /// What the value falls by where the `count` tokens of the largest shares are masked.
  public func fall(
    masking count: Int, of explanation: TextExplanation, _ target: TextTarget
  ) throws(PullbackError) -> Double {
    let subject = try EmbeddedText(explanation.encoding, target, by: self)
    let tokens = explanation.shares.indices.filter { !explanation.isSpecial[$0] }
    let ranked = tokens.sorted { (explanation.shares[$1], $0) < (explanation.shares[$0], $1) }
    return subject.value - (try subject.values(masking: [Array(ranked.prefix(count))])[0])
  }
}
