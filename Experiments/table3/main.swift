//: # Table 3: localisation
//:
//: Where does an explanation point? Focus asks on mosaics of four images which tiles speak for a class. Where the
//: object's mask is known, four more metrics ask whether the explanation lies on the object, and one whether it lies on
//: those of its parts that make it what it is.

import ExperimentKit

Experiment.run("table3", on: .localisation) { experiment, book in

  //: Maps of noise were scored like the explainers' own: what they reach is chance, for these images and these
  //: definitions. The numbers beside the table count which of a pullback and its gradient twin was better, image by
  //: image.

  struct Numbers: Encodable {
    let runs: [ScoreBook.Run]
    let scores: [ScoreEntry]
    let tallies: [DifferenceTally]
    let agreements: [OrderAgreement]
  }
  let numbers = Numbers(
    runs: book.runs, scores: book.networks.flatMap(\.entries), tallies: book.networks.flatMap(\.differenceTallies),
    agreements: book.networks.flatMap(\.orderAgreements))
  let table = book.table(numbers.scores)
  let credit = """
    Mean and 95 % bootstrap interval; the best of a block is bold. Chance: maps of noise. \
    \(book.credit(published: "means over 500 mosaics of ImageNet images"))
    """
  try experiment.write(Figure(table, credit: credit), tables: [table], numbers: numbers, from: book)
}
