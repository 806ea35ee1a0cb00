//: # Figure 9: insertion and deletion
//: > Mean probability of the class as pixels are put into a blurred image, or taken out of the sharp one, in the
//: > order in which each explainer ranks them.
//:
//: The pixels that an explanation ranks first are put into a blurred image, or taken out of the sharp one: the sooner
//: the probability of the class rises, or falls, the better it ranked them. The area under the curve sums it up in one
//: number.

import ExperimentKit

Experiment.run("fig9", on: .curves) { experiment, book in

  //: The order of noise is chance. Both curves use images unlike those of training: a curve depends on the explanation
  //: and on how the network reacts to blurred and grey regions.

  struct Curve: Encodable {
    let model: String
    let explainer: String
    let metric: String
    let area: Double?
    let low: Double?
    let high: Double?
    let share: [Double]
    let probability: [Double]
    /// The number of images that have no area; nil if all have one.
    let undefined: Int?
  }
  struct Numbers: Encodable {
    let curves: [Curve]
    let comparisons: [PairedComparison]
    let rivals: [PairedComparison]
  }
  var curves: [Curve] = []

  //: Six curves in a plot can be told apart: those of two pullbacks, of their twins over the gradient, of integrated
  //: gradients and of chance. The file has the others as well.

  let twins: [Method] = [.softPullback, .pullbackAscent, .gradient, .gradientAscent]
  let drawn = (twins + [.integratedGradients]).map(\.rawValue) + [Entrant.chance.name]
  let dashes: [[Double]] = [[], [6, 2], [3, 1.5], [4, 2, 1, 2], [1, 1.8], [1, 3.5]]

  func plot(_ scores: StoredScores, _ metric: MetricName, title: String) throws -> LinePlot {
    var series: [LinePlot.Series] = []
    for (place, explainer) in scores.explainers.enumerated() {
      guard let curve = scores.curve(explainer, metric),
        let entry = scores.entries.first(where: { $0.explainer == explainer && $0.metric == metric.rawValue })
      else { continue }
      curves.append(
        Curve(
          model: scores.model, explainer: explainer, metric: metric.rawValue, area: entry.mean, low: entry.low,
          high: entry.high, share: curve.shares, probability: curve.mean,
          undefined: entry.undefined > 0 ? entry.undefined : nil))
      guard let rank = drawn.firstIndex(of: explainer) else { continue }
      let isPullback = Method(rawValue: explainer)?.usesSoftRules ?? false
      let hasBand = isPullback || explainer == Entrant.chance.name
      let count = entry.countNote.isEmpty ? "" : " (\(entry.countNote))"
      var line = try LinePlot.Series(
        "\(entry.abbreviation) \(NumberFormat([1])(entry.mean))\(count)", x: curve.shares, y: curve.mean,
        low: hasBand ? curve.low : [], high: hasBand ? curve.high : [])
      line.look(like: explainer, at: place)
      line.dashes = dashes[rank]
      series.append(line)
    }
    let isInsertion = metric == .insertion
    return LinePlot(
      series, x: Axis("share of pixels \(isInsertion ? "inserted" : "deleted")", range: 0...1),
      y: Axis("probability", range: 0...1), title: "\(title): \(metric.label)", size: Looks.Plot.halfWithLegend)
  }

  let plots = try book.networks.flatMap { scores in
    try [MetricName.insertion, .deletion].map { try plot(scores, $0, title: scores.title) }
  }
  //: The file beside the figure compares the areas image by image: of each pullback and its gradient twin, and of two
  //: pullbacks and the explainers without a twin.

  let numbers = try Numbers(
    curves: curves, comparisons: [book].twinComparisons(), rivals: [book].rivalComparisons())
  let credit = """
    Mean probability of the class; in the legend the mean area under the curve. Bands are 95 % bootstrap intervals, of \
    the pullbacks and of chance. Chance: the order of noise. \(book.credit())\(book.missingScores)
    """
  try experiment.write(
    Figure(Panels(plots, columns: 2, isLettered: true), credit: credit), numbers: numbers, from: book)
}
