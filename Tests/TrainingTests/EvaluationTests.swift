import Foundation
import Networks
import Pullbacks
import Scenes
import TestKit
import Testing

@testable import Training

/// What is counted where, and what became of the networks that come with the package.
@Suite struct EvaluationTests {
  /// A network that sees a church in everything.
  private static func churches() throws -> Network {
    let graph = try Graph("churches", input: [3, 96, 96]) { $0.globalAveragePool("pool").linear("fc", 10) }
    var bias = [Float](repeating: 0, count: 10)
    bias[SceneClass.church.rawValue] = 1
    return try Network(
      graph, parameters: ["fc.weight": Tensor(shape: [10, 3]), "fc.bias": Tensor(shape: [10], bias)])
  }

  @Test func counts() throws {
    let evaluation = try Evaluation(of: Self.churches(), on: SceneGenerator(seed: 9), 0..<60)
    #expect(evaluation.accuracy == 0.1)
    let church = SceneClass.church.rawValue
    for (row, counts) in evaluation.confusion.enumerated() {
      #expect(counts.reduce(0, +) == 6 && counts[church] == 6, "row \(row)")
    }
    let bins = Dictionary(grouping: evaluation.difficulty, by: \.by)
    #expect(Set(bins.keys) == ["grade", "scale", "noise", "blur", "clutter", "occluders"])
    for (kind, bins) in bins {
      #expect(bins.reduce(0) { $0 + $1.scenes } == 60, "\(kind)")
      let right = bins.reduce(0) { $0 + $1.accuracy * Double($1.scenes) }
      #expect(abs(right - 6) < 1e-9, "\(kind)")
    }
    let hard = try #require(bins["grade"]?.first { $0.value == "hard" })
    #expect(hard.scenes == evaluation.predictions.count { $0.scene.difficulty.grade == .hard })
  }

  @Test func otherClassesAreRefused() throws {
    let graph = try Graph("three", input: [3, 96, 96]) { $0.globalAveragePool("pool").linear("fc", 3) }
    #expect(throws: PullbackError.self) {
      try Evaluation(of: Network(untrained: graph, seed: 1), on: .heldOut, 0..<1)
    }
  }

  /// The checkpoints are those of the reports beside them, made by the recipes of the source, and see what they claim.
  @Test(arguments: SceneNetwork.allCases) func embedded(_ model: SceneNetwork) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: model.path(ending: "json")))
    let report = try JSONDecoder().decode(TrainingReport.self, from: data)
    #expect(report.recipe == (try Recipe.named(model.rawValue)))
    #expect(try model.checkpoint().metadata["recipe"] == compactJSON(report.recipe))
    #expect(try Architecture.infer(from: model.checkpoint()).name == model.rawValue)
    #expect(report.scenes == 5000 && report.accuracy >= 0.97)
    #expect(report.parameters <= 1_500_000)
    let confused = report.confusion.map { $0.reduce(0, +) }
    #expect(confused == [Int](repeating: 500, count: 10))
    let right = report.confusion.enumerated().reduce(0) { $0 + $1.element[$1.offset] }
    #expect(Double(right) == report.accuracy * 5000)

    let file = try FileManager.default.attributesOfItem(atPath: model.path(ending: "safetensors"))
    #expect(try #require(file[.size] as? Int) <= 3_000_000)
    // Of 300 scenes, five standard deviations below what 5,000 promise.
    let evaluation = try Evaluation(of: model.network(), on: .heldOut, 0..<300)
    let deviation = (report.accuracy * (1 - report.accuracy) / 300).squareRoot()
    #expect(evaluation.accuracy >= report.accuracy - 5 * deviation)

    let log = try String(contentsOfFile: model.path(ending: "csv"), encoding: .utf8)
    let lines = log.split(separator: "\n")
    #expect(lines.count == 1 + report.recipe.epochs)
    #expect(
      lines.last?.hasPrefix("\(report.recipe.epochs),\(report.recipe.epochs * report.recipe.epochScenes),") == true)
  }
}
