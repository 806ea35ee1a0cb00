import ExperimentKit
import Foundation
import TestKit
import Testing

/// The figures and tables that draw committed scores.
@Suite(.serialized) struct ScoredFigureTests {
  static let names = ["fig6", "fig9", "fig12", "table1", "table2", "table3", "table5"]

  /// Those that are committed, as scores are: `table1-scenes`.
  static let committed = ["scenes", "imagenet"].flatMap { tier in names.map { "\($0)-\(tier)" } }
    .filter { Fixture.exists("Figures/\($0).png") }

  /// Drawn from the committed scores, each is what is committed.
  @Test(.enabled(if: !committed.isEmpty, "needs committed scores"), arguments: committed)
  func drawsWhatIsCommitted(stem: String) throws {
    let (name, tier) = (String(stem.prefix { $0 != "-" }), String(stem.drop { $0 != "-" }.dropFirst()))
    let folder = try TemporaryFolder()
    let outcome = try Program(name).run(["--networks", tier, "--output", folder.url.path, "--format", "png"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    // A program may draw several: `table1-twins-scenes`.
    let all = try namesOfFiles(in: folder.url.path).filter { $0.hasSuffix("-\(tier).png") }.map { $0.dropLast(4) }
    #expect(all.contains { $0 == stem })
    for drawn in all {
      try expectMatchesGolden(
        Photograph(contentsOf: folder.path("\(drawn).png")).picture, "Figures/\(drawn).png", tolerance: .edgesOnly)
      for ending in ["json"] + (name.hasPrefix("table") ? ["md", "tex"] : []) {
        let written = try Data(contentsOf: folder.url.appendingPathComponent("\(drawn).\(ending)"))
        #expect(written == (try Data(contentsOf: Fixture.root.appendingPathComponent("Figures/\(drawn).\(ending)"))))
      }
    }
  }

  @Test(arguments: names) func saysWhatComputesMissingScores(name: String) throws {
    let folder = try TemporaryFolder()
    let arguments = ["--model", "vgg-scenes", "--scores", folder.path("scores"), "--output", folder.path("out")]
    let outcome = try Program(name).run(arguments)
    #expect(outcome.status == 66)
    let command = "run swift run -c release \(name) --networks scenes --model vgg-scenes --recompute"
    #expect(outcome.errors.contains("there are no scores to draw") && outcome.errors.contains(command))
    #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
    #expect(try Program(name).run(arguments + ["--samples", "2"]).status == 64)
  }

  /// Computed, committed and drawn: the curves of two scenes, the same bytes from a second run that finds its log.
  @Test func recomputes() throws {
    let folder = try TemporaryFolder()
    let arguments = [
      "--model", "vgg-scenes", "--recompute", "--samples", "2", "--scores", folder.path("scores"), "--format", "png",
    ]
    let environment = ["PULLBACKS_CACHE": folder.path("cache")]
    var drawn: [Data] = []
    for run in ["first", "second"] {
      let outcome = try Program("fig9").run(arguments + ["--output", folder.path(run)], environment: environment)
      #expect(outcome.status == 0, "\(outcome.errors)")
      drawn.append(try Data(contentsOf: URL(fileURLWithPath: folder.path("\(run)/fig9-scenes-vgg-scenes.json"))))
      if run == "second" { #expect(outcome.output.contains("passes: 0 forward, 0 backward")) }
    }
    #expect(drawn[0] == drawn[1])
    let files = try namesOfFiles(in: folder.path("scores/scenes/vgg-scenes/curves"))
    #expect(files == ["mean-curves.csv", "paired.csv", "run.json", "scores.csv", "summary.csv"])
  }
}
