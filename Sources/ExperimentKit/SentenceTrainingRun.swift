import Failures
import Foundation
import Text
import Training

/// The training of the decoder of sentences, epoch by epoch into files that share a stem.
///
/// After each epoch: the run's state (`.state`), and in the folder of the stem's name the log (`training.csv`). In the
/// end the folder has the decoder as Hugging Face lays it out, and a report on held-out texts (`report.json`). Stopped
/// at any moment, the run goes on from the last epoch that its state counts, and ends with the same bytes.
public struct SentenceTrainingRun: Sendable {
  public let recipe: SentenceRecipe
  /// The folder of the decoder: `training/sentence-decoder`.
  public let stem: String
  /// The number of held-out texts in the report.
  public let heldOut: Int

  /// - Parameters:
  ///   - recipe: the recipe of the decoder.
  ///   - folder: the folder of the files, under the decoder's name; it is made if there is none.
  ///   - heldOut: texts of the report.
  public init(_ recipe: SentenceRecipe, in folder: String, heldOut: Int = 5000) {
    self.recipe = recipe
    self.heldOut = heldOut
    stem = "\(folder)/\(recipe.network)"
  }

  /// The files that the run writes.
  public var files: [String] {
    [stem + ".state"]
      + ["training.csv", "config.json", "tokenizer.json", "model.safetensors", "report.json"].map { "\(stem)/\($0)" }
  }

  /// Trains to the end.
  ///
  /// - Parameter resumes: whether a state that lies there is gone on with.
  /// - Throws: `PullbackError` if the state is of another recipe, the loss is no longer finite, or a file cannot be
  ///   written.
  public func finish(resumes: Bool) throws -> SentenceReport {
    try makeFolder(stem)
    let state = stem + ".state"
    let isResumed = resumes && FileManager.default.fileExists(atPath: state)
    var trainer = try isResumed ? SentenceDecoderTrainer(resuming: state, as: recipe) : SentenceDecoderTrainer(recipe)
    while !trainer.isFinished {
      let epoch = trainer.log.count + 1
      let progress = ProgressBar("epoch \(epoch) of \(recipe.epochs)", total: recipe.epochTexts)
      try trainer.trainEpoch { progress.advance(Cost(forward: $0, backward: 0)) }
      progress.end()
      try AtomicFile.write(text: trainer.logText, to: "\(stem)/training.csv")
      // The state comes last: once it counts the epoch, nobody writes the epoch's log again.
      try trainer.save(to: state)
      let entry = trainer.log[epoch - 1]
      writeToStandardError(
        "epoch \(epoch) of \(recipe.epochs): loss \(decimal(entry.loss, places: 4)), \(percent(entry.agreement)) of "
          + "held-out verbs\n")
    }
    try trainer.writeModel(to: stem)
    // The report is about the values in the files, not about the values that they were rounded from.
    let report = try SentenceReport(of: TextModel(contentsOf: stem), recipe: recipe, texts: heldOut)
    try writeJSON(report, to: "\(stem)/report.json")
    return report
  }
}
