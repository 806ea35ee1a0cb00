import Foundation
import Kernels
import Pullbacks
import Sentences
import TestKit
import Testing

@testable import Text
@testable import Training

/// The decoder of sentences: what its training depends on, and what became of it.
@Suite(.serialized) struct SentenceDecoderTests {
  private static let recipe: SentenceRecipe = {
    var recipe = SentenceRecipe()
    (recipe.epochs, recipe.epochTexts, recipe.batch, recipe.width) = (2, 24, 6, 16)
    return recipe
  }()

  private static func finished(_ trainer: SentenceDecoderTrainer) throws -> Data {
    var trainer = trainer
    trainer.watched = 5000..<5010
    while !trainer.isFinished { try trainer.trainEpoch() }
    let folder = try TemporaryFolder()
    try trainer.save(to: folder.path("state"))
    return try Data(contentsOf: folder.url.appendingPathComponent("state"))
  }

  /// Twice, on one thread, and interrupted after the first epoch: the same bytes, and others from another seed.
  @Test func sameBytes() throws {
    let state = try Self.finished(SentenceDecoderTrainer(Self.recipe))
    Parallel.threads = 1
    defer { Parallel.threads = 0 }
    #expect(try Self.finished(SentenceDecoderTrainer(Self.recipe)) == state, "on one thread")
    Parallel.threads = 0

    let folder = try TemporaryFolder()
    var first = try SentenceDecoderTrainer(Self.recipe)
    first.watched = 5000..<5010
    try first.trainEpoch()
    try first.save(to: folder.path("state"))
    let resumed = try SentenceDecoderTrainer(resuming: folder.path("state"), as: Self.recipe)
    #expect(try Self.finished(resumed) == state, "interrupted")

    var other = Self.recipe
    other.seed += 1
    #expect(try Self.finished(SentenceDecoderTrainer(other)) != state, "another seed")
    #expect(throws: PullbackError.self) { try SentenceDecoderTrainer(resuming: folder.path("state"), as: other) }
    other.seed = SentenceGenerator.heldOut.seed
    #expect(throws: PullbackError.self) { try SentenceDecoderTrainer(other) }
  }

  /// The folder that is written holds the network that was trained.
  @Test func writtenModelsAreTheTrained() throws {
    var trainer = try SentenceDecoderTrainer(Self.recipe)
    trainer.watched = 5000..<5010
    try trainer.trainEpoch()
    let folder = try TemporaryFolder()
    try trainer.writeModel(to: folder.url.path)
    let model = try TextModel(contentsOf: folder.url.path)
    let text = SentenceGenerator.heldOut.text(.agreement, 3).text
    let ids = try model.tokenizer.encode(text).ids
    let graph = try model.configuration.trainingGraph(count: ids.count)
    let logits = try Network(graph, parameters: trainer.parameters)(
      Tensor(shape: [1, ids.count], integers: ids.map(Int64.init)))
    // The file is in half precision.
    let last = logits.scalars.suffix(SentenceRecipe.vocabulary.count).map(Double.init)
    expectClose(try model.output(of: text).map(Double.init), last, within: 5e-3)
  }

  /// Causal: what follows a place changes nothing before it.
  @Test func trainingGraphIsCausal() throws {
    let trainer = try SentenceDecoderTrainer(Self.recipe)
    let configuration = try TextConfiguration(json: Self.recipe.configuration(), name: "config.json")
    let network = try Network(configuration.trainingGraph(count: 5), parameters: trainer.parameters)
    let (a, b) = (
      try network(Tensor(shape: [1, 5], integers: [3, 4, 5, 6, 7])),
      try network(Tensor(shape: [1, 5], integers: [3, 4, 5, 9, 2]))
    )
    let width = SentenceRecipe.vocabulary.count
    #expect(a.scalars.prefix(3 * width) == b.scalars.prefix(3 * width))
    #expect(a.scalars.suffix(2 * width) != b.scalars.suffix(2 * width))
  }

  /// The report beside the embedded decoder is of these files and this recipe.
  @Test func embeddedDecoderIsAsReported() throws {
    let model = try SentenceDecoder.model()
    let report = try JSONDecoder().decode(
      SentenceReport.self, from: Data(contentsOf: URL(fileURLWithPath: SentenceDecoder.folder() + "/report.json")))
    #expect(report.recipe == SentenceRecipe() && report.texts == 5000)
    let again = try SentenceReport(of: model, recipe: report.recipe, texts: 300)
    #expect(again.parameters == report.parameters)
    #expect(again.accuracy > 0.97 && abs(again.accuracy - report.accuracy) < 0.02)
    #expect(report.difficulty.allSatisfy { $0.accuracy > 0.95 } && report.difficulty.map(\.distractors) == [1, 2])
    #expect(model.head == .nextToken && model.tokenizer.isSpecial(model.tokenizer.id(of: "[MASK]")!))
  }
}
