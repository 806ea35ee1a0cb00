//: # Table 2: scores for every value of the hyper-parameters
//: > Mean scores of the VGG for every value of one hyper-parameter, the others at their preset.
//: ## resnet: the same for the ResNet
//: > Mean scores of the ResNet for every value of one hyper-parameter, the others at their preset.
//: ## pvt: the same for the PVT
//: > Mean scores of the transformer for every value of one hyper-parameter, the others at their preset.
//:
//: The temperatures of the soft rules, and of the ascent the number of steps and their length, changed one at a time.
//: The scores are those that figure 6 draws as curves.

import ExperimentKit

Experiment.run("table2", on: .settings) { experiment, book in

  //: A block of rows for each explainer; its first line is the preset, from which the others differ in one value. The
  //: paper publishes four of the metrics, over 500 images of ImageNet, on its larger networks. A mark says that a
  //: setting is better or worse than the preset, image by image, after correction for all settings of the table: with
  //: twenty images most differences cannot be told from zero.

  struct Setting: Encodable {
    let method: String
    let parameter: String
    let value: Double
    let isPreset: Bool
    let score: ScoreEntry
    /// Its difference from the preset; nil for the preset itself.
    let change: PairedComparison?
  }
  let publishedMetrics: [MetricName] = [
    .infidelity, .faithfulnessCorrelation, .faithfulnessEstimate, .randomLogit,
  ]

  //: A table for each network.

  for (index, book) in book.separately.enumerated() {
    let scores = book.networks[0]
    let metrics = scores.metrics
    let isPublished = metrics.contains { metric in
      scores.entry(.softPullback, .steps, SweptParameter.steps.standard, metric)?.publishedMean != nil
    }
    let beside = isPublished ? publishedMetrics.filter(metrics.contains) : []
    let settings = [Method.softPullback, .pullbackAscent].flatMap { method in
      scores.sweptParameters.filter { $0.methods.contains(method) }.flatMap { parameter in
        parameter.values.filter { $0 != parameter.standard }
          .map { (parameter.name(method, $0), method.rawValue) }
      }
    }
    let changes = try [book].comparisons(settings)
    var numbers: [Setting] = []
    var rows: [Table.Row] = [.heading(ScoreBook.heading(scores, isBesidePublished: isPublished))]
    func change(_ score: ScoreEntry) -> PairedComparison? {
      changes.first { $0.explainer == score.explainer && $0.metric == score.metric }
    }
    for method in [Method.softPullback, .pullbackAscent] {
      var block: [(label: String, found: [ScoreEntry])] = []
      func add(_ label: String, _ parameter: SweptParameter, _ value: Double) {
        let found = metrics.compactMap { scores.entry(method, parameter, value, $0) }
        if !found.isEmpty { block.append((label, found)) }
        numbers += found.map { score in
          Setting(
            method: method.rawValue, parameter: parameter.rawValue, value: value,
            isPreset: value == parameter.standard, score: score, change: change(score))
        }
      }
      let parameters = scores.sweptParameters.filter { $0.methods.contains(method) }
      for (index, parameter) in parameters.enumerated() {
        if index == 0 { add("preset", parameter, parameter.standard) }
        for value in parameter.values where value != parameter.standard {
          add("\(parameter.title) = \(parameter.text(value))", parameter, value)
        }
      }
      let columns = metrics.map { metric in block.map { $0.found.first { $0.metric == metric.rawValue }?.mean } }
      let formats = columns.map { NumberFormat($0.compactMap { $0 }) }
      if method == .pullbackAscent { rows.append(.rule) }
      for (line, (label, found)) in block.enumerated() {
        let here = metrics.indices.map { column -> Table.Cell in
          let verdict = found.first { $0.metric == metrics[column].rawValue }.flatMap(change)?.correctedVerdict
          return Table.Cell(formats[column](columns[column][line]) + (verdict?.mark ?? ""))
        }
        let there = beside.map { metric -> Table.Cell in
          let format = NumberFormat(
            block.compactMap { line in line.found.first { $0.metric == metric.rawValue }?.publishedMean })
          return .muted(found.first { $0.metric == metric.rawValue }?.publishedMean.map(format.callAsFunction) ?? "")
        }
        rows.append(.cells([Table.Cell(line == 0 ? method.abbreviation : ""), Table.Cell(label)] + here + there))
        let counts = metrics.map { metric in found.first { $0.metric == metric.rawValue }?.countNote ?? "" }
        if counts.contains(where: { !$0.isEmpty }) { rows.append(.notes(["", ""] + counts)) }
      }
    }
    let table = Table(
      [.init("", .left), .init("Setting", .left)] + (metrics + beside).map { .init($0.heading) }, rows,
      groups: ScoreBook.groups(2, measured: metrics.count, published: beside.count), gap: 8,
      footnote: numbers.map(\.score).footnote)
    let credit = """
      Means; ▲ better and ▼ worse than the preset on the same images, with a p-value of the sign-flip test below 0.05 \
      after Holm's correction for all \(changes.count) comparisons. α is that of images of 3 × 224 × 224 values; \
      others take it times sqrt(n / 150528). \
      \(book.credit(published: isPublished ? "means over 500 ImageNet images" : nil)) Intervals are in the \
      numbers beside this table and in figure 6.
      """
    try experiment.write(
      Figure(table, credit: credit), part: index == 0 ? nil : scores.model.replacing("-scenes", with: ""),
      tables: [table], numbers: numbers, from: book)
  }
}
