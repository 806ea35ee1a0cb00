//: # Figure 10: the soft rules are averages
//: > The soft rules of ReLU, ReLU6 and max pooling beside averages of the hard rules over random draws, and what is
//: > left between them; the relative rule at three spreads of a channel; and the output beside what the hard
//: > pullback and the biases add up to.
//:
//: The soft pullback's rules were not chosen because their maps look smooth. Each is the average of the layer's hard
//: rule over a random perturbation of its pre-activations: Gaussian for the gates of ReLU and ReLU6, Gumbel for the
//: switches of max pooling. Here the averages are computed from many random draws with the library's hard rules, and
//: plotted over its soft rules.

import ExperimentKit
import Foundation

Experiment.run("fig10") { experiment in

  //: Three networks of a single layer, each along a row of pre-activations z. In the pool's window of four the other
  //: values are zero.

  let row = (0...40).map { Float($0) / 40 }
  let layers = [
    try SingleLayer("ReLU", .relu, z: row.map { $0 * 5 - 2.5 }, input: [1], noise: .gaussian) { $0.relu() },
    try SingleLayer("ReLU6", .relu6, z: row.map { $0 * 11 - 2.5 }, input: [1], noise: .gaussian) { $0.relu6() },
    try SingleLayer("max pool", .maxpool, z: row.map { $0 * 3 - 1 }, input: [1, 2, 2], noise: .gumbel) {
      $0.maxPool(kernel: 2)
    },
  ]

  //: The averages over growing numbers of draws, and how far they are from the soft rule: the root of the mean square
  //: over z. Of n independent gates, each open with probability p, the average is expected to be off by sqrt(p (1 - p)
  //: / n).

  struct Average: Encodable {
    let layer: String
    let z: [Double]
    let soft: [Double]
    let average: [Double]
    let draws: [Double]
    let error: [Double]
    let expectedError: [Double]
  }

  let milestones = (experiment.options.quick ? [10, 30, 100, 300] : [10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000])
  let averages = try layers.map { layer in
    let soft = try layer.softGates()
    let variance = soft.reduce(0) { $0 + $1 * (1 - $1) } / Double(soft.count)
    var sums = soft.map { _ in 0.0 }
    var errors: [Double] = []
    for draw in 0..<milestones.last! {
      sums = zip(sums, try layer.perturbedGates(seed: experiment.options.seed, draw: draw)).map { $0 + $1 }
      if milestones.contains(draw + 1) {
        let squares = zip(sums, soft).map { pow($0 / Double(draw + 1) - $1, 2) }
        errors.append((squares.reduce(0, +) / Double(soft.count)).squareRoot())
      }
    }
    return Average(
      layer: layer.name, z: layer.z.map(Double.init), soft: soft, average: sums.map { $0 / Double(milestones.last!) },
      draws: milestones.map(Double.init), error: errors,
      expectedError: milestones.map { (variance / Double($0)).squareRoot() })
  }

  //: Three panels show that the averages lie on the rules; the fourth shows that the remaining error is that of the
  //: draws.

  var panels: [any Drawable] = try averages.map { average in
    var measured = try LinePlot.Series("average of \(milestones.last!) hard rules", x: average.z, y: average.average)
    measured.style = .points
    return LinePlot(
      [try .init("soft rule", x: average.z, y: average.soft), measured], x: Axis("z"),
      y: Axis(average.layer == "max pool" ? "share of v" : "gate", range: -0.05...1.05), title: average.layer)
  }
  var expected = try averages.map { try LinePlot.Series("", x: $0.draws, y: $0.expectedError) }
  for index in expected.indices { expected[index].lookExpected(.okabeIto[index], at: index) }
  panels.append(
    LinePlot(
      try averages.map { try .init($0.layer, x: $0.draws, y: $0.error) } + expected,
      x: Axis("draws n", scale: .logarithmic), y: Axis("error", scale: .logarithmic),
      title: "Monte-Carlo error; dashed as expected"))

  //: The relative rule, an extension of this package, gives the noise a standard deviation of c times each channel's
  //: own, sigma. In units of sigma the gates of all channels are then one curve, `Phi(z / (c sigma))`: multiplying a
  //: channel by any number moves its values and its gates together. With one temperature for all, the same channels
  //: have three different gates.

  struct Channel: Encodable {
    let sigma: Float
    let zOverSigma: [Double]
    let relative: [Double]
    let average: [Double]
    /// The gates by the rule with one temperature, at places of its own.
    let soft: [Double]
    let softZOverSigma: [Double]
  }

  let (layer, fine) = (try ChannelsOfReLU(places: 14), try ChannelsOfReLU(places: 61))
  var sums = layer.units.map { $0.map { _ in 0.0 } }
  for draw in 0..<milestones.last! {
    sums = zip(sums, try layer.perturbedGates(seed: experiment.options.seed, draw: draw)).map { zip($0, $1).map(+) }
  }
  let (relative, soft) = (try layer.relativeGates(), try fine.softGates())
  let channels = layer.deviations.indices.map { index in
    Channel(
      sigma: layer.deviations[index], zOverSigma: layer.units[index], relative: relative[index],
      average: sums[index].map { $0 / Double(milestones.last!) }, soft: soft[index],
      softZOverSigma: fine.units[index])
  }
  let curve = zip(channels.flatMap(\.zOverSigma), channels.flatMap(\.relative)).sorted { $0.0 < $1.0 }
  var rule = try LinePlot.Series("relative rule", x: curve.map(\.0), y: curve.map(\.1))
  (rule.style, rule.color) = (.line, Theme.paper.ink)
  var spreads: [LinePlot.Series] = []
  for (index, channel) in channels.enumerated() {
    var fixed = try LinePlot.Series("", x: channel.softZOverSigma, y: channel.soft)
    fixed.lookExpected(.okabeIto[index], at: index)
    var points = try LinePlot.Series(
      "σ = \(String(format: "%g", channel.sigma))", x: channel.zOverSigma, y: channel.average)
    (points.style, points.color) = (.points, .okabeIto[index])
    spreads += [fixed, points]
  }
  panels.append(
    LinePlot(
      [rule] + spreads, x: Axis("z / σ"), y: Axis("gate", range: -0.05...1.05),
      title: "Relative rule; dashed at one τ for all"))

  //: Completeness: a network of ReLUs, ReLU6s and max pools is `f(x) = <nu(x), x> + b(x)`, with nu the hard pullback. The
  //: bias part is summed up separately, over all constants of the network, so that the sum is a test: it equals the
  //: value. This panel alone takes whole networks and images; on photographs it is the only one, as the others are the
  //: same there.

  struct Completeness: Encodable {
    let network: String
    let value: [Double]
    let linear: [Double]
    let bias: [Double]
    /// The largest residual, relative to the largest value.
    let residual: Double
  }

  let count = experiment.options.quick ? 2 : 20
  let images = Gallery(
    photographs: ImageNetTier.photographs.prefix(count).map(\.name), scenes: SceneSamples.clearScenes(count))
  let subjects = experiment.options.networks == .paper ? [] : try experiment.subjects(images)
  let completeness = try subjects.filter { !$0.name.hasPrefix("pvt") }.map { subject in
    let parts = try subject.images.map {
      try AffineParts(of: subject.network, at: $0.image, .classes([$0.target]))
    }
    return Completeness(
      network: subject.title, value: parts.map(\.value), linear: parts.map(\.linear), bias: parts.map(\.bias),
      residual: parts.map { abs($0.residual) }.max()! / parts.map { abs($0.value) }.max()!)
  }
  if experiment.options.networks == .imagenet { panels = [] }
  if !completeness.isEmpty {
    let sums = completeness.map { zip($0.linear, $0.bias).map { $0 + $1 } }
    let ends = [(completeness.flatMap(\.value) + [0]).min()!, completeness.flatMap(\.value).max()!]
    var diagonal = try LinePlot.Series("", x: ends, y: ends)
    diagonal.lookExpected(Theme.paper.mutedInk)
    let points = try zip(completeness, sums).map { found, sums in
      var series = try LinePlot.Series(
        "\(found.network), off by \(scientific(found.residual))", x: found.value, y: sums)
      series.style = .points
      return series
    }
    panels.append(
      LinePlot(
        points + [diagonal], x: Axis("f(x)"), y: Axis("⟨ν(x), x⟩ + b(x)"),
        title: "Completeness of the hard pullback"))
  }

  struct Findings: Encodable {
    let averages: [Average]
    let relative: [Channel]
    let completeness: [Completeness]
  }

  try experiment.write(
    Figure(
      Panels(panels, columns: 2, isLettered: panels.count > 1),
      credit: experiment.options.networks == .imagenet ? subjects[0].credit : nil),
    numbers: Findings(averages: averages, relative: channels, completeness: completeness), about: subjects)
}
