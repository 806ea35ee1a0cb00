import Digests
import ExperimentKit
import Failures

/// The images of a run with what is explained in each: the targets, resolved as soon as it is known what the network
/// makes of an image, and the attributions.
struct ExplainedImages {
  let images: InputImages
  let network: Network
  /// Per image and target, as far as images have gone through the network.
  private(set) var targets: [[ResolvedTarget]] = []
  /// Per image, its classes in the order of their logits; none where the network is no classifier.
  private(set) var rankings: [[Prediction]] = []
  /// The colour map of heat maps.
  var colorMap = ColorMap.seismic
  private let choices: [TargetChoice]
  private let model: Subject
  private let batchSize: Int
  /// The preprocessing, for records.
  let preprocessing: String

  var targetCount: Int { choices.count }
  /// The number of attributions of a method.
  var mapCount: Int { images.count * targetCount }

  /// - Throws: `PullbackError` if the network has no such target, or it selects nothing.
  init(
    _ images: InputImages, _ choices: [TargetChoice], network: Network, model: Subject, batchSize: Int,
    preprocessing: String
  ) throws(PullbackError) {
    for choice in choices { try choice.check(for: network.graph) }
    (self.images, self.choices, self.network, self.model, self.batchSize) = (images, choices, network, model, batchSize)
    self.preprocessing = preprocessing
  }

  /// Runs the network once on every image to find the targets.
  mutating func findTargets() throws {
    try forEachBatch { range, batch in _ = try resolve(network(batch), range) }
  }

  /// Finds the targets of images `range`, given the network's outputs, and says what is explained in each.
  ///
  /// - Returns: a selector per target.
  private mutating func resolve(_ output: Tensor, _ range: Range<Int>) throws(PullbackError) -> [Selector] {
    let isClassifier = network.graph.outputShape.count == 1
    for (row, index) in range.enumerated() {
      let value = output.image(row)
      try network.checkFinite(value, named: images.names[index])
      let ranking = isClassifier ? Prediction.ranking(value.scalars) : []
      let resolved = try choices.map { choice throws(PullbackError) in
        let target = choice.target(ranking)
        let score = try Selector([target]).values(of: value, of: network)[0]
        return ResolvedTarget(choice, target, score: score, ranking, model)
      }
      for target in resolved { print("\(images.names[index]): \(target.description)") }
      targets.append(resolved)
      rankings.append(ranking)
    }
    return selectors(range)
  }

  /// A selector per target for images `range`.
  func selectors(_ range: Range<Int>) -> [Selector] {
    (0..<targetCount).map { place in Selector(targets[range].map { $0[place].target }) }
  }

  /// Calls `body` with the images, a batch at a time.
  private func forEachBatch(_ body: (_ range: Range<Int>, _ images: Tensor) throws -> Void) throws {
    for first in stride(from: 0, to: images.count, by: batchSize) {
      let range = first..<min(images.count, first + batchSize)
      try body(range, images(range))
    }
  }

  /// The facts and pictures of one attribution that are kept.
  struct Map {
    /// SHA-256 of its float32 values, as they are in the array.
    let sha256: String
    /// The completeness, for explainers that have one.
    let completeness: Completeness?
    /// The heat map and the raw colours, if they are asked for.
    let pictures: [Picture]
  }

  /// Computes the attributions of all explainers, which share what passes they can, and writes them as they come.
  ///
  /// - Parameters:
  ///   - explainers: the explainers whose attributions are computed.
  ///   - context: the random numbers and the size of batches.
  ///   - paths: the path of each explainer's array; empty if arrays are not written.
  ///   - picturing: whether pictures are kept.
  ///   - recording: is called when all is computed, just before the arrays appear.
  /// - Returns: per explainer, image and target, what is kept of the attribution.
  mutating func write(
    _ explainers: [any Explainer], in context: Context, to paths: [String], picturing: Bool,
    recording: (_ explained: ExplainedImages, _ kept: [[[Map]]]) throws -> Void
  ) throws -> [[[Map]]] {
    let alone = explainers.map { $0.cost(for: network.graph) }
      .reduce(0) { $0 + $1.forward + $1.backward * targetCount }
    let bar = ProgressBar(explainers.count == 1 ? explainers[0].name : "attribute", total: alone * images.count)
    defer { bar.end() }
    var kept = [[[Map]]](repeating: [], count: explainers.count)
    var explained = self
    try writing(to: paths[...]) { appends in
      try forEachBatch { range, batch in
        let passes = PassCounter()
        var context = context
        context.report = {
          passes.add($0)
          bar.advance($0)
        }
        let found = try explainers.explain(batch, of: network, in: context) {
          (output, images) throws(PullbackError) in
          try explained.resolve(output, range.lowerBound + images.lowerBound..<range.lowerBound + images.upperBound)
        }
        for (place, explainer) in explainers.enumerated() {
          let accounts = try explainer.completeness(
            of: found.maps[place], for: found.selectors, where: found.output, of: network)
          for image in 0..<range.count {
            kept[place].append(
              try found.maps[place].enumerated().map { target, maps in
                let map = maps.image(image)
                try explainer.checkFinite(map, of: images.names[range.lowerBound + image])
                if !appends.isEmpty { try appends[place](map) }
                return Map(
                  sha256: try map.withUnsafeBuffer { try sha256(UnsafeRawBufferPointer($0)) },
                  completeness: accounts?[target][image],
                  pictures: picturing ? [try heatMap(map, colorMap: colorMap), try rawPicture(map)] : [])
              })
          }
        }
        // The passes that sharing saved count as done.
        bar.advance(Cost(forward: alone * range.count - passes.passes.forward - passes.passes.backward, backward: 0))
      }
      try recording(explained, kept)
    }
    self = explained
    return kept
  }

