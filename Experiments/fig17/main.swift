//: # Figure 17: directions and gates along an ascent
//: > How far the direction of an ascent turns from its first one, and the share of ReLUs that stay as they were at
//: > the image, for three kinds of gates, before and after training.
//:
//: Versions 1 to 4 of the paper softened the gates of ReLU by a logistic function and explained the result by a
//: hypothesis: training makes the set of active paths through a network stable, and soft gates follow the paths that
//: are stable. Two things follow that can be measured. The direction of an ascent should hardly turn from step to step,
//: and less with soft gates than with hard ones; and the gates should stay as they are while the image changes, more so
//: after training than before.

import ExperimentKit
import Training

Experiment.run("fig17") { experiment in

  //: The networks whose gates are all ReLUs, trained and as they were before training, and twenty images.

  let count = experiment.options.quick ? 2 : 20
  var gallery = Gallery(photographs: [], scenes: SceneSamples.clearScenes(count))
  gallery.count = count
  let subjects = try experiment.subjects(gallery).filter { subject in
    subject.graph.nodes.allSatisfy { !["gelu", "relu6"].contains($0.operation.kind) }
  }
  let rules: [(name: String, set: RuleSet)] = [
    ("gradient", .gradient), ("logistic gates, τ = 0.3", .excitationPullback()),
    ("normal gates, τ = 0.6", .softPullback()),
  ]
  let steps = 10

  //: Ten steps towards the image's own class, as long as those of pullback ascent. At every step: the cosine of the
  //: direction with the first one, and the share of ReLUs whose gate is as it was at the image, averaged over layers so
  //: that large maps do not count more than small ones.

  func gates(_ network: Network, _ x: Tensor) throws -> [Tensor] {
    let names = network.graph.nodes.filter { $0.operation is ReLU }.map { network.graph.nodes[$0.inputs[0]].name }
    let trace = try network.trace(at: x, rules: [], keeping: names)
    return try names.map { try trace.activation($0) }
  }
  /// The share of places with equal signs, for each image and layer.
  func agreement(_ a: [Tensor], _ b: [Tensor]) -> [[Double]] {
    let images = a[0].shape[0]
    return (0..<images).map { image in
      zip(a, b).map { a, b in
        let (a, b) = (a.image(image).scalars, b.image(image).scalars)
        return Double(zip(a, b).count { ($0 > 0) == ($1 > 0) }) / Double(a.count)
      }
    }
  }

  struct Walk: Encodable {
    let model: String
    let trained: Bool
    let rules: String
    /// The cosine by step of the image; the mean over images and its 95 % bootstrap interval.
    let cosine: [Interval]
    let gates: [Interval]
  }
  struct Interval: Encodable {
    let mean: Double
    let low: Double
    let high: Double

    /// The intervals of the rows of `values`, which share their resamples.
    static func all(_ values: [[Double]], _ seed: UInt64) -> [Interval] {
      zip(values, Bootstrap(seed: seed).intervals(ofMeans: values)).map { values, interval in
        Interval(mean: values.average, low: interval!.low, high: interval!.high)
      }
    }
  }
  var walks: [Walk] = []
  for subject in subjects {
    let record = try SceneNetwork(rawValue: subject.name).map { try TrainingRecord($0).report.recipe }
    let untrained = try Network(
      untrained: subject.graph, seed: record?.seed ?? experiment.options.seed,
      normScale: record?.normScale ?? Recipe.usualNormScale)
    let images = try subject.images
    let batch = Tensor(batching: images.map(\.image))
    let targets = images.map(\.target)
    for (network, isTrained) in [(subject.network, true), (untrained, false)] {
      let atStart = try gates(network, batch)
      for (name, set) in rules {
        let ascent = PullbackAscent(set, name: name, steps: steps)
        var directions: [Tensor] = []
        var iterate = batch
        var agreements: [[Double]] = []
        for step in 0..<steps {
          let next = try ascent.step(
            step, at: iterate, from: batch, .classes(targets), of: network, in: experiment.context)
          directions.append(next - iterate)
          iterate = next
          agreements.append(agreement(atStart, try gates(network, iterate)).map(\.average))
        }
        let cosines = directions.map { direction in
          images.indices.map { cosine(directions[0].image($0), direction.image($0)) }
        }
        walks.append(
          Walk(
            model: subject.name, trained: isTrained, rules: name,
            cosine: Interval.all(cosines, experiment.options.seed),
            gates: Interval.all(agreements, experiment.options.seed)))
      }
    }
  }

  //: A column for each network; above the directions, below the gates. Whole lines are trained networks, dashed ones
  //: the same before training.

  func plot(
    _ subject: Subject, _ title: String?, _ y: Axis, _ value: (Walk) -> [Interval]
  ) throws -> LinePlot {
    let series = try walks.filter { $0.model == subject.name }.map { walk -> LinePlot.Series in
      let values = value(walk)
      var line = try LinePlot.Series(
        "\(walk.rules), \(walk.trained ? "trained" : "untrained")", x: values.indices.map { Double($0 + 1) },
        y: values.map(\.mean), low: values.map(\.low), high: values.map(\.high))
      let place = rules.firstIndex { $0.name == walk.rules }!
      line.color = .okabeIto[place]
      line.marker = [.triangle, .square, .disc][place]
      line.dashes = walk.trained ? [] : [2.5, 1.5]
      return line
    }
    return LinePlot(
      series, x: Axis("step"), y: y, title: title, size: Looks.Plot.half, showsLegend: false)
  }
  let above = try subjects.map {
    try plot($0, $0.title, Axis("cosine with the first step", range: -0.4...1.02), \.cosine)
  }
  let below = try subjects.map { try plot($0, nil, Axis("gates as at the image", range: 0.5...1.02), \.gates) }
  let legend = Legend(above[0].legendEntries(), width: 520)
  let credit = """
    Means over \(try subjects[0].images.count) images and their 95 % bootstrap intervals. A step is as long as in \
    pullback ascent; the goal is the image's own class. \(subjects[0].credit)
    """
  try experiment.write(
    Figure(
      Panels([legend, Panels(above + below, columns: subjects.count, isLettered: true)], columns: 1), credit: credit),
    numbers: walks, about: subjects)
}
