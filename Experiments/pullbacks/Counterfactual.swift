import ExperimentKit
import Failures

/// An ascent towards other classes, step by step: the images x_0 to x_K, the probabilities of their classes, and a
/// strip of pictures.
struct Counterfactual {
  private let ascent: PullbackAscent
  private let explained: ExplainedImages
  private let model: Subject
  private let settings: [String: String]

  /// - Parameter settings: every setting, for the record.
  init(_ ascent: PullbackAscent, _ explained: ExplainedImages, model: Subject, settings: [String: String]) {
    (self.ascent, self.explained, self.model, self.settings) = (ascent, explained, model, settings)
  }

  private struct Step: Encodable {
    let step: Int
    /// The value of the target, and the class's probability if it is a class.
    let value: Double
    let probability: Double?
    /// The class with the largest logit; nil if the network is not a classifier.
    let top1: Int?
    let top1Name: String?
    let top1Probability: Double?
    /// The L2 norm of the change from x_0.
    let distance: Double
  }

  private struct Sequence: Encodable {
    let image: String
    let target: String
    let steps: [Step]

    /// `cat.jpg: zebra: p = 0.1413 -> 0.9998 in 10 steps`; of a target that is no class the values.
    var summary: String {
      let ends = [steps[0], steps[steps.count - 1]]
      let values = ends.map { decimal($0.probability ?? $0.value, places: 4) }.joined(separator: " -> ")
      let count = steps.count - 1
      return "\(image): \(target): \(ends[0].probability == nil ? "value" : "p =") \(values) in \(count) "
        + (count == 1 ? "step" : "steps")
    }
  }

  private struct AscentRecord: Encodable {
    var tool = "pullbacks \(packageVersion)"
    let model: String
    let checkpointSHA256: String
    let method: String
    let settings: [String: String]
    let shape: [Int]
    let sequences: [Sequence]
  }

  /// The most iterates that the strip of pictures shows.
  private static let picturedSteps = 12

  /// The files that ``write(to:)`` writes.
  static func files(in folder: String) -> [String] {
    ["npy", "json", "png"].map { "\(folder)/counterfactual.\($0)" }
  }

  /// Writes `counterfactual.npy`, (N, targets, K + 1, 3, H, W) without the axis of targets where there is one;
  /// `counterfactual.json`, the probabilities; and of pictures `counterfactual.png`, a row for each image and target.
  func write(to folder: String) throws {
    var sequences: [Sequence] = []
    var rows: [ImageGrid.Row] = []
    let targets = explained.targetCount
    let shape = [explained.images.count] + (targets == 1 ? [] : [targets]) + [ascent.steps + 1] + model.graph.inputShape
    let pictured = Self.pictured(ascent.steps)
    let isDrawn = Picture.canShow(model.graph.inputShape)
    let bar = ProgressBar(ascent.name, total: 2 * ascent.steps * targets * explained.images.count)
    defer { bar.end() }
    try NPY.write(shape: shape, to: "\(folder)/counterfactual.npy") { append in
      for index in 0..<explained.images.count {
        let image = try explained.images(index..<index + 1)
        for (target, selector) in zip(explained.targets[index], explained.selectors(index..<index + 1)) {
          var (steps, pictures, iterate) = ([Step](), [Picture](), image)
          let context = Context(batchSize: 1, report: { bar.advance($0) })
          for k in 0...ascent.steps {
            if k > 0 {
              iterate = try ascent.step(k - 1, at: iterate, from: image, selector, of: model.network, in: context)
            }
            steps.append(try step(k, iterate, from: image, target, selector))
            if isDrawn, pictured.contains(k) { pictures.append(try Picture(iterate.clamped(to: -1...1))) }
            try append(iterate)
          }
          sequences.append(Sequence(image: explained.images.names[index], target: target.name, steps: steps))
          guard isDrawn else { continue }
          rows.append(
            ImageGrid.Row(
              "\(explained.images.names[index])\n\(target.name)",
              pictures + [
                try heatMap(iterate - image, colorMap: explained.colorMap), try rawPicture(iterate - image),
              ],
              captions: pictured.map { step in
                steps[step].probability.map { "p = \(decimal($0, places: 3))" } ?? decimal(steps[step].value, places: 2)
              } + ["", ""]))
        }
      }
      // Before the array appears: it would be nobody's without its record.
      try writeJSON(
        try AscentRecord(
          model: model.name, checkpointSHA256: model.sha256, method: ascent.name,
          settings: settings, shape: shape, sequences: sequences),
        to: "\(folder)/counterfactual.json")
    }
    bar.end()
    for sequence in sequences { print(PathText.shown(sequence.summary)) }
    guard isDrawn else { return }
    let titles = pictured.map { "x_\($0)" } + ["Change, heat map", "Change, raw colour"]
    let grid = ImageGrid(
      columns: titles, rows, colorBars: [ColorBar(explained.colorMap, labels: ["−max", "0", "+max"])],
      width: 80 * Double(titles.count + 1))
    try Figure(grid, credit: "\(ascent.name), \(model.name)").writeSigned(
      to: "\(folder)/counterfactual.png")
  }

  /// The steps whose iterates the strip shows: the first, the last, and some between, evenly spaced.
  private static func pictured(_ steps: Int) -> [Int] {
    let count = min(picturedSteps, steps + 1)
    return (0..<count).map { $0 * steps / (count - 1) }
  }

  private func step(
    _ number: Int, _ iterate: Tensor, from image: Tensor, _ target: ResolvedTarget, _ selector: Selector
  ) throws -> Step {
    let logits = try model.network(iterate)
    let ranking = model.graph.outputShape.count == 1 ? Prediction.ranking(logits.scalars) : []
    return Step(
      step: number, value: try selector.values(of: logits, of: model.network)[0],
      probability: target.prediction.flatMap { wanted in ranking.first { $0.target == wanted.target }?.probability },
      top1: ranking.first?.target, top1Name: ranking.first.map { model.className($0.target) },
      top1Probability: ranking.first?.probability,
      distance: (iterate - image).imageNorms[0])
  }
}