  /// Calls `body` with what appends to the array at each path; the arrays appear together when it is done.
  private func writing(
    to paths: ArraySlice<String>, _ appends: [(Tensor) throws -> Void] = [],
    _ body: ([(Tensor) throws -> Void]) throws -> Void
  ) throws {
    guard let path = paths.first else { return try body(appends) }
    try NPY.write(shape: shape, to: path) { append in
      try withoutActuallyEscaping(append) { try writing(to: paths.dropFirst(), appends + [$0], body) }
    }
  }

  /// Says on the terminal where sums of attributions are short of the change that they share out by more than a tenth
  /// of it, for the methods that only sample the way from the baseline: they are not what they seem there.
  ///
  /// - Parameter maps: per image and target what was kept.
  func warnOfIncompleteness(of method: Method, _ maps: [[Map]]) {
    let advice: String
    switch method {
    case .gradientShap: advice = "more samples come closer, as --set shap.samples=50"
    case .integratedGradients: advice = "more points come closer, as --set ig.points=200,ig.weighting=normalised"
    // The sums are those of gradients alone, whatever the number of points.
    case .pullbackShap, .integratedPullbacks: advice = "soft rules share out no change, and more points come no closer"
    default: return
    }
    var worst: (image: String, error: Double, account: Completeness)?
    var count = 0
    for (image, maps) in zip(images.names, maps) {
      for account in maps.compactMap(\.completeness) where abs(account.residual) > 0.1 * abs(account.change) {
        count += 1
        let error = abs(account.residual) / max(abs(account.change), .leastNormalMagnitude)
        if error > worst?.error ?? 0 { worst = (image, error, account) }
      }
    }
    guard let worst else { return }
    let (sum, change) = (decimal(worst.account.sum, places: 4), decimal(worst.account.change, places: 4))
    remark(
      "\(method.rawValue): \(count) of \(mapCount) attributions miss the change f(x) - f(baseline) by more than 10 %; "
        + "the furthest is of \(worst.image), which sums to \(sum) of \(change); \(advice)")
  }

  /// Throws if a figure of all images would be too large to draw, before anything is computed for it.
  func checkFigure(_ methods: [Method], _ path: String) throws {
    guard images.shape.count == 3 else { return }
    let (channels, height, width) = (images.shape[0], images.shape[1], images.shape[2])
    let blank = Picture(
      width: width, height: height, channels: Picture.Channels(rawValue: channels) ?? .rgb,
      pixels: [UInt8](repeating: 0, count: (Picture.Channels(rawValue: channels) ?? .rgb).rawValue * height * width))
    let labels = choices.map(\.label)
    let rows = images.names.map { name in
      ImageGrid.Row(targetCount == 1 ? "class\np = 0.00" : name, [blank])
    }
    do {
      try figure(methods, MethodSettings(), rows, labels).checkSize(for: path)
    } catch let error as PullbackError where error.kind == .usage {
      throw PullbackError(
        .usage, "--figure \(path)",
        "\(images.count) images with \(targetCount * methods.count) attributions each are too "
          + "many for one figure: \(error.problem)", advice: "take fewer at once, or leave it out")
    }
  }

