//: # Table 1: faithfulness
//: > Mean scores of each explainer by six metrics, with 95 % intervals, beside published ones where there are some.
//: ## twins: differences between each pullback and its gradient twin
//: > Mean differences, image by image, between each semantic pullback and the same recipe over the gradient.
//: ## variants: the recipes of other explainers over soft pullbacks
//: > Mean differences, image by image, between SHAP, integrated gradients, DeepLift and Guided Grad-CAM over the soft
//: > pullback and the same over the gradient.
//:
//: Does an attribution predict how the output changes when the image is changed? Does it stay the same when the change
//: is negligible, and differ when another class is asked for? Six metrics measure this, with the definitions and the
//: hyper-parameters of version 6 of the paper; undefined scores are counted, not dropped.

import ExperimentKit

Experiment.run("table1", on: [.faithfulness, .curves, .variants], optional: [.variants]) { experiment, books in

  //: The scores of all images are committed; a mean stands with its 95 % bootstrap interval of 10,000 resamples. What
  //: the paper publishes, for a larger network of the same family on a thousand images of ImageNet, stands beside it in
  //: grey: the order of explainers may be compared, the values may not. The file beside the table says how far the two
  //: orders agree, among all explainers and within families of them, and how much of each metric's variance is between
  //: explainers, between images and between networks.

  struct Numbers: Encodable {
    let runs: [ScoreBook.Run]
    let scores: [ScoreEntry]
    let agreements: [OrderAgreement]
    let variance: [VarianceShares]
  }
  let book = books[0]
  let numbers = try Numbers(
    runs: book.runs, scores: book.networks.flatMap(\.entries), agreements: book.networks.flatMap(\.orderAgreements),
    variance: book.varianceShares())
  let credit = book.credit(published: "means over 1,000 ImageNet images")
  let means = try book.table(numbers.scores)
  try experiment.write(
    Figure(means, credit: "\(ScoreBook.meaning) \(credit)"), tables: [means],
    numbers: numbers, from: book)

  //: Every semantic pullback has a twin that does the same with the gradient. Their difference on the same images, with
  //: the same random numbers, is the effect of the soft rules: under the six metrics, and for the pullbacks that were
  //: scored there under insertion and deletion. A good randomised logit is one near zero, so magnitudes are compared.
  //: Pullbacks resemble each other: the file beside the table says how strongly their scores are correlated. It also
  //: compares the soft pullback and pullback ascent with the explainers without a twin, image by image.

  struct Twins: Encodable {
    let runs: [ScoreBook.Run]
    let comparisons: [PairedComparison]
    let tallies: [VerdictTally]
    let correlations: [ScoreCorrelation]
    let rivals: [PairedComparison]
  }
  let paper = Array(books.prefix(2))
  let comparisons = try paper.twinComparisons()
  let twins = try Twins(
    runs: paper.flatMap(\.runs), comparisons: comparisons, tallies: comparisons.tallies,
    correlations: book.pullbackCorrelations(), rivals: paper.rivalComparisons())
  let differences = paper.table(comparisons)
  let meaning = "A pullback less its gradient twin. \([ScoreBook].credit(comparisons)) \(credit)"
  try experiment.write(
    Figure(differences, credit: meaning), part: "twins", tables: [differences], numbers: twins, from: book)

  //: Other explainers are made of gradients too: SHAP averages them, integrated gradients go along a line, DeepLift
  //: multiplies by the input, Guided Grad-CAM by a coarse map. Version 6 of the paper puts the soft pullback in the
  //: gradient's place in each, as it does with the four above. The metrics are those of all tables, on every
  //: fourth of the first one's images.

  struct Variants: Encodable {
    let runs: [ScoreBook.Run]
    let scores: [ScoreEntry]
    let comparisons: [PairedComparison]
    let tallies: [VerdictTally]
  }
  let recipes = books[2]
  guard !recipes.networks.isEmpty else { return }
  let pairs = try [recipes].twinComparisons()
  let variants = Variants(
    runs: recipes.runs, scores: recipes.networks.flatMap(\.entries), comparisons: pairs, tallies: pairs.tallies)
  let gains = [recipes].table(pairs)
  try experiment.write(
    Figure(
      gains,
      credit: "A recipe over the pullback less the same over the gradient. \([ScoreBook].credit(pairs)) "
        + recipes.credit()),
    part: "variants", tables: [gains], numbers: variants, from: recipes)
}
