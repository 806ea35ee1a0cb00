import Pullbacks
import Sentences

/// A metric of an explanation of a text with ground truth.
public enum PlantedMetric: String, CaseIterable, Codable, Sendable {
  /// The share of the positive part of the shares that lies on the words that decide.
  case energy
  /// Whether the largest share is that of a word that decides. Source: Zhang et al. 2016 (arXiv 1608.00507).
  case pointing
  /// The share of the positive part of the shares that lies in the sentence that decides: the sequence pointing game.
  case sequence
  /// See ``TextFaithfulness``.
  case comprehensiveness
  /// See ``TextFaithfulness``.
  case sufficiency

  public var isHigherBetter: Bool { self != .sufficiency }
}

/// The scores of one explanation of a text with ground truth.
public struct PlantedScores: Sendable, Equatable {
  public let method: TextMethod
  /// NaN where a score is undefined, as it is where no share is positive.
  public let scores: [PlantedMetric: Double]
  /// The share of the negation in the sum of all shares' magnitudes; nil where the text has none.
  public let negation: Double?
}

extension PlantedText {
  /// The explained quantity of a model's output for the text: its similarity to the other one, or the difference of the
  /// logits of the two verbs.
  ///
  /// - Throws: `PullbackError` of kind `usage` if the model's output is of another kind.
  public func target(by model: TextModel) throws(PullbackError) -> TextTarget {
    if let against { return .similarity(to: try model.output(of: against)) }
    guard let next = next.flatMap(model.tokenizer.id), let versus = versus.flatMap(model.tokenizer.id) else {
      throw PullbackError(.usage, "text \(quoted(text))", "the model's vocabulary lacks the word that follows")
    }
    return .nextVersus(next, versus)
  }

  /// The value that is explained, and how well each explainer finds the words that decide.
  ///
  /// Explainers share the pass at the text, and the passes of tokens that several of them mask.
  ///
  /// - Complexity: what the explainers cost, and at most ten forward passes for each.
  public func scores(
    of explainers: [TextExplainer], by model: TextModel
  ) throws(PullbackError) -> (value: Double, scores: [PlantedScores]) {
    let encoding = try model.tokenizer.encode(text)
    let subject = try EmbeddedText(encoding, target(by: model), by: model, for: explainers)
    var known: [[Int]: Double] = [:]
    func values(masking sets: [[Int]]) throws(PullbackError) -> [Double] {
      let sets = sets.map { $0.sorted() }
      var missing: [[Int]] = []
      for set in sets where known[set] == nil && !missing.contains(set) { missing.append(set) }
      for (set, value) in zip(missing, try subject.values(masking: missing)) { known[set] = value }
      return sets.map { known[$0]! }
    }
    var all: [PlantedScores] = []
    for explainer in explainers {
      let explanation = try explainer.explanation(of: subject, texts: [text])
      let deciding = explanation.tokens(at: self.deciding)
      let faithfulness = try TextFaithfulness(of: explanation, values)
      let scores: [PlantedMetric: Double] = [
        .energy: explanation.positiveShare(of: deciding) ?? .nan,
        .pointing: explanation.rankedTokens.first.map { deciding.contains($0) ? 1 : 0 } ?? .nan,
        .sequence: explanation.positiveShare(of: explanation.tokens(at: [sentence])) ?? .nan,
        .comprehensiveness: faithfulness.comprehensiveness, .sufficiency: faithfulness.sufficiency,
      ]
      all.append(
        PlantedScores(method: explainer.method, scores: scores, negation: negationShare(in: explanation)))
    }
    return (subject.value, all)
  }

  /// The share of the word `not` in the sum of all shares' magnitudes.
  private func negationShare(in explanation: TextExplanation) -> Double? {
    guard kind == .negation else { return nil }
    let places = zip(deciding + distracting, words(at: deciding + distracting)).filter { $1 == "not" }.map(\.0)
    let sum = explanation.shares.indices.reduce(0) { explanation.isSpecial[$1] ? $0 : $0 + abs(explanation.shares[$1]) }
    return sum > 0 ? explanation.tokens(at: places).reduce(0) { $0 + explanation.shares[$1] } / sum : nil
  }
}

extension TextModel {
  /// The standard deviation of each channel that goes into an activation, over the tokens of some texts: what relative
  /// temperatures are relative to, as no batch norm tells it here.
  ///
  /// - Complexity: one forward pass for each text.
  public func spreads(over texts: some Sequence<String>) throws(PullbackError) -> Spreads {
    var measurement: SpreadMeasurement?
    for text in texts {
      let encoding = try tokenizer.encode(text)
      let network = try embeddedNetwork(types: types(of: encoding))
      if measurement == nil { measurement = SpreadMeasurement(of: network) }
      // A network has the shape of its text; the channels are the same.
      try measurement?.add(embeddings(of: encoding.ids), by: network)
    }
    return measurement?.spreads ?? Spreads()
  }
}
