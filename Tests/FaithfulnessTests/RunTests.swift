import Attribution
import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Faithfulness

/// Runs that are cut off, split and merged.
@Suite struct RunTests {
  struct Source: SampleSource {
    let images = (0..<9).map { RunDescription.Image(name: "image, \($0)", target: $0 % 5) }
    let description = "formula images"
    func sample(_ index: Int) throws -> Sample {
      Sample(
        index: index, name: images[index].name, image: Formula.image("image\(index)", [1] + SmallCase.shape),
        target: images[index].target, mask: index == 4 ? nil : SmallCase.samples[0].mask)
    }
  }

  static let metrics: [MetricName] = [.faithfulnessCorrelation, .randomLogit, .focus, .pointingGame, .deletion]

  static func benchmark(
    seed: UInt64 = 314, metrics: [MetricName] = metrics, settings: MethodSettings = SharingTests.settings
  ) throws -> Benchmark {
    let methods: [Method] = [.softPullback, .gradient, .smoothPullback, .smoothGrad]
    return try Benchmark(
      of: SmallCase.network,
      methods.map { try Contender($0, settings, for: SmallCase.network.graph, in: .v6) },
      by: metrics.map { $0.metric() }, seed: seed)
  }

  static func description(
    _ benchmark: Benchmark, shard: RunDescription.Shard = .whole, checkpoint: String = "0"
  ) -> RunDescription {
    RunDescription(
      model: "resnet50", checkpoint: checkpoint, version: .v6, benchmark: benchmark, source: Source().description,
      images: Source().images, shard: shard)
  }

