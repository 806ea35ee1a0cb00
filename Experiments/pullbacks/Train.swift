import ArgumentParser
import ExperimentKit
import Failures
import Foundation
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train one of the networks of the scenes.",
    discussion: """
      Every epoch draws new scenes. After each the folder --output has, under the network's name: the run's state \
      (.state), the log (.csv) and its curves (.png); and in the end the checkpoint in float16 (.safetensors) and a \
      report on scenes that it never saw, with confusion matrix and accuracy by difficulty (.json). From one seed, a \
      machine makes the same bytes every time, on however many threads and in however many sittings.

      Examples:
        pullbacks train --network vgg-scenes --output training
        pullbacks train --network vgg-scenes --output training --resume
        pullbacks train --network vgg-scenes --output trial --epoch-scenes 640
      """)

  @Option(help: ArgumentHelp("Which: \(Recipe.all.map(\.network).joined(separator: ", ")).", valueName: "name"))
  var network: String

  @Option(help: ArgumentHelp("Where everything goes.", valueName: "folder"))
  var output: String

  @Flag(help: "Go on with the run whose state lies in the folder --output, if there is one.")
  var resume = false

  @Option(help: "Another seed than the recipe's.")
  var seed: UInt64?

  @Option(help: "Another number of epochs than the recipe's.")
  var epochs: Int?

  @Option(help: "Another number of scenes in an epoch than the recipe's: a multiple of its batch.")
  var epochScenes: Int?

  @Option(help: "How many held-out scenes the report is about; the log is about a tenth as many others.")
  var heldOut = 5000

  @OptionGroup var outputs: OutputOptions

  func validate() throws {
    guard (10...5000).contains(heldOut) else { throw ValidationError("--held-out is 10 to 5000.") }
  }

  func run() throws {
    var recipe = try Recipe.named(network)
    recipe.seed = seed ?? recipe.seed
    recipe.epochs = epochs ?? recipe.epochs
    recipe.epochScenes = epochScenes ?? recipe.epochScenes
    try makeFolder(output)
    let stem = "\(output)/\(network)"
    try outputs.check(["state", "csv", "png", "safetensors", "json"].map { "\(stem).\($0)" }, inputs: [])
    let isResumed = resume && exists(stem + ".state")
    var trainer = try isResumed ? Trainer(resuming: stem + ".state", as: recipe) : Trainer(recipe)
    trainer.watched = 5000..<5000 + heldOut / 10
    while !trainer.isFinished {
      let epoch = trainer.log.count + 1
      let progress = ProgressBar("epoch \(epoch) of \(recipe.epochs)", total: recipe.epochScenes)
      try trainer.trainEpoch { progress.advance(Cost(forward: $0, backward: 0)) }
      progress.end()
      try AtomicFile.write(text: trainer.logText, to: stem + ".csv")
      try trainer.curves().writeSigned(to: stem + ".png")
      // The state comes last: once it counts the epoch, nobody writes the epoch's log again.
      try trainer.save(to: stem + ".state")
      FileHandle.standardError.write(Data(summary(trainer.log[epoch - 1], of: recipe).utf8))
    }
    try trainer.writeCheckpoint(to: stem + ".safetensors")
    // What is reported is what the file holds, not what it was rounded from.
    let network = try Network(
      trainer.network.graph, checkpoint: Checkpoint(contentsOf: stem + ".safetensors"),
      executor: trainer.network.executor)
    let report = try TrainingReport(of: network, recipe: recipe, scenes: heldOut)
    try writeJSON(report, to: stem + ".json")
    print("\(recipe.network): \(percent(report.accuracy)) of \(report.scenes) held-out scenes; \(stem).safetensors")
  }

  private func summary(_ entry: Trainer.Epoch, of recipe: Recipe) -> String {
    "epoch \(entry.epoch) of \(recipe.epochs): loss \(decimal(entry.loss, places: 4)), \(percent(entry.accuracy)) of "
      + "the epoch's scenes, \(percent(entry.heldOutAccuracy)) of held-out ones\n"
  }

  private func percent(_ share: Double) -> String { decimal(100 * share, places: 2) + " %" }
}

extension Trainer {
  /// Loss, accuracy and learning rate over the epochs.
  func curves() throws -> Figure {
    let epochs = log.map { Double($0.epoch) }
    func plot(_ label: String, range: ClosedRange<Double>? = nil, _ series: [(String, [Double])]) throws -> LinePlot {
      LinePlot(
        try series.map { try .init($0.0, x: epochs, y: $0.1) }, x: Axis("epoch"), y: Axis(label, range: range),
        size: Size(160, 120), showsLegend: series.count > 1)
    }
    return Figure(
      Panels(
        [
          try plot("loss", [("loss", log.map(\.loss))]),
          try plot(
            "accuracy", range: 0...1, [("noisy, new", log.map(\.accuracy)), ("held out", log.map(\.heldOutAccuracy))]),
          try plot("learning rate", [("rate", log.map(\.rate))]),
        ], columns: 3), title: "Training of \(recipe.network), seed \(recipe.seed)")
  }
}
