//: # Figure 8: explanations of networks with random layers
//: > The explanation of one class as more and more layers are made random (left), and how alike the maps before and
//: > after are by four measures (right). Coloured frames mark explainers that rectify what they pull back.
//:
//: The sanity check of Adebayo et al. (2018, section 3.1): make a network's layers random, from the output downwards
//: (the *cascade*) or one at a time, and compare the explanation of the class with the one before. An explanation that
//: depends on the learned weights must change. Guided backpropagation and deconvolution, framed in colour, hardly
//: change until the first layers are random: they draw the image's edges, whatever later weights are. Guided Grad-CAM,
//: which is multiplied by guided backpropagation, keeps a part of this.

import ExperimentKit

Experiment.run(
  "fig8",
  measuring: { experiment, measurements in

    //: The similarities of twenty images take a long run, and are committed. The maps of one image are drawn from the
    //: network itself.

    let count = experiment.options.quick ? 1 : 20
    var gallery = Gallery(
      photographs: ImageNetTier.photographs.prefix(count).map(\.name), scenes: SceneSamples.clearScenes(count))
    gallery.count = count
    let subject = try experiment.subject(gallery)
    let test = try RandomisationTest(subject, of: experiment, from: measurements)

    let others = subject.defined([.integratedGradients, .deepLiftReleased, .gradCAM])
    let rectifying = subject.defined(.rectifying)
    let methods =
      [.softPullback, .pullbackAscent, .smoothPullback, .gradient, .gradientAscent, .smoothGrad] + others + rectifying

    //: To the left one image and twelve explainers, by the network as it was trained and by five stages of the cascade,
    //: from a random last layer to random layers throughout.

    let image = try subject.images[0]
    let layers = RandomisationOrder.cascading.layers(of: subject.network.graph, stops: RandomisationTest.stops)
    let stages = (0..<5).map { layers[$0 * (layers.count - 1) / 4] }
    let networks =
      try [subject.network] + stages.map { try subject.network.randomised($0, seed: experiment.options.seed) }

    struct Shown: Encodable {
      let explainer: String
      /// The similarity of the trained network's map and that of each stage; nil if it is undefined.
      let spearmanOfMagnitudes: [Double?]
      let scaledSSIM: [Double?]
    }
    var shown: [Shown] = []
    let settings = MethodSettings().fitting(subject.graph)
    let explainers = try methods.map { try $0.explainer(settings, for: subject.graph) }
    let mapsByNetwork = try networks.map { network in
      try explainers.attributeAll(image.image, [.classes([image.target])], of: network, in: experiment.context)
    }
    let rows = try methods.enumerated().map { place, method in
      let maps = mapsByNetwork.map { $0[place][0] }
      func similarities(_ similarity: ParameterRandomisation.Similarity) -> [Double?] {
        ParameterRandomisation(.cascading, similarity).score(
          maps[0], against: Array(maps.dropFirst()), of: image
        ).series.map { $0.isFinite ? $0 : nil }
      }
      shown.append(
        Shown(
          explainer: method.rawValue, spearmanOfMagnitudes: similarities(.absoluteSpearman),
          scaledSSIM: similarities(.scaledSSIM)))
      return ImageGrid.Row(
        method.abbreviation, try maps.map { try experiment.heatMap($0) },
        accent: rectifying.contains(method) ? method.curveColor : nil)
    }
    let titles = ["trained"] + stages.map { "\($0.count) of \(layers.last!.count)" }
    let picture = ImageGrid.Row(subject.className(image.target), [try Picture(image.image)])
    let grid = ImageGrid(
      columns: titles, [picture] + rows,
      groups: [.init("", columns: 1), .init("Random layers, from the output", columns: stages.count)],
      colorBars: [experiment.heatMapKey], width: Looks.Width.stages, gap: Looks.tightGap)

    //: To the right the curves of six explainers over all images, with 95 % bootstrap bands: the rank correlation of
    //: signed values and of magnitudes, the structural similarity of maps divided by their largest magnitude, and
    //: Pearson's correlation. A correlation of zero is what two unrelated maps have. The numbers have all explainers.

    let drawn: [Method] = subject.defined([
      .softPullback, .pullbackAscent, .gradient, .integratedGradients, .guidedGradCAM, .guidedBackprop,
    ])
    // As high together as the maps.
    let height = (grid.size(in: .paper).height - 60) / Double(RandomisationTest.similarities.count) - 12
    func plot(_ order: RandomisationOrder, _ similarity: ParameterRandomisation.Similarity) throws -> LinePlot {
      let series = try drawn.compactMap { method in
        try test.curves.curve(method, order, similarity).map { curve in
          var series = try LinePlot.Series(
            method.abbreviation, x: curve.stops.map { Double($0.depth) }, y: curve.stops.map(\.mean),
            low: curve.stops.map(\.low), high: curve.stops.map(\.high))
          series.look(like: method, among: others)
          if method == .pullbackAscent { series.dashes = [1, 1.5] }
          return series
        }
      }
      let label = order == .cascading ? "number of random layers" : "the random layer"
      return LinePlot(
        series, x: Axis(similarity == RandomisationTest.similarities.last ? label : ""),
        y: Axis(similarity.title, range: -0.5...1.05),
        title: similarity != RandomisationTest.similarities[0]
          ? nil : order == .cascading ? "Cascade" : "One layer",
        size: Size(Looks.Plot.besideGrid, height), showsLegend: false)
    }
    let plots = try RandomisationTest.similarities.flatMap { similarity in
      try RandomisationTest.orders.map { try plot($0, similarity) }
    }
    let curves = Panels(
      [Legend(plots[0].legendEntries(), width: 2 * Looks.Plot.besideGrid + 12), Panels(plots, columns: 2)], columns: 1)

    struct Numbers: Encodable {
      struct Mean: Encodable {
        let explainer: String
        let order: String
        let similarity: String
        /// Over all stops and images.
        let mean: Double?
        /// The similarity at the last stop: all layers random, or the first one.
        let last: Double?
        /// The number of undefined similarities, of all stops and images; nil if there are none.
        let undefined: Int?
      }
      let images: Int
      let layers: Int
      let shown: [Shown]
      let means: [Mean]
    }
    func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
    let numbers = Numbers(
      images: test.description.images.count, layers: layers.last!.count, shown: shown,
      means: test.curves.map {
        .init(
          explainer: $0.explainer.rawValue, order: $0.order.rawValue, similarity: $0.similarity.rawValue,
          mean: finite($0.mean), last: finite($0.stops.last?.mean), undefined: test.undefined($0))
      })
    let credit =
      "\(subject.title). (a) \(image.name.prefix(1).uppercased() + image.name.dropFirst()). (b) Mean similarity to "
      + "the explanation by the trained network, images: \(numbers.images), seed \(test.description.seed). Framed: "
      + "explainers that rectify what they pull back.\(test.missingScores(drawn))"
    try experiment.write(
      Figure(Panels([grid, curves], columns: 2, isLettered: true, gap: 16), credit: credit), numbers: numbers,
      about: [subject])
  })
