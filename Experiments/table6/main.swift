//: # Table 6: faithfulness on text
//: > Mean scores of ten explainers on texts whose deciding words are known.
//: ## differences: pairs of explainers on the same texts
//: > Mean differences between pairs of explainers, text by text.
//:
//: Texts with ground truth, as the scenes are pictures with ground truth. Each has two sentences, and words in one of
//: them decide: the topic that it shares with another text, the words that are paraphrased there, the state that is
//: negated or not; or the subject whose number the next verb has, across nouns of the other number. How much of the
//: positive shares is on these words (energy), is the largest share on one of them (pointing), and how much is in their
//: sentence (sequence pointing)? And what the model itself says: how far does the value fall without the words of the
//: largest shares (comprehensiveness), and with nothing but them (sufficiency)?

import ExperimentKit
import Text

Experiment.run(
  "table6",
  measuring: { experiment, measurements in

    //: Every explainer of `pullbacks text`. The soft rules' noise is one standard deviation of each channel, as other
    //: texts show it; smooth methods draw ten times.

    let scores = try TextScores.all(of: experiment, from: measurements)

    struct Numbers: Encodable {
      let scores: [TextScoreEntry]
      /// The same by kind of texts, where a model has several.
      let kinds: [TextScoreEntry]
      let negations: [NegationEntry]
    }
    let kinds = scores.filter { $0.model.kinds.count > 1 }.flatMap { scores in
      scores.model.kinds.flatMap { scores.entries(of: $0) }
    }
    let table = scores.table()
    try experiment.write(
      Figure(table, credit: "Mean over texts and 95 % bootstrap interval; the best of a block is bold."),
      texts: [table],
      numbers: Numbers(
        scores: scores.flatMap { $0.entries() }, kinds: kinds, negations: scores.flatMap(\.negations)),
      about: scores)

    //: Text by text: the hard pullback against every explainer that is no pullback, the soft one against the hard one,
    //: and each average of pullbacks against the same average of gradients.

    let others: [TextMethod] = [.gradient, .smoothGrad, .integratedGradients, .attentionRollout, .leaveOneOut, .random]
    let pairs: [(explainer: TextMethod, reference: TextMethod)] =
      others.map { (.hardPullback, $0) } + [
        (.softPullback, .hardPullback), (.softPullback, .gradient), (.smoothPullback, .smoothGrad),
        (.integratedPullbacks, .integratedGradients),
      ]
    struct Comparisons: Encodable {
      let comparisons: [PairedComparison]
      let tallies: [VerdictTally]
    }
    let comparisons = scores.comparisons(pairs)
    let differences = scores.table(comparisons)
    let credit = """
      Mean difference on the same texts and its 95 % bootstrap interval; ▲ better and ▼ worse with a p-value of the \
      sign-flip test below 0.05 after Holm's correction for all \(comparisons.count) comparisons.
      """
    try experiment.write(
      Figure(differences, credit: credit), part: "differences", texts: [differences],
      numbers: Comparisons(comparisons: comparisons, tallies: comparisons.tallies), about: scores)
  })
