import Attribution
import Failures
import Foundation
import Pullbacks
import Sentences
import TestKit
import Testing

@testable import Text

@Suite struct ExplanationTests {
  private static let text = "t2 t7 t9 t7 t33 t3"

  /// A small model, its folder, and a vector that its output is compared with.
  private static func encoder() throws -> (model: TextModel, folder: TemporaryFolder, other: [Float]) {
    let folder = try TemporaryFolder()
    try NetworkTests.write("bert-mean", to: folder)
    let model = try TextModel(contentsOf: folder.url.path)
    return (model, folder, try model.output(of: "t50 t51 t3"))
  }

  /// The shares are products of the embeddings with what transformers pulls back to them.
  @Test(arguments: [(TextMethod.gradient, "gradient"), (.hardPullback, "hard"), (.softPullback, "soft")])
  func sharesAreProducts(_ method: TextMethod, _ mode: String) throws {
    let (model, _, _) = try Self.encoder()
    let fixture = try Fixture.tensors("text-networks")
    let selector = try fixture.tensor("bert-mean/selector").image(0).scalars
    let explanation = try TextExplainer(method).explain(Self.text, .similarity(to: selector), by: model)
    let output = try fixture.tensor("bert-mean/value").image(0).scalars
    let pulled = try fixture.tensor("bert-mean/\(mode)").image(0).scalars
    let h = try model.embeddings(of: explanation.encoding.ids).scalars
    let scale = norm(selector) * norm(output)
    let expected = (0..<6).map { token in
      (token * 24..<token * 24 + 24).reduce(0) { $0 + Double(pulled[$1]) * Double(h[$1]) } / scale
    }
    expectClose(explanation.shares, expected, within: 1e-4)
    let cosine = zip(selector, output).reduce(0) { $0 + Double($1.0) * Double($1.1) } / scale
    #expect(abs(explanation.value - cosine) < 1e-6)
    #expect(abs(explanation.bias! + expected.reduce(0, +) - cosine) < 1e-5)
    let norms = (0..<6).map { token in norm(pulled[token * 24..<token * 24 + 24]) / scale }
    expectClose(explanation.norms!, norms, within: 1e-4)
  }

