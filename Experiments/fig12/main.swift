//: # Figure 12: maps and scores against the relative temperature c
//: > Maps and mean scores as the relative temperature c grows from a quarter to four. Dashed lines are the released
//: > temperatures.
//:
//: How wide should the noise be? In units of each channel's own standard deviation, an extension that is not in the
//: paper, one number c describes it for a whole network. The figure shows maps and scores for c from a quarter to four,
//: and where the released temperature of 0.6 lies in these units.

import ExperimentKit
import Foundation

Experiment.run("fig12", on: .knob) { experiment, book in
  let noises = Entrant.knob

  //: One image through every network of the tier, with the gradient at the left and the released temperature at the
  //: right. Seven of the eight multiples leave each map large enough.

  let scored = Set(book.networks.map(\.model))
  let subjects = try experiment.subjects(Gallery(photographs: ["macaw"])).filter {
    scored.contains($0.name)
  }
  let shown = noises.filter { $0 != 0.75 }
  let entrants =
    [Entrant(.gradient, Preset.paperV6.settings)] + shown.map { Entrant.relative(.softPullback, $0) }
    + [Entrant(.softPullback, Preset.paperV6.settings)]
  let explained = try subjects.map { try $0.explained(by: entrants, in: experiment.context)[0] }
  let grid = ImageGrid(
    columns: ["Image", "Gradient"] + shown.map { "c = \($0.inShort)" } + ["released τ"],
    try zip(subjects, explained).map { subject, view in
      ImageGrid.Row(
        subject.title,
        [try Picture(view.image.image)] + (try view.attributions.map { try experiment.heatMap($0.map) }))
    }, colorBars: [experiment.heatMapKey], width: Looks.Width.knob, gap: Looks.tightGap, turnsTitles: true)

  //: Scores against c, a curve for each network; the dotted level at the right end is the released temperature's score.

  struct Curve: Encodable {
    let model: String
    let metric: String
    let c: [Float]
    let mean: [Double?]
    let low: [Double?]
    let high: [Double?]
    let released: Double?
    /// The number of images that have no score, for each c; nil if all have one.
    let undefined: [Int]?
  }
  var curves: [Curve] = []
  let metrics = book.networks[0].metrics
  let plots = try metrics.map { metric -> LinePlot in
    var series: [LinePlot.Series] = []
    for (place, scores) in book.networks.enumerated() {
      let found = noises.map { scores[Entrant.relative(.softPullback, $0).name, metric] }
      let released = scores[Method.softPullback.rawValue, metric]?.mean
      let x = noises.map(Double.init)
      func values(_ value: (StoredScores.Statistics) -> Double) -> [Double] { found.map { $0.map(value) ?? .nan } }
      var line = try LinePlot.Series(
        scores.title, x: x, y: values(\.mean), low: values(\.low), high: values(\.high))
      line.look(network: place)
      line.lookBarred(place, of: book.networks.count, apart: 2.5)
      var level = try LinePlot.Series(
        "\(scores.title), released τ", x: [x[0], x.last!], y: Array(repeating: released ?? .nan, count: 2))
      level.look(network: place)
      level.dashes = Looks.expected[0]
      series += [line, level]
      curves.append(
        Curve(
          model: scores.model, metric: metric.rawValue, c: noises, mean: values(\.mean).map(\.orNil),
          low: values(\.low).map(\.orNil), high: values(\.high).map(\.orNil), released: released?.orNil,
          undefined: found.contains { $0.map { $0.undefined > 0 } ?? false } ? found.map { $0?.undefined ?? 0 } : nil))
    }
    return LinePlot(
      series,
      x: Axis("c", scale: .logarithmic, ticks: noises.map { Tick(Double($0), $0.inShort) }),
      y: Axis(metric.label, scale: metric == .infidelity ? .logarithmic : .linear), size: Looks.Plot.third,
      showsLegend: false)
  }

  //: The file beside the figure compares every c, and the released temperature, with the recommended c on the same
  //: images, corrected for the number of comparisons.

  let others =
    noises.filter { $0 != RelativeTemperatures.recommendedMultiple }.map { Entrant.relative(.softPullback, $0).name }
    + [Method.softPullback.rawValue]
  let recommended = Entrant.relative(.softPullback, RelativeTemperatures.recommendedMultiple).name
  let comparisons = try [book].comparisons(others.map { ($0, recommended) })

  //: The released temperature of each layer in units of its channels' standard deviations: the median channel, and from
  //: the 5th to the 95th percentile of channels.

  struct Layer: Encodable {
    let model: String
    let node: String
    let source: String
    let median: Double
    let low: Double
    let high: Double
  }
  var layers: [Layer] = []
  var series: [LinePlot.Series] = []
  for (place, subject) in subjects.enumerated() {
    let spreads = Spreads(of: subject.network)
    let own = subject.graph.nodes.compactMap { node -> Layer? in
      guard let kind = Temperatures.Kind(rawValue: node.operation.kind), kind != .maxpool,
        let spread = spreads[node.name]
      else { return nil }
      let ratios = spread.deviations.filter { $0 > 0 }.map { Double(kind.released / $0) }.sorted()
      guard !ratios.isEmpty else { return nil }
      func quantile(_ share: Double) -> Double { ratios[Int((share * Double(ratios.count - 1)).rounded())] }
      return Layer(
        model: subject.name, node: node.name, source: spread.source.rawValue, median: quantile(0.5),
        low: quantile(0.05), high: quantile(0.95))
    }
    guard own.count > 1 else { continue }
    layers += own
    var line = try LinePlot.Series(
      subject.title, x: own.indices.map { Double($0) / Double(own.count - 1) }, y: own.map(\.median),
      low: own.map(\.low), high: own.map(\.high))
    line.look(network: place)
    series.append(line)
  }
  let depth = LinePlot(
    series, x: Axis("depth of the layer", range: 0...1),
    y: Axis("released τ in units of σ", scale: .logarithmic), size: Looks.Plot.third, showsLegend: false)
  let legend = Legend(plots[0].legendEntries(), width: Looks.Width.knob)

  struct Numbers: Encodable {
    let runs: [ScoreBook.Run]
    let curves: [Curve]
    let comparisons: [PairedComparison]
    let layers: [Layer]
    let images: [ExplainedImage.Numbers]
  }
  let credit = """
    Above: the gradient, then soft pullbacks, as heat maps. Below: means over images and their 95 % bootstrap \
    intervals; arrows: which scores are good; dashed: the released temperatures. Last: the released temperature of \
    gates divided by the standard deviation of each channel that a batch norm tells of, median and 5th to 95th \
    percentile. \(book.credit())\(book.missingScores) \(subjects[0].credit)
    """
  try experiment.write(
    Figure(Panels([grid, legend, Panels(plots + [depth], columns: 3, isLettered: true)], columns: 1), credit: credit),
    numbers: Numbers(
      runs: book.runs, curves: curves, comparisons: comparisons, layers: layers, images: explained.map(\.numbers)),
    from: book)

  //: The same maps in finer steps around the recommended noise, for the slider of the page: of the networks whose images
  //: are as large as those of the first.

  let steps = Array(-14...6)
  let fine = steps.map { RelativeTemperatures.recommendedMultiple * Float(pow(2, Double($0) / 4)) }
  let filmed = subjects.filter { $0.graph.inputShape == subjects[0].graph.inputShape }
  let groups = try filmed.map { subject in
    let entrants =
      [Entrant(.gradient, Preset.paperV6.settings), Entrant(.softPullback, Preset.paperV6.settings)]
      + fine.map { Entrant.relative(.softPullback, $0) }
    let view = try subject.explained(by: entrants, in: experiment.context)[0]
    let maps = try view.attributions.map { try experiment.heatMap($0.map) }
    return Film.Group(
      subject.title,
      [
        .init("image", [try Picture(view.image.image)]), .init("gradient", [maps[0]]),
        .init("soft pullback, noise of c σ", Array(maps[2...])), .init("soft pullback, released τ", [maps[1]]),
      ])
  }
  let film = Film(
    axis: "c", labels: fine.map { decimal(Double($0), places: 2) },
    start: steps.firstIndex(of: 0)!, groups)
  try experiment.write(film, about: filmed)
}
