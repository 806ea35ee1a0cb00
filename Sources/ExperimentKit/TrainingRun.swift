import Failures
import Foundation
import Networks
import Plotting
import Pullbacks
import Training

/// The training of a network of the scenes, epoch by epoch into files that share a stem.
///
/// After each epoch: the run's state (`.state`), the log (`.csv`) and its curves (`.png`). In the end: the checkpoint
/// in float16 (`.safetensors`) and a report on held-out scenes (`.json`). Stopped at any moment, the run goes on from
/// the last epoch that its state counts, and ends with the same bytes.
public struct TrainingRun: Sendable {
  public let recipe: Recipe
  /// The beginning of the files' names: `training/vgg-scenes`.
  public let stem: String
  /// The number of held-out scenes in the report; the log uses a tenth as many others.
  public let heldOut: Int

  /// - Parameters:
  ///   - recipe: the recipe of the network.
  ///   - folder: the folder of the files, under the network's name; it is made if there is none.
  ///   - heldOut: scenes of the report, 10 to 5000.
  public init(_ recipe: Recipe, in folder: String, heldOut: Int = 5000) {
    self.recipe = recipe
    self.heldOut = heldOut
    stem = "\(folder)/\(recipe.network)"
  }

  public var checkpointPath: String { stem + ".safetensors" }

  /// Trains to the end.
  ///
  /// - Parameter resumes: whether a state that lies there is gone on with.
  /// - Throws: `PullbackError` if the state is of another recipe, the loss is no longer finite, or a file cannot be
  ///   written.
  public func finish(resumes: Bool) throws -> TrainingReport {
    try makeFolder(folder(of: stem))
    let isResumed = resumes && FileManager.default.fileExists(atPath: stem + ".state")
    var trainer = try isResumed ? Trainer(resuming: stem + ".state", as: recipe) : Trainer(recipe)
    trainer.watched = 5000..<5000 + heldOut / 10
    while !trainer.isFinished {
      let epoch = trainer.log.count + 1
      let progress = ProgressBar("epoch \(epoch) of \(recipe.epochs)", total: recipe.epochScenes)
      try trainer.trainEpoch { progress.advance(Cost(forward: $0, backward: 0)) }
      progress.end()
      try AtomicFile.write(text: trainer.logText, to: stem + ".csv")
      try trainer.curves().write(to: stem + ".png")
      // The state comes last: once it counts the epoch, nobody writes the epoch's log again.
      try trainer.save(to: stem + ".state")
      writeToStandardError(summary(trainer.log[epoch - 1]))
    }
    try trainer.writeCheckpoint(to: checkpointPath)
    // The report is about the values in the file, not about the values that they were rounded from.
    let network = try Network(
      trainer.network.graph, checkpoint: Checkpoint(contentsOf: checkpointPath), executor: trainer.network.executor)
    let report = try TrainingReport(of: network, recipe: recipe, scenes: heldOut)
    try writeJSON(report, to: stem + ".json")
    return report
  }

  /// The report of the run, if it has come to its end; nil if it has not, or if what lies there is of another recipe or
  /// number of scenes.
  public var finishedReport: TrainingReport? {
    guard FileManager.default.fileExists(atPath: checkpointPath),
      let bytes = FileManager.default.contents(atPath: stem + ".json"),
      let report = try? JSONDecoder().decode(TrainingReport.self, from: bytes),
      report.recipe == recipe, report.scenes == heldOut
    else { return nil }
    return report
  }

  private func summary(_ entry: Trainer.Epoch) -> String {
    "epoch \(entry.epoch) of \(recipe.epochs): loss \(decimal(entry.loss, places: 4)), \(percent(entry.accuracy)) of "
      + "the epoch's scenes, \(percent(entry.heldOutAccuracy)) of held-out ones\n"
  }
}

/// A share as people write it: `98.25 %`.
public func percent(_ share: Double) -> String { decimal(100 * share, places: 2) + " %" }

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