  @Test func integratedGradientsShareOutTheChange() throws {
    let (model, _, other) = try Self.encoder()
    var settings = Preset.general.settings
    settings.integratedGradientsPoints = 400
    let target = TextTarget.similarity(to: other)
    let explanation = try TextExplainer(.integratedGradients, settings).explain(Self.text, target, by: model)
    let subject = try EmbeddedText(explanation.encoding, target, by: model)
    let nothing = try Selector([subject.combination])
      .values(of: subject.network(Tensor(shape: subject.x.shape)), of: subject.network)[0]
    #expect(
      abs(explanation.shares.reduce(0, +) - (explanation.value - nothing)) < 0.01 * abs(explanation.value - nothing))
    #expect(explanation.norms == nil)
  }

  @Test func leavingOutIsMasking() throws {
    let (model, _, other) = try Self.encoder()
    let target = TextTarget.similarity(to: other)
    let explanation = try TextExplainer(.leaveOneOut).explain(Self.text, target, by: model)
    let subject = try EmbeddedText(explanation.encoding, target, by: model)
    // There is no mask token here, so that zeros take its place.
    for token in 0..<6 {
      var x = subject.x.scalars
      for place in token * 24..<token * 24 + 24 { x[place] = 0 }
      let value = try Selector([subject.combination])
        .values(of: subject.network(Tensor(shape: [1, 6, 24], x)), of: subject.network)[0]
      #expect(abs(explanation.shares[token] - (explanation.value - value)) < 1e-6)
    }
    #expect(explanation.bias == nil)
  }

  @Test(arguments: ["bert-mean", "bert-classes", "gpt2-next"])
  func rolloutIsADistribution(_ name: String) throws {
    let folder = try TemporaryFolder()
    try NetworkTests.write(name, to: folder)
    let model = try TextModel(contentsOf: folder.url.path)
    let target: TextTarget =
      switch model.head {
      case .nextToken: .next(3)
      case .classes: .label(1)
      default: .similarity(to: try model.output(of: "t1 t2"))
      }
    let explanation = try TextExplainer(.attentionRollout).explain(Self.text, target, by: model)
    #expect(abs(explanation.shares.reduce(0, +) - 1) < 1e-5)
    #expect(explanation.shares.allSatisfy { $0 > 0 })
  }

  /// The difference of two explanations of one token each is that of the difference.
  @Test func nextTokensAreContrasted() throws {
    let folder = try TemporaryFolder()
    try NetworkTests.write("llama-next", to: folder)
    let model = try TextModel(contentsOf: folder.url.path)
    let explainer = TextExplainer(.hardPullback)
    let (a, b) = (
      try explainer.explain(Self.text, .next(3), by: model), try explainer.explain(Self.text, .next(5), by: model)
    )
    let both = try explainer.explain(Self.text, .nextVersus(3, 5), by: model)
    expectClose(both.shares, zip(a.shares, b.shares).map(-), within: 1e-4)
    #expect(abs(both.value - (a.value - b.value)) < 1e-5)
    let refused = #expect(throws: PullbackError.self) { try explainer.explain(Self.text, .label(0), by: model) }
    #expect(refused?.description.contains("the logit of a token to follow") == true)
    #expect(throws: PullbackError.self) { try explainer.explain(Self.text, .next(60), by: model) }
  }

  @Test func randomMethodsGoByTheSeed() throws {
    let (model, _, other) = try Self.encoder()
    for method in [TextMethod.smoothGrad, .random] {
      let shares = try [314, 314, 271].map {
        try TextExplainer(method, seed: $0).explain(Self.text, .similarity(to: other), by: model).shares
      }
      #expect(shares[0] == shares[1] && shares[0] != shares[2])
    }
  }

  @Test func wordsAreSumsOverPieces() throws {
    let json =
      #"{"model": {"type": "BPE", "vocab": {"Ġ": 0, "a": 1, "b": 2}, "merges": []}, "#
      + #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}}"#
    let tokenizer = try Tokenizer(json: Array(json.utf8), name: "tokenizer.json")
    let (model, _, _) = try Self.encoder()
    let text = "ab  ba"
    let encoding = try tokenizer.encode(text)
    let shares = encoding.tokens.indices.map { Double(1 << $0) }
    let explanation = TextExplanation(
      texts: [text], encoding: encoding, model: model, method: .gradient, shares: shares, norms: nil, value: 1, bias: 0,
      settings: [:])
    #expect(explanation.words.map(\.text) == ["ab", " ", "ba"])
    #expect(explanation.words.map(\.range) == [0..<2, 2..<3, 4..<6])
    #expect(explanation.words.reduce(0) { $0 + $1.share } == shares.reduce(0, +))
    #expect(
      explanation.positiveShare(of: explanation.words[0].tokens) == explanation.words[0].share / shares.reduce(0, +))
    #expect(explanation.tokens(at: [4..<5]) == explanation.tokens(at: [4..<5, 9..<12]))
    // The token in front of the word is its space.
    #expect(explanation.tokens(at: [4..<6]) == Array(explanation.words[2].tokens.dropFirst()))
    let record = try JSONSerialization.jsonObject(with: JSONEncoder().encode(explanation)) as! [String: Any]
    #expect((record["offsets"] as! [[Int]]).count == encoding.tokens.count)
    #expect((record["words"] as! [[String: Any]]).map { $0["text"] as! String } == explanation.words.map(\.text))
  }

  /// Llama's tokenizer splits nothing beforehand: words begin at spaces all the same. What is not in the vocabulary is
  /// a part of the text, not a special token.
  @Test func wordsBeginAtSpaces() throws {
    let json =
      #"{"model": {"type": "BPE", "vocab": {"?": 0, "▁": 1, "a": 2, "b": 3, "▁a": 4}, "merges": ["▁ a"], "#
      + #""unk_token": "?"},"#
      + #""added_tokens": [{"id": 0, "content": "?", "special": true}],"#
      + #""normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, "#
      + #"{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}}"#
    let tokenizer = try Tokenizer(json: Array(json.utf8), name: "tokenizer.json")
    let (model, _, _) = try Self.encoder()
    let text = "ab a  bx"
    let encoding = try tokenizer.encode(text)
    let explanation = TextExplanation(
      texts: [text], encoding: encoding, model: model, method: .gradient,
      shares: encoding.tokens.map { _ in 1 }, norms: nil, value: 1, bias: 0, settings: [:])
    #expect(explanation.words.map(\.text) == ["ab", "a", "bx"])
    #expect(Set(encoding.tokens.map(\.word)) == [0])
    #expect(tokenizer.isUnknown(encoding.tokens.last!.id) && !tokenizer.isUnknown(2))
  }

  @Test func faithfulnessIsTheMeanOverSharesOfTokens() throws {
    let (model, _, other) = try Self.encoder()
    let target = TextTarget.similarity(to: other)
    let explanation = try TextExplainer(.hardPullback).explain(Self.text, target, by: model)
    let scores = try TextFaithfulness(of: explanation, target, by: model)
    let ranked = (0..<6).sorted { explanation.shares[$0] > explanation.shares[$1] }
    let subject = try EmbeddedText(explanation.encoding, target, by: model)
    // 1, 5 and 10 % of six tokens are one, 20 % are two, 50 % are three.
    let (without, alone) = (
      try [1, 1, 1, 2, 3].map { try subject.values(masking: [Array(ranked.prefix($0))])[0] },
      try [1, 1, 1, 2, 3].map { try subject.values(masking: [Array(ranked.dropFirst($0))])[0] }
    )
    #expect(abs(scores.comprehensiveness - (explanation.value - without.reduce(0, +) / 5)) < 1e-6)
    #expect(abs(scores.sufficiency - (explanation.value - alone.reduce(0, +) / 5)) < 1e-6)
  }

  private struct Pair: Decodable {
    let text, against: String
    let value: Double
    let gradient, hard: [Double]
  }

  /// A real sentence encoder: the shares of five sentences' tokens against those of transformers.
  @Test func sharesOfSentencesAgree() throws {
    let folder = Fixture.root.appendingPathComponent(".cache/text/all-MiniLM-L6-v2").path
    guard FileManager.default.fileExists(atPath: folder + "/model.safetensors") else {
      print("skipped: sentences of all-MiniLM-L6-v2, without make text")
      return
    }
    let model = try TextModel(contentsOf: folder)
    #expect(model.head == .mean)
    let pairs = try JSONDecoder().decode(
      [Pair].self, from: Data(contentsOf: URL(fileURLWithPath: Fixture.path("text-minilm.json"))))
    var falls = (hard: 0.0, gradient: 0.0)
    for pair in pairs {
      let target = TextTarget.similarity(to: try model.output(of: pair.against))
      let hard = try TextExplainer(.hardPullback).explain(pair.text, target, by: model)
      let gradient = try TextExplainer(.gradient).explain(pair.text, target, by: model)
      #expect(abs(hard.value - pair.value) < 1e-5)
      expectClose(hard.shares, pair.hard, within: 1e-4, pair.text)
      expectClose(gradient.shares, pair.gradient, within: 1e-4, pair.text)
      falls.hard += try model.fall(masking: 3, of: hard, target) / Double(pairs.count)
      falls.gradient += try model.fall(masking: 3, of: gradient, target) / Double(pairs.count)
    }
    #expect(falls.hard > 0.3 && falls.gradient < 0.2, "\(falls)")
  }
}

