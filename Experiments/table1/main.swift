//: # Table 1: faithfulness
//:
//: Does an attribution say what the network does when the image is changed? Does it stay when the change is negligible,
//: and differ when another class is asked for? Six metrics ask, with the definitions and the hyper-parameters of
//: version 6 of the paper; undefined scores are counted, not dropped.

import ExperimentKit

Experiment.run("table1", on: .faithfulness) { experiment, book in

  //: The scores of all images are committed; a mean stands with its 95 % bootstrap interval of 10,000 resamples. What
  //: the paper publishes, for a larger network of the same family on a thousand images of ImageNet, stands beside in
  //: grey: the order of explainers may be compared, the values may not.

  struct Numbers: Encodable {
    let runs: [ScoreBook.Run]
    let scores: [ScoreEntry]
    let agreements: [OrderAgreement]
  }
  let numbers = Numbers(
    runs: book.runs, scores: book.networks.flatMap(\.entries), agreements: book.networks.flatMap(\.orderAgreements))
  let credit = book.credit(published: "means over 1,000 ImageNet images")
  let means = book.table(numbers.scores)
  try experiment.write(
    Figure(means, credit: "Mean and 95 % bootstrap interval; the best of a block is bold. \(credit)"), tables: [means],
    numbers: numbers, from: book)

  //: Every semantic pullback has a twin that does the same with the gradient. Their difference on the same images, with
  //: the same random numbers, is what the soft rules do.

  struct Twins: Encodable {
    let runs: [ScoreBook.Run]
    let differences: [DifferenceEntry]
    let tallies: [DifferenceTally]
  }
  let twins = Twins(
    runs: book.runs, differences: book.networks.flatMap(\.differenceEntries),
    tallies: book.networks.flatMap(\.differenceTallies))
  let differences = book.table(twins.differences)
  let meaning = """
    Mean difference of a pullback and its gradient twin on the same image, and its 95 % bootstrap interval: bold where \
    the pullback is better and † where the gradient is, with the whole interval on that side of zero. \(credit)
    """
  try experiment.write(
    Figure(differences, credit: meaning), part: "twins", tables: [differences], numbers: twins, from: book)
}
