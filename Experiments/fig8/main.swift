//: # Figure 8: does an explanation depend on what was learned?
//:
//: The sanity check of Adebayo et al. (2018, section 3.1): make a network's layers random, from the output downwards
//: (the *cascade*) or one at a time, and compare the explanation of the class with what it was. An explanation of what
//: the network has learned must be lost. Guided backpropagation and deconvolution, framed in colour, keep theirs while
//: layer after layer goes: they draw the image's edges, whatever the weights are; and so does guided Grad-CAM, which
//: takes them from the former.

import ExperimentKit

Experiment.run(
  "fig8",
  measuring: { experiment, measurements in

    //: The similarities of twenty images are a long run, and committed. The maps of one image are drawn from the
    //: network itself.

    let count = experiment.options.quick ? 1 : 20
    var gallery = Gallery(
      photographs: Array(try ImageNetTier.photographNames.prefix(count)), scenes: ScenesTier.clearScenes(count))
    gallery.count = count
    let subject = try experiment.subject(gallery)
    let test = try RandomisationTest(subject, of: experiment, from: measurements)

    let pullbacks: [Method] = [.softPullback, .pullbackAscent, .smoothPullback, .fusionPullback]
    let gradients: [Method] = [.gradient, .gradientAscent, .smoothGrad, .fusionGrad]
    let others = subject.defined([.gradientShap, .integratedGradients, .deepLiftReleased, .lrpEpsilon, .gradCAM])
    let rectifying = subject.defined([.guidedGradCAM, .guidedBackprop, .deconvolution])
    let methods = pullbacks + gradients + others + rectifying

    //: A pullback and its gradient twin have one colour; the twin is dashed.

    func color(_ method: Method) -> Color {
      switch method {
      case .guidedBackprop: Color(0xD55E00)
      case .deconvolution: Color(0xE69F00)
      case .guidedGradCAM: Color(0x8C2D04)
      default:
        switch pullbacks.firstIndex(of: method) ?? gradients.firstIndex(of: method) {
        case let place?: [Color(0x0072B2), Color(0x56B4E9), Color(0x009E73), Color(0xCC79A7)][place]
        case nil: Color(0x9A9A9A)
        }
      }
    }
    func dashes(_ method: Method) -> [Double] {
      let greys: [[Double]] = [[], [5, 2], [3, 2], [1, 1.5], [5, 2, 1, 2]]
      if gradients.contains(method) { return [3, 1.5] }
      return others.firstIndex(of: method).map { greys[$0] } ?? []
    }

    //: To the left one image, explained by the network as it was trained and by five stages of the cascade, from a
    //: random last layer to random layers throughout.

    let image = subject.images[0]
    let layers = RandomisationOrder.cascading.layers(of: subject.network.graph, stops: RandomisationTest.stops)
    let stages = (0..<5).map { layers[$0 * (layers.count - 1) / 4] }
    let networks =
      try [subject.network] + stages.map { try subject.network.randomised($0, seed: experiment.options.seed) }

    struct Shown: Encodable {
      let explainer: String
      /// Between the map of the trained network and that of each stage; nil where either says nothing.
      let spearmanOfMagnitudes: [Double?]
      let scaledSSIM: [Double?]
    }
    var shown: [Shown] = []
    let settings = MethodSettings().completed(for: subject.network.graph)
    let explainers = try methods.map { try $0.explainer(settings, for: subject.network.graph) }
    let mapsByNetwork = try networks.map { network in
      try explainers.attributeAll(image.image, [.classes([image.target])], of: network, in: experiment.context)
    }
    let rows = try methods.enumerated().map { place, method in
      let maps = mapsByNetwork.map { $0[place][0] }
      func similarities(_ similarity: ParameterRandomisation.Similarity) -> [Double?] {
        ParameterRandomisation(.cascading, similarity).score(
          maps[0], against: Array(maps.dropFirst()),
          of: Sample(index: 0, name: image.name, image: image.image, target: image.target)
        ).series.map { $0.isFinite ? $0 : nil }
      }
      shown.append(
        Shown(
          explainer: method.rawValue, spearmanOfMagnitudes: similarities(.absoluteSpearman),
          scaledSSIM: similarities(.scaledSSIM)))
      return ImageGrid.Row(
        method.abbreviation, try maps.map { try experiment.heatMap($0) }, accent: rectifying.contains(method) ? color(method) : nil
      )
    }
    let titles = ["trained"] + stages.map { "\($0.count) of \(layers.last!.count)" }
    let picture = ImageGrid.Row(image.className, [try Picture(image.image)])
    let grid = ImageGrid(
      columns: titles, [picture] + rows,
      groups: [.init("", columns: 1), .init("Random layers, from the output", columns: stages.count)],
      colorBars: [experiment.heatMapKey], width: 290, gap: 1.5)

    //: To the right the curves of all images, with 95 % bootstrap bands: the rank correlation of signed values and of
    //: magnitudes, the structural similarity of maps divided by their largest magnitude, and Pearson's correlation. A
    //: correlation of zero is what two unrelated maps have.

    // As high together as the maps.
    let height = (grid.size(in: .paper).height - 60) / Double(RandomisationTest.similarities.count) - 12
    func plot(_ order: RandomisationOrder, _ similarity: ParameterRandomisation.Similarity) throws -> LinePlot {
      let series = try methods.compactMap { method in
        try test.curves.curve(method, order, similarity).map { curve in
          var series = try LinePlot.Series(
            method.abbreviation, x: curve.stops.map { Double($0.depth) }, y: curve.stops.map(\.mean),
            low: curve.stops.map(\.low), high: curve.stops.map(\.high))
          (series.color, series.dashes) = (color(method), dashes(method))
          series.style = rectifying.contains(method) ? .curve : .line
          return series
        }
      }
      let label = order == .cascading ? "random layers, from the output" : "the one random layer, from the output"
      return LinePlot(
        series, x: Axis(similarity == RandomisationTest.similarities.last ? label : ""),
        y: Axis(similarity.title, range: -0.5...1.05),
        title: similarity != RandomisationTest.similarities[0]
          ? nil : order == .cascading ? "Cascade" : "One at a time",
        size: Size(190, height), showsLegend: false)
    }
    let plots = try RandomisationTest.similarities.flatMap { similarity in
      try RandomisationTest.orders.map { try plot($0, similarity) }
    }
    let curves = Panels(
      [Legend(plots[0].legendEntries(), width: 392), Panels(plots, columns: 2)], columns: 1)

    struct Numbers: Encodable {
      struct Mean: Encodable {
        let explainer: String
        let order: String
        let similarity: String
        /// Over all stops and images.
        let mean: Double?
        /// At the last stop: all layers random, or the first one.
        let last: Double?
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
          mean: finite($0.mean), last: finite($0.stops.last?.mean))
      })
    let credit =
      "\(subject.title). (a) \(image.name.prefix(1).uppercased() + image.name.dropFirst()). (b) Mean similarity to "
      + "the explanation by the trained network, images: \(numbers.images), seed \(test.description.seed). Framed: "
      + "explainers that rectify what they pull back."
    try experiment.write(
      Figure(Panels([grid, curves], columns: 2, isLettered: true, gap: 16), credit: credit), numbers: numbers,
      about: [subject])
  })