/// Scores on texts with ground truth, on the decoder of this package.
@Suite struct PlantedScoreTests {
  /// The scores are those of the explanations and metrics one by one.
  @Test func areThoseOfEachExplanation() throws {
    let model = try SentenceDecoder.model()
    let text = SentenceGenerator.heldOut.text(.agreement, 1)
    let target = try text.target(by: model)
    let explainers = [TextMethod.hardPullback, .gradient, .leaveOneOut, .random].map { TextExplainer($0) }
    let (value, scores) = try text.scores(of: explainers, by: model)
    for (explainer, found) in zip(explainers, scores) {
      let explanation = try explainer.explain(text.text, target, by: model)
      let faithfulness = try TextFaithfulness(of: explanation, target, by: model)
      #expect(explanation.value == value && found.method == explainer.method && found.negation == nil)
      #expect(abs(found.scores[.comprehensiveness]! - faithfulness.comprehensiveness) < 1e-5)
      #expect(abs(found.scores[.sufficiency]! - faithfulness.sufficiency) < 1e-5)
      // Words are tokens here.
      let words = explanation.words
      let positive = words.reduce(0) { $0 + max(0, $1.share) }
      func share(_ places: [Range<Int>]) -> Double {
        words.filter { word in places.contains { $0.overlaps(word.range) } }
          .reduce(0) { $0 + max(0, $1.share) } / positive
      }
      #expect(abs(found.scores[.energy]! - share(text.deciding)) < 1e-6)
      #expect(abs(found.scores[.sequence]! - share([text.sentence])) < 1e-6)
      let largest = words.max { $0.share < $1.share }!
      #expect(found.scores[.pointing] == (text.deciding.contains { $0.overlaps(largest.range) } ? 1 : 0))
    }
  }

  /// Spreads over several texts are those over all their tokens.
  @Test func spreadsAreOverAllTokens() throws {
    let model = try SentenceDecoder.model()
    let texts = ["the keys are old .", "the dog near the trees sleeps ."]
    let spreads = try model.spreads(over: texts)
    let name = "transformer.h.0.mlp.c_fc"
    var columns = [[Double]](repeating: [], count: 4 * model.configuration.width)
    for text in texts {
      let ids = try model.tokenizer.encode(text).ids
      let network = try model.embeddedNetwork(types: ids.map { _ in 0 })
      let trace = try network.trace(at: model.embeddings(of: ids), rules: [], keeping: [name])
      for (place, value) in try trace.activation(name).scalars.enumerated() {
        columns[place % columns.count].append(Double(value))
      }
    }
    let expected = columns.map { column in
      let mean = column.reduce(0, +) / Double(column.count)
      return (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)).squareRoot()
    }
    expectClose(
      spreads["transformer.h.0.activation"]!.deviations.map(Double.init), expected, within: 1e-4)
  }
}
