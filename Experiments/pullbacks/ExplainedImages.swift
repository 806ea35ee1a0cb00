import Digests
import ExperimentKit

/// The images of a run with what is explained in each: the targets, resolved, and what the network makes of them.
struct ExplainedImages {
  let images: InputImages
  let network: Network
  /// Per image and target.
  let targets: [[ResolvedTarget]]
  /// Of heat maps.
  var colorMap = ColorMap.seismic
  private let model: Subject
  private let batchSize: Int

  var targetCount: Int { targets[0].count }
  /// How many attributions a method makes.
  var mapCount: Int { images.count * targetCount }

  /// Runs the network once on every image to find the targets.
  init(
    _ images: InputImages, _ choices: [TargetChoice], network: Network, model: Subject, batchSize: Int
  ) throws {
    var targets: [[ResolvedTarget]] = []
    for index in 0..<images.count {
      let value = try network.finiteValue(at: images(index..<index + 1), named: images.names[index])
      let isClassifier = network.graph.outputShape.count == 1
      let ranking = isClassifier ? Prediction.ranking(value.scalars) : []
      targets.append(
        try choices.map { choice in
          let target = choice.target(ranking)
          let score = try Selector([target]).values(of: value, of: network)[0]
          return ResolvedTarget(choice, target, score: score, ranking, model)
        })
    }
    (self.images, self.network, self.targets, self.model, self.batchSize) = (images, network, targets, model, batchSize)
  }

  /// Says what is explained in each image.
  func announce() {
    for (name, targets) in zip(images.names, targets) {
      for target in targets { print("\(name): \(target.description)") }
    }
  }

  /// A selector per target for images `range`.
  func selectors(_ range: Range<Int>) -> [Selector] {
    (0..<targetCount).map { place in Selector(targets[range].map { $0[place].target }) }
  }

  /// Calls `body` with the images, a batch at a time.
  func forEachBatch(_ body: (_ range: Range<Int>, _ images: Tensor) throws -> Void) throws {
    for first in stride(from: 0, to: images.count, by: batchSize) {
      let range = first..<min(images.count, first + batchSize)
      try body(range, images(range))
    }
  }

  /// What is kept of one attribution.
  struct Map {
    /// Of its float32 values, as they stand in the array.
    let sha256: String
    /// Of explainers that have one.
    let completeness: Completeness?
    /// The heat map and the raw colours, if they are asked for.
    let pictures: [Picture]
  }

  /// Computes one explainer's attributions and, where there is a `path`, writes them as they come.
  ///
  /// - Returns: per image and target, what is kept of the attribution.
  func write(_ explainer: any Explainer, in context: Context, to path: String?, picturing: Bool) throws -> [[Map]] {
    let cost = explainer.cost(for: network.graph)
    let bar = ProgressBar(explainer.name, total: (cost.forward + cost.backward * targetCount) * images.count)
    defer { bar.end() }
    var kept: [[Map]] = []
    func compute(_ append: (Tensor) throws -> Void) throws {
      try forEachBatch { range, batch in
        var context = context
        context.firstImage = range.lowerBound
        context.report = { bar.advance($0) }
        let maps = try explainer.attribute(batch, selectors(range), of: network, in: context)
        let accounts = try zip(maps, selectors(range)).compactMap { map, selector in
          try explainer.completeness(of: map, for: selector, at: batch, of: network)
        }
        for image in 0..<range.count {
          kept.append(
            try maps.enumerated().map { place, maps in
              let map = maps.image(image)
              try checkFinite(map, explainer, images.names[range.lowerBound + image])
              try append(map)
              return Map(
                sha256: try map.withUnsafeBuffer { try sha256(UnsafeRawBufferPointer($0)) },
                completeness: accounts.isEmpty ? nil : accounts[place][image],
                pictures: picturing ? [try heatMap(map, colorMap: colorMap), try rawPicture(map)] : [])
            })
        }
      }
    }
    if let path {
      try NPY.write(shape: shape, to: path, compute)
    } else {
      try compute { _ in }
    }
    return kept
  }

  private func checkFinite(_ map: Tensor, _ explainer: any Explainer, _ image: String) throws {
    guard Checkpoint.firstNonFinite(in: map) == nil else {
      throw PullbackError(
        .data, "\(explainer.name) of \(image)", "the attribution is not finite: values overflowed float32 on the way",
        advice: "take smaller steps, perturbations or weights")
    }
  }

  /// Rows of images, columns of methods; per target a heat map and raw colours.
  ///
  /// - Parameter columns: per method, image and target what ``write(_:in:to:picturing:)`` kept.
  func figure(_ methods: [Method], _ columns: [[[Map]]]) throws -> Figure {
    let rows = try targets.indices.map { image in
      ImageGrid.Row(
        targets[image].count == 1 ? targets[image][0].title : images.names[image],
        [try Picture(images(image..<image + 1))] + columns.flatMap { $0[image].flatMap(\.pictures) })
    }
    let perTarget = targetCount == 1 ? [""] : targets[0].map { "\($0.label) " }
    let titles = methods.flatMap { method in
      let name = methods.count == 1 ? "" : "\(method.abbreviation) "
      return perTarget.flatMap { target in
        ["\(name)\(target)heat map", "\(name)\(target)raw colour"].map { $0.prefix(1).uppercased() + $0.dropFirst() }
      }
    }
    return Figure(
      ImageGrid(
        columns: ["Image"] + titles, rows, colorBars: [ColorBar(colorMap, labels: ["−max", "0", "+max"])],
        width: 120 * Double(1 + titles.count)),
      credit: "\(methods.map(\.rawValue).joined(separator: ", ")), \(model.architecture.name)")
  }

  /// What is written beside the attributions of one method.
  func record(
    method: String, settings: [String: String], seed: UInt64, input: String, maps: [[Map]]
  ) throws -> AttributionRecord {
    try AttributionRecord(
      model: model.architecture.name, checkpoint: model.checkpoint.path, checkpointSHA256: model.checkpoint.sha256,
      input: input, method: method, settings: settings, seed: seed, images: images.names,
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
    return "\(name)\np = \(decimal(prediction.probability, places: 2))"
  }

  var description: String {
    guard let prediction else { return "target \(label), value \(decimal(score, places: 4))" }
    return "target \(prediction.target), \(name), p = \(decimal(prediction.probability, places: 4))"
      + (label.hasPrefix("top-") ? " (\(label))" : "")
  }
}

/// What is written beside an attribution: everything that it takes to compute it again.
struct AttributionRecord: Encodable {
  struct Target: Encodable {
    /// As it was asked for.
    let label: String
    /// The class, if it is one.
    let target: Int?
    let name: String
    /// The target's value at the image.
    let value: Double
    let probability: Double?
    /// Of methods that share out the change of the value from the baseline: the sum of the attribution, the change, and
    /// what the sum is too large by.
    let sum, change, residual: Double?
    /// Of the attribution's float32 values: it tells which array this record is about.
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

  let model: String
  let checkpoint: String
  let checkpointSHA256: String
  let input: String
  let method: String
  let settings: [String: String]
  let seed: UInt64
  let images: [String]
  let targets: [[Target]]
  let shape: [Int]
}
