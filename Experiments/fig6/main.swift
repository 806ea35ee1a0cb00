//: # Figure 6: scores against the hyper-parameters
//: > Mean scores of soft pullback and pullback ascent as one hyper-parameter changes and the others keep their
//: > preset, which a dashed line marks. Bars are 95 % intervals of the mean.
//: ## published: the same as the paper publishes it
//: > Published mean scores of the paper's networks for the same hyper-parameters, where there are some.
//:
//: One column for each hyper-parameter of the semantic pullbacks, one row for each metric, a colour for each network. A
//: method whose results depended on the exact choice of a temperature would be hard to trust.

import ExperimentKit

Experiment.run("fig6", on: .settings) { experiment, book in

  let metrics = book.networks.flatMap(\.metrics).uniqued
  let parameters = SweptParameter.allCases.filter { parameter in
    book.networks.contains { $0.sweptParameters.contains(parameter) }
  }

  //: The scores are those of table 2: every setting counts as an explainer of its own in one benchmark run, so that all
  //: settings meet the same perturbed images.

  struct Curve: Encodable {
    let model: String
    let method: String
    let parameter: String
    let metric: String
    let x: [Double]
    let mean: [Double?]
    let low: [Double?]
    let high: [Double?]
    /// The number of images that have no score, at each abscissa; nil if all have one.
    let undefined: [Int]?
  }
  var numbers: [Curve] = []

  //: A row has one range of ordinates, so that a glance along it shows which hyper-parameter matters most.

  func ordinates(_ metric: MetricName) -> Axis {
    let found = book.networks.flatMap(\.entries).filter { $0.metric == metric.rawValue }
    let values = found.flatMap { [$0.low, $0.mean, $0.high] }.compactMap { $0 }
    guard let low = values.min(), let high = values.max(), low < high else { return Axis() }
    let room = 0.05 * (high - low)
    return metric == .infidelity && low > 0
      ? Axis(scale: .logarithmic, range: low / 1.1...high * 1.1) : Axis(range: low - room...high + room)
  }

  func plot(_ metric: MetricName, _ parameter: SweptParameter) throws -> LinePlot {
    var series: [LinePlot.Series] = []
    for (place, scores) in book.networks.enumerated() where scores.sweptParameters.contains(parameter) {
      for method in parameter.methods {
        let found = parameter.values.compactMap { value in
          scores.entry(method, parameter, value, metric).map { (value, $0) }
        }
        guard !found.isEmpty else { continue }
        let curve = Curve(
          model: scores.model, method: method.rawValue, parameter: parameter.rawValue, metric: metric.rawValue,
          x: found.map(\.0), mean: found.map(\.1.mean), low: found.map(\.1.low), high: found.map(\.1.high),
          undefined: found.contains { $0.1.undefined > 0 } ? found.map(\.1.undefined) : nil)
        numbers.append(curve)
        var line = try LinePlot.Series(
          "\(scores.title), \(method.abbreviation)", x: curve.x, y: curve.mean.map { $0 ?? .nan },
          low: curve.low.map { $0 ?? .nan }, high: curve.high.map { $0 ?? .nan })
        line.look(like: method, network: place)
        line.lookBarred(
          2 * place + (method == .softPullback ? 0 : 1), of: 2 * book.networks.count, apart: 1)
        series.append(line)
      }
    }

    //: Titles of columns name the abscissae and the last row has their values; the first column names the
    //: ordinates. The dashed line is the preset's value.

    var y = ordinates(metric)
    if parameter == parameters[0] { y.label = metric.label }
    let isLast = metric == metrics.last
    var plot = LinePlot(
      series,
      x: Axis(
        scale: .logarithmic, ticks: parameter.labelled.map { Tick($0, isLast ? parameter.text($0) : "") }),
      y: y, title: metric == metrics[0] ? parameter.title : nil, size: Looks.Plot.many, showsLegend: false)
    plot.marks = [parameter.standard]
    return plot
  }

  func panels(_ plots: [[LinePlot]]) -> Panels {
    var entries: [Legend.Key] = []
    for plot in plots.flatMap(\.self) {
      for entry in plot.legendEntries() where !entries.contains(where: { $0.label == entry.label }) {
        entries.append(entry)
      }
    }
    let columns = plots[0].count
    return Panels(
      [
        Legend(entries, width: Looks.Plot.many.width * Double(columns)),
        Panels(plots.flatMap(\.self), columns: columns, gap: 6),
      ], columns: 1, gap: 8)
  }
  let upright = "arrows: which scores are good. Dashed upright: the preset."
  let figure = Figure(
    panels(try metrics.map { metric in try parameters.map { try plot(metric, $0) } }),
    credit: """
      Means over images and their 95 % bootstrap intervals; \(upright) \
      α is that of images of 3 × 224 × 224 values; others take it times sqrt(n / 150528). \
      \(book.credit())\(book.missingScores)
      """)
  try experiment.write(figure, numbers: numbers, from: book)

  //: The paper publishes the same for its larger networks, under four of the metrics and for fewer values. Their scale is
  //: another, so they have a figure of their own.

  struct Published: Encodable {
    let model: String
    let method: String
    let parameter: String
    let metric: String
    let x: [Double]
    let mean: [Double]
  }
  let published = try book.networks.enumerated().flatMap { place, scores in
    try parameters.flatMap { parameter in
      try parameter.methods.flatMap { method in
        try metrics.compactMap { metric -> (curve: Published, series: LinePlot.Series)? in
          let found = parameter.values.compactMap { value in
            scores.entry(method, parameter, value, metric)?.publishedMean.map { (value, $0) }
          }
          guard found.count > 1, let network = scores.published else { return nil }
          var line = try LinePlot.Series(
            "\(network.title), \(method.abbreviation)", x: found.map(\.0), y: found.map(\.1))
          line.look(like: method, network: place)
          return (
            Published(
              model: network.model, method: method.rawValue, parameter: parameter.rawValue, metric: metric.rawValue,
              x: found.map(\.0), mean: found.map(\.1)), line
          )
        }
      }
    }
  }
  let rows = metrics.filter { metric in published.contains { $0.curve.metric == metric.rawValue } }
  let columns = parameters.filter { parameter in published.contains { $0.curve.parameter == parameter.rawValue } }
  guard !rows.isEmpty else { return }
  let plots = rows.map { metric in
    columns.map { parameter in
      let isFirst = parameter == columns[0]
      let row = published.filter { $0.curve.metric == metric.rawValue }
      let (low, high) = (row.flatMap(\.curve.mean).min()!, row.flatMap(\.curve.mean).max()!)
      let room = 0.08 * (high - low)
      var plot = LinePlot(
        row.filter { $0.curve.parameter == parameter.rawValue }.map(\.series),
        x: Axis(
          scale: .logarithmic,
          ticks: parameter.labelled.map { Tick($0, metric == rows.last ? parameter.text($0) : "") }),
        y: Axis(isFirst ? metric.label : "", range: low - room...high + room),
        title: metric == rows[0] ? parameter.title : nil, size: Looks.Plot.many, showsLegend: false)
      plot.marks = [parameter.standard]
      return plot
    }
  }
  try experiment.write(
    Figure(
      panels(plots),
      credit: "As version 6 of the paper publishes it: means over 500 ImageNet images, without intervals; \(upright)"),
    part: "published", numbers: published.map(\.curve), from: book)
}