  static func run(in folder: String, shard: RunDescription.Shard = .whole) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let benchmark = try benchmark()
    let description = description(benchmark, shard: shard)
    try BenchmarkRun(benchmark, description, on: Source()).run(ScoreLog(in: folder, for: description))
  }

  static let names = ["scores.csv", "summary.csv", "paired.csv", "curves.csv", "table.md", "table.tex", "run.json"]

  static func files(of folder: String) throws -> [Data] {
    try names.map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")) }
  }

  /// The log and the results of a run in one piece.
  static let whole: (log: Data, files: [Data]) = try! withTemporaryFolder { folder in
    try run(in: folder)
    #expect(try Scores(in: folder).write(to: folder).sorted() == names.sorted())
    return (try Data(contentsOf: URL(fileURLWithPath: folder + "/scores.log")), try files(of: folder))
  }

  /// What a kill leaves is a beginning of the log: at any byte after the first line, the run continues to the same
  /// bytes.
  @Test(arguments: [0.0, 0.13, 0.31, 0.5, 0.77, 0.95, 0.999]) func continuesAfterAKill(_ share: Double) throws {
    let first = try #require(Self.whole.log.firstIndex(of: UInt8(ascii: "\n"))) + 1
    let kept = first + Int(share * Double(Self.whole.log.count - first))
    try withTemporaryFolder { folder in
      try Self.whole.log.prefix(kept).write(to: URL(fileURLWithPath: folder + "/scores.log"))
      #expect(throws: PullbackError.self) { try Scores(in: folder) }
      try Self.run(in: folder)
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/scores.log")) == Self.whole.log)
      _ = try Scores(in: folder).write(to: folder)
      #expect(try Self.files(of: folder) == Self.whole.files)
    }
  }

  /// A log whose stages were grouped otherwise continues too: it is what contenders' scores there are that counts.
  @Test func continuesAfterOtherStages() throws {
    try withTemporaryFolder { folder in
      try Self.whole.log.write(to: URL(fileURLWithPath: folder + "/scores.log"))
      let records = try ScoreLog.read(in: folder).records
      try FileManager.default.removeItem(atPath: folder + "/scores.log")
      let benchmark = try Self.benchmark()
      let log = try ScoreLog(in: folder, for: Self.description(benchmark))
      for record in records {
        for contender in 0..<3 {
          let entries = record.entries.filter { $0.explainer == contender }
          if !entries.isEmpty { try log.append(.init(block: record.block, stage: 7 + contender, entries: entries)) }
        }
      }
      let run = BenchmarkRun(benchmark, Self.description(benchmark), on: Source())
      #expect(run.passesLeft(log).backward > 0)
      try run.run(log)
      #expect(run.passesLeft(log) == Cost(forward: 0, backward: 0))
      _ = try Scores(in: folder).write(to: folder)
      #expect(try Self.files(of: folder) == Self.whole.files)
    }
  }

  /// Only what is missing is computed again.
  @Test func doesNothingTwice() throws {
    try withTemporaryFolder { folder in
      try Self.whole.log.write(to: URL(fileURLWithPath: folder + "/scores.log"))
      let benchmark = try Self.benchmark()
      let log = try ScoreLog(in: folder, for: Self.description(benchmark))
      let counter = PassCounter()
      let run = BenchmarkRun(benchmark, Self.description(benchmark), on: Source()) { counter.add($0) }
      #expect(run.passesLeft(log) == Cost(forward: 0, backward: 0))
      try run.run(log)
      #expect(counter.passes == Cost(forward: 0, backward: 0))
    }
  }

  @Test(arguments: [2, 3, 9, 11]) func partsMergeToTheWhole(_ count: Int) throws {
    try withTemporaryFolder { folder in
      let parts = (1...count).map { "\(folder)/part\($0)" }
      for (index, part) in parts.enumerated() {
        try Self.run(in: part, shard: #require(RunDescription.Shard("\(index + 1)/\(count)")))
      }
      _ = try Scores(merging: parts.reversed()).write(to: folder)
      #expect(try Self.files(of: folder) == Self.whole.files)
    }
  }

  @Test func mergingRefusesWhatDoesNotFit() throws {
    try withTemporaryFolder { folder in
      let parts = ["\(folder)/1", "\(folder)/2"]
      for (index, part) in parts.enumerated() {
        try Self.run(in: part, shard: #require(RunDescription.Shard("\(index + 1)/2")))
      }
      func problem(_ folders: [String]) -> String {
        do {
          _ = try Scores(merging: folders)
          return "none"
        } catch {
          return "\(error)"
        }
      }
      #expect(problem(parts) == "none")
      #expect(problem([]).contains("expected folders"))
      #expect(problem([parts[0]]).contains("part 2/2: is missing"))
      #expect(problem([parts[0], parts[0], parts[1]]).contains("is part 1/2, and so is"))
      let third = "\(folder)/3"
      try Self.run(in: third, shard: #require(RunDescription.Shard("1/3")))
      #expect(problem([parts[0], third]).contains("is part 1/3, while"))

      let log = try Data(contentsOf: URL(fileURLWithPath: parts[1] + "/scores.log"))
      try log.prefix(log.count - 5).write(to: URL(fileURLWithPath: parts[1] + "/scores.log"))
      #expect(problem(parts).contains("has 0 of 4 images"))

      let benchmark = try Self.benchmark(seed: 7)
      try FileManager.default.removeItem(atPath: parts[1] + "/scores.log")
      _ = try ScoreLog(
        in: parts[1], for: Self.description(benchmark, shard: #require(RunDescription.Shard("2/2"))))
      #expect(problem(parts).contains("belongs to another run than \(parts[0]): seed 7, not 314"))
      #expect(problem([folder + "/nowhere"]).contains("cannot be opened"))
    }
  }

  /// A folder of another run is left alone.
  @Test func resumingRefusesOtherSettings() throws {
    try withTemporaryFolder { folder in
      try Self.run(in: folder)
      let before = try Data(contentsOf: URL(fileURLWithPath: folder + "/scores.log"))
      var settings = SharingTests.settings
      settings.smoothGrad.count = 4
      var others = try [
        ("seed 315, not 314", Self.description(Self.benchmark(seed: 315))),
        ("metrics deletion, not faith", Self.description(Self.benchmark(metrics: [.deletion]))),
        ("draws 4, not 3", Self.description(Self.benchmark(settings: settings))),
        ("checkpoint 1, not 0", Self.description(Self.benchmark(), checkpoint: "1")),
        ("holds part 1/1, not 1/2", Self.description(Self.benchmark(), shard: #require(RunDescription.Shard("1/2")))),
      ]
      var renamed = try Self.description(Self.benchmark())
      renamed.images[3] = RunDescription.Image(name: "other", target: 3)
      others.append(("image 3 other of class 3, not image, 3", renamed))
      for (mentions, description) in others {
        do {
          _ = try ScoreLog(in: folder, for: description)
          Issue.record("\(mentions) was not refused")
        } catch {
          #expect("\(error)".contains(mentions), "\(error)")
        }
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/scores.log")) == before)
    }
  }

  @Test func damageBeforeTheEndIsAnError() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/scores.log"
      let newline = try #require(Self.whole.log.firstIndex(of: UInt8(ascii: "\n")))
      for place in [3, 40, newline + 30] {
        var log = Self.whole.log
        log[place] ^= 1
        try log.write(to: URL(fileURLWithPath: path))
        do {
          try Self.run(in: folder)
          Issue.record("damage at \(place) was not noticed")
        } catch let error as PullbackError {
          #expect(error.kind == .data && error.problem.contains("is damaged"), "\(error)")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == log)
      }
    }
  }

  @Test func twoProgramsDoNotWriteAtOnce() throws {
    try withTemporaryFolder { folder in
      let description = try Self.description(Self.benchmark())
      let log = try ScoreLog(in: folder, for: description)
      #expect {
        try ScoreLog(in: folder, for: description)
      } throws: {
        "\($0)".contains("another program is writing")
      }
      withExtendedLifetime(log) {}
    }
  }

  @Test func filesSayWhatIsThere() throws {
    let texts = Self.whole.files.map { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) }
    let (scores, summary, paired, table) = (texts[0], texts[1], texts[2], texts[4])
    #expect(scores.count == 1 + 4 * Self.metrics.count * 9)
    #expect(scores[1].hasPrefix("resnet50,soft-pullback,faithfulness-correlation,\"image, 0\",0,"))
    let undefined = scores.filter { $0.contains(",nan,") }
    #expect(undefined.count == 4)
    #expect(
      undefined.allSatisfy { $0.contains("pointing-game,\"image, 4\"") && $0.hasSuffix("no mask of what is asked for") }
    )
    #expect(summary.count == 1 + 4 * Self.metrics.count)
    #expect(
      summary.count { $0.contains(",8,1,") && $0.hasSuffix("1 x the image has no mask of what is asked for") } == 4)
    #expect(paired.count == 1 + 2 * Self.metrics.count)
    #expect(paired[1].hasSuffix(",9,0,0.1472,0.1226,0.171"))
    #expect(paired[1].hasPrefix("resnet50,soft-pullback - gradient,faithfulness-correlation,"))
    #expect(table[0].hasPrefix("| Explainer | Faith. Corr. ↑ | Rand. Logit →0 | Focus ↑ | Pointing ↑ | Deletion ↓ |"))
    #expect(table[2].hasPrefix("| soft-pullback |") && table[2].contains("[0.389 ± 0.370]"))
    #expect(table.joined().components(separatedBy: "**").count >= 2 * Self.metrics.count + 1)
    let latex = texts[5].joined()
    #expect(latex.contains("\\textbf{") && latex.contains("$\\uparrow$") && latex.contains("\\bottomrule"))
  }

  /// A mean difference, and its sign.
  @Test func pairsAreDifferencesOfMeans() throws {
    try withTemporaryFolder { folder in
      try Self.whole.log.write(to: URL(fileURLWithPath: folder + "/scores.log"))
      let scores = try Scores(in: folder)
      let summaries = scores.summaries()
      let pair = try #require(scores.pairedDifferences().first { $0.method == "smooth-pullback" && $0.metric == 1 })
      #expect(pair.twin == "smoothgrad")
      #expect(abs(pair.mean - (summaries[2][1].mean - summaries[3][1].mean)) < 1e-12)
      let interval = try #require(pair.interval)
      #expect(interval.low < pair.mean && pair.mean < interval.high)
    }
  }

  @Test func publishedFiguresAreFound() {
    #expect(
      Published.value(.infidelity, of: .softPullback, model: "resnet50", in: .v6)
        == Published.Value(mean: 5.989, deviation: 5.67))
    #expect(
      Published.value(.infidelity, of: .softPullback, model: "resnet50", in: .v5)
        == Published.Value(mean: 65.005, deviation: 53.258))
    #expect(Published.value(.focus, of: .guidedGradCAM, model: "resnet50", in: .v6)?.mean == 0.8493)
    #expect(Published.value(.focus, of: .guidedGradCAM, model: "pvt_v2_b1", in: .v6) == nil)
    #expect(Published.value(.insertion, of: .softPullback, model: "resnet50", in: .v6) == nil)
    #expect(
      Published.difference(.maxSensitivity, of: .softPullback, model: "resnet50")
        == Published.Difference(mean: -0.8335, low: -0.8434, high: -0.8237))
  }

  @Test(arguments: ["", "1", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/2", "1/99999999999999999999"])
  func shardsAreChecked(_ text: String) { #expect(RunDescription.Shard(text) == nil) }
}
