//: # Figure 11: explanations under rescaled channels
//: > Three forms of the same function, whose hidden channels are rescaled, explained at one temperature for all
//: > channels and at one relative to each channel's spread; and how alike the maps remain as the factors grow.
//:
//: Multiply a hidden channel by a number and divide the weights that read it by the same number: the network computes
//: the same function, with the same gradient. Is the explanation the same too? With one temperature for all channels it
//: is not: the same τ is then wide for one channel and narrow for another. With a temperature relative to each
//: channel's own spread, an extension of this package, it is.

import ExperimentKit

Experiment.run("fig11") { experiment in
  let subjects = try experiment.subjects(Gallery(photographs: ["chelsea", "macaw", "bee"]))

  //: Every hidden channel whose scale is free is multiplied by a power of two, drawn evenly from 2⁻ᵉ to 2ᵉ. A clip, as
  //: in ReLU6, gets the limits of its channel. Powers of two keep every bit of the network's value, so that what
  //: differs is the explanation alone.

  let exponents = Array(0...6)
  let seeds: [UInt64] = experiment.options.quick ? [1] : [1, 2]
  let entrants = Entrant.pictured([.softPullback], Preset.paperV6.settings)

  struct Similarity: Encodable {
    let model: String
    let explainer: String
    let exponent: Int
    /// The cosines of the maps before and after, for each image and drawing of the factors.
    let cosines: [Double]
    let channels: Int
  }
  var numbers: [Similarity] = []
  var (plots, grids): ([LinePlot], [ImageGrid]) = ([], [])

  for subject in subjects {
    let images = try subject.images
    let batch = Tensor(batching: images.map(\.image))
    let selector = Selector.classes(images.map(\.target))

    //: The released rules know ReLU6 and not a clip with other limits: its rule is the same average.

    let released = PullbackAverage(
      .softPullback().overriding(.kind("clip"), with: AveragedGate(deviation: Temperatures.Kind.relu6.released)),
      name: entrants[0].name)
    func maps(_ network: Network) throws -> [Tensor] {
      try [released, entrants[1].explainer(for: network)].attributeAll(
        batch, [selector], of: network, in: experiment.context
      ).map { $0[0] }
    }
    let before = try maps(subject.network)
    var shown = before.map { [$0.image(0)] }
    var cosines = [[[Double]]](repeating: [], count: entrants.count)
    for exponent in exponents {
      var found = [[Double]](repeating: [], count: entrants.count)
      for seed in seeds {
        let after = try maps(subject.network.rescaled(byPowersOfTwoUpTo: exponent, seed: seed))
        for place in entrants.indices {
          found[place] += images.indices.map { cosine(before[place].image($0), after[place].image($0)) }
          if seed == seeds[0], [1, 3].contains(exponent) { shown[place].append(after[place].image(0)) }
        }
      }
      for place in entrants.indices {
        cosines[place].append(found[place])
        numbers.append(
          Similarity(
            model: subject.name, explainer: entrants[place].name, exponent: exponent,
            cosines: found[place], channels: subject.network.rescalableChannels.count))
      }
    }

    //: A row of maps for each temperature: as the network came, and with factors up to 2 and up to 8.

    grids.append(
      ImageGrid(
        columns: ["Image", "as it came", "factors to 2", "to 8"],
        try entrants.indices.map { place in
          ImageGrid.Row(
            entrants[place].abbreviation,
            [place == 0 ? try Picture(images[0].image) : nil] + (try shown[place].map { try experiment.heatMap($0) }))
        }, groups: [.init(subject.title, columns: 4)], width: Looks.Width.rescaled))
    let series = try entrants.indices.map { place -> LinePlot.Series in
      let values = cosines[place]
      var line = try LinePlot.Series(
        entrants[place].abbreviation, x: exponents.map(Double.init),
        y: values.map { $0.reduce(0, +) / Double($0.count) },
        low: values.map { $0.min() ?? .nan }, high: values.map { $0.max() ?? .nan })
      line.look(released: place == 0)
      return line
    }
    plots.append(
      LinePlot(
        series,
        x: Axis("largest factor", ticks: exponents.map { Tick(Double($0), "\(1 << $0)") }),
        y: Axis("cosine of the maps", range: min(0, cosines.joined().joined().min() ?? 0)...1.02), title: subject.title,
        size: Looks.Plot.besideMaps))
  }
  let rows = zip(grids, plots).flatMap { [$0 as any Drawable, $1] }
  let credit = """
    Left: soft pullbacks of one network in three parametrisations of the same function, as heat maps. Right: the \
    cosine of the maps before and after, mean and range over \(try subjects[0].images.count) images and \
    \(seeds.count) drawings of the factors. \(Entrant.picturedMeaning) \(subjects[0].credit)
    """
  try experiment.write(Figure(Panels(rows, columns: 2), credit: credit), numbers: numbers, about: subjects)
}
