//: # Table 5: the temperature in units of each channel's spread
//: > Mean scores of gradient, SmoothGrad, soft pullback and pullback ascent, at the released temperatures and at
//: > relative ones.
//: ## differences: relative temperatures against released ones
//: > Mean differences, image by image, between relative temperatures and the released ones.
//: ## localisation: localisation
//: > Mean scores by where the explanation lies, at the released temperatures and at relative ones.
//:
//: An extension that is not in the paper. One temperature for all channels means something else in every layer: 0.6 is
//: two standard deviations of a channel in the networks of the scenes, and about half of one in EfficientNet-Lite0.
//: Here it is a multiple c of each channel's own standard deviation. Does that make better explanations? The
//: explanations are scored on the same images, with the same random numbers, by the paper's six metrics, by insertion
//: and deletion, and by the metrics that use the object's mask.

import ExperimentKit

Experiment.run("table5", on: [.temperature, .temperatureLocalisation]) { experiment, books in

  //: Gradient and SmoothGrad stand beside the soft pullback and pullback ascent, each with the released temperatures
  //: and with c = 1, 1.5 and 2.

  struct Numbers: Encodable {
    let runs: [ScoreBook.Run]
    let scores: [ScoreEntry]
  }
  for (book, part) in zip(books, [nil, "localisation"]) {
    let numbers = Numbers(runs: book.runs, scores: book.networks.flatMap(\.entries))
    let table = try book.table(numbers.scores)
    try experiment.write(
      Figure(table, credit: "\(ScoreBook.meaning) \(book.credit())"),
      part: part, tables: [table], numbers: numbers, from: book)
  }

  //: A relative temperature against the released one, the gradient and SmoothGrad, image by image. There are hundreds
  //: of such comparisons; a verdict counts if it holds after Holm's correction for all of them together.

  let relative = Entrant.relativeNoises.map { Entrant.relative(.softPullback, $0).name }
  let ascents = Entrant.relativeNoises.map { Entrant.relative(.pullbackAscent, $0).name }
  let pairs =
    [Method.softPullback, .gradient, .smoothGrad].flatMap { reference in relative.map { ($0, reference.rawValue) } }
    + ascents.map { ($0, Method.pullbackAscent.rawValue) }
  struct Comparisons: Encodable {
    let runs: [ScoreBook.Run]
    let comparisons: [PairedComparison]
    let tallies: [VerdictTally]
  }
  let comparisons = try books.comparisons(pairs)
  let table = books.table(comparisons)
  let credit = "\([ScoreBook].credit(comparisons)) \(books[0].credit())"
  try experiment.write(
    Figure(table, credit: credit), part: "differences", tables: [table],
    numbers: Comparisons(runs: books.flatMap(\.runs), comparisons: comparisons, tallies: comparisons.tallies),
    from: books[0])
}
