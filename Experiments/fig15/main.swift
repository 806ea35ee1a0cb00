//: # Figure 15: explanations of sentences
//: > Texts shaded by the share of each token in the difference of two logits: red for it, blue against it. The words
//: > that decide are underlined.
//: ## encoder: the similarity of two sentences to an encoder
//: > Texts shaded by the share of each token in their similarity to another sentence. The words that decide are
//: > underlined.
//:
//: The method also explains texts. Tokens have no gradient, so a text is explained at the embeddings of its tokens: a
//: token's share is the inner product of its embedding and its pulled-back vector. The shares of the hard pullback and
//: the part of the biases add up to the value that is explained. Norms, gates and attention are held constant.

import ExperimentKit
import Sentences
import Text

Experiment.run("fig15") { experiment in

  //: The texts are made by a program, so that the words that decide are known: they are underlined. The first text of
  //: each kind is shown, and of the negations the first that decides and the first that does not. This rule was fixed
  //: after a draft had shown the first two texts of each kind; the negation that decides was not among them.

  let methods: [TextMethod] = [.hardPullback, .gradient, .integratedGradients, .leaveOneOut]

  struct Numbers: Encodable {
    let kind: String
    let index: Int
    let text: String
    let against: String?
    let deciding: [String]
    let value: Double
    struct Shares: Encodable {
      let method: String
      let words: [String]
      let shares: [Double]
      /// The share of the positive part on the words that decide; nil where nothing is positive.
      let energy: Double?
      let bias: Double?
    }
    let explanations: [Shares]
  }

  for named in NamedTextModel.allCases {

    //: The decoder comes with the package: it continues sentences, and the question is why it says *are* rather than
    //: *is*. The encoder is fetched: it makes a vector of a text, and the question is why two texts are similar.

    guard named.isFetched else {
      print("fig15: \(named.title) has not been fetched (make text) and is left out")
      continue
    }
    let model = try named.model()
    let generator = SentenceGenerator(seed: experiment.options.seed)
    let shown = named.kinds.flatMap { kind in
      let texts = (0..<20).map { generator.text(kind, $0) }
      let groups = [nil, false, true].map { decides in texts.filter { $0.negationDecides == decides } }
      return groups.flatMap { $0.prefix(named == .decoder ? 4 : 1) }
    }
    var (panels, numbers): ([any Drawable], [Numbers]) = ([], [])
    for text in shown {
      let target = try text.target(by: model)
      let explanations = try methods.map { method in
        try TextExplainer(method, seed: experiment.options.seed).explain(text.text, target, by: model)
      }
      let value = explanations[0].value
      let question =
        text.against.map { "\(text.kind.rawValue): similar to “\($0)”, cosine \(decimal(value, places: 2))" }
        ?? "“\(text.next!)” rather than “\(text.versus!)”, difference of logits \(decimal(value, places: 2))"
      let shaded = zip(methods, explanations).map { method, explanation in
        ShadedText(explanation.pieces(marking: text.deciding), caption: method.title, width: Looks.Width.shadedText)
      }
      let heading = ShadedText([], caption: question, width: 2 * Looks.Width.shadedText)
      panels.append(Panels([heading, Panels(shaded, columns: 2, gap: 6)], columns: 1, gap: 3))
      numbers.append(
        Numbers(
          kind: text.kind.rawValue, index: text.index, text: text.text, against: text.against,
          deciding: text.words(at: text.deciding), value: value,
          explanations: explanations.map { explanation in
            Numbers.Shares(
              method: explanation.method.rawValue, words: explanation.words.map(\.text),
              shares: explanation.words.map(\.share),
              energy: explanation.positiveShare(of: explanation.tokens(at: text.deciding)), bias: explanation.bias)
          }))
    }

    //: Red speaks for the value, blue against it; each panel is scaled by its own largest share.

    let credit =
      "\(named.title). The words that decide are underlined. Texts: the first of their kind of the generator's "
      + "seed \(experiment.options.seed)."
    try experiment.write(
      Figure(Panels(panels, columns: 1, gap: 14), credit: credit), part: named == .decoder ? nil : "encoder",
      numbers: numbers, about: named, model)
  }
}