  /// Rows of images, columns of methods; per target a heat map and raw colours.
  ///
  /// - Parameters:
  ///   - settings: the settings of the methods.
  ///   - columns: per method, image and target what ``write(_:in:to:picturing:)`` kept.
  func figure(_ methods: [Method], _ settings: MethodSettings, _ columns: [[[Map]]]) throws -> Figure {
    let rows = try targets.indices.map { image in
      ImageGrid.Row(
        targets[image].count == 1 ? targets[image][0].title : images.names[image],
        [try Picture(images(image..<image + 1))] + columns.flatMap { $0[image].flatMap(\.pictures) })
    }
    return figure(methods, settings, rows, targets[0].map(\.label))
  }

  private func figure(
    _ methods: [Method], _ settings: MethodSettings, _ rows: [ImageGrid.Row], _ labels: [String]
  ) -> Figure {
    .attributions(rows, by: methods, settings, of: labels, network: model.name, colorMap: colorMap)
  }

  /// The record that is written beside the attributions of one method.
  func record(
    method: String, settings: [String: String], spreads: [(node: Graph.Node, spread: Spread)], seed: UInt64,
    input: String, maps: [[Map]]
  ) throws -> AttributionRecord {
    try AttributionRecord(
      model: model.name, checkpoint: PathText.shown(model.path),
      checkpointSHA256: model.sha256, input: PathText.shown(input), preprocessing: preprocessing,
      method: method, settings: settings,
      spreads: spreads.isEmpty
        ? nil
        : Dictionary(uniqueKeysWithValues: spreads.map { ($0.node.name, .init($0.spread, at: $0.node)) }),
      seed: seed, images: images.names,
      targets: targets.enumerated().map { image, targets in
        targets.enumerated().map { place, target in
          AttributionRecord.Target(target, maps[image][place])
        }
      },
      shape: shape)
  }

  private var shape: [Int] { [images.count] + (targetCount == 1 ? [] : [targetCount]) + model.graph.inputShape }
}

/// A target of one image, and its value there.
struct ResolvedTarget {
  let label: String
  let target: Target
  let score: Double
  /// The class, if the target is one class's logit.
  let prediction: Prediction?
  let name: String

  init(_ choice: TargetChoice, _ target: Target, score: Double, _ ranking: [Prediction], _ model: Subject) {
    label = choice.label
    self.target = target
    self.score = score
    prediction = ranking.first { target == .logit($0.target) }
    name = prediction.map { model.className($0.target) } ?? choice.label
  }

  var title: String {
    guard let prediction else { return name }
    return prediction.title(name)
  }

  var description: String {
    guard let prediction else { return "target \(label), value \(decimal(score, places: 4))" }
    return "target \(prediction.target), \(name), p = \(decimal(prediction.probability, places: 4))"
      + (label.hasPrefix("top-") ? " (\(label))" : "")
  }
}

/// The record that is written beside an attribution: everything needed to compute it again.
struct AttributionRecord: Encodable {
  struct Target: Encodable {
    /// The target as it was asked for.
    let label: String
    /// The class, if it is one.
    let target: Int?
    let name: String
    /// The target's value at the image.
    let value: Double
    let probability: Double?
    /// For methods that share out the change of the value from the baseline: the sum of the attribution, the change,
    /// and the sum minus the change.
    let sum, change, residual: Double?
    /// SHA-256 of the attribution's float32 values, which tells which array this record is about.
    let sha256: String

    init(_ resolved: ResolvedTarget, _ map: ExplainedImages.Map) {
      label = resolved.label
      target = resolved.prediction?.target
      name = resolved.name
      value = resolved.score
      probability = resolved.prediction?.probability
      (sum, change, residual) = (map.completeness?.sum, map.completeness?.change, map.completeness?.residual)
      sha256 = map.sha256
    }
  }

  /// The spread that the noise of one node is relative to.
  struct Spread: Encodable {
    /// The source of the deviations, in words.
    let source: String
    /// The smallest and the largest deviation of a channel; none where they are those of each image.
    let least, most: Float?

    init(_ spread: Pullbacks.Spread, at node: Graph.Node) {
      let range = spread.isNone(at: node) ? 0...0 : spread.range
      source = spread.source.rawValue
      (least, most) = (range?.lowerBound, range?.upperBound)
    }
  }

  var tool = "pullbacks \(packageVersion)"
  let model: String
  let checkpoint: String
  let checkpointSHA256: String
  let input: String
  /// The preprocessing: how files became inputs.
  let preprocessing: String
  let method: String
  let settings: [String: String]
  /// The spreads by node, if there are relative temperatures.
  let spreads: [String: Spread]?
  let seed: UInt64
  let images: [String]
  let targets: [[Target]]
  let shape: [Int]
}
