//: # Table 3: localisation
//: > Mean scores by where the explanation lies, with 95 % intervals.
//:
//: Where does an explanation point? Focus asks on mosaics of four images which tiles speak for a class. Where the
//: object's mask is known, four more metrics ask whether the explanation lies on the object, and one whether it lies on
//: the parts that the class is known by.

import ExperimentKit

Experiment.run("table3", on: .localisation) { experiment, book in

  //: Maps of noise were scored like the explainers' own: their scores are chance, for these images and these
  //: definitions. The file beside the table compares each pullback with its gradient twin, image by image,
  //: and two of them with the explainers without a twin and with chance.

  struct Numbers: Encodable {
    let runs: [ScoreBook.Run]
    let scores: [ScoreEntry]
    let comparisons: [PairedComparison]
    let tallies: [VerdictTally]
    let rivals: [PairedComparison]
    let agreements: [OrderAgreement]
  }
  let comparisons = try [book].twinComparisons()
  let numbers = try Numbers(
    runs: book.runs, scores: book.networks.flatMap(\.entries), comparisons: comparisons, tallies: comparisons.tallies,
    rivals: [book].rivalComparisons(), agreements: book.networks.flatMap(\.orderAgreements))
  let table = try book.table(numbers.scores)
  let credit = """
    \(ScoreBook.meaning) Chance: maps of noise. \
    \(book.credit(published: "means over 500 mosaics of ImageNet images"))
    """
  try experiment.write(Figure(table, credit: credit), tables: [table], numbers: numbers, from: book)
}
