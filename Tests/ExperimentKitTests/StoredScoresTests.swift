import Foundation
import TestKit
import Testing

@testable import ExperimentKit

/// Scores that were written, and what figures and tables read of them.
@Suite struct StoredScoresTests {
  static let network: Network = try! Formula.network(
    Graph("vgg-scenes", input: [3, 16, 16]) { image in
      image.convolution("conv0", 6, kernel: 3, padding: 1).relu("relu0").maxPool("pool0", kernel: 2)
        .convolution("avgpool", 8, kernel: 3, padding: 1).relu("relu1").flatten().linear("fc", 10)
    })

  struct Source: SampleSource {
    let images = (0..<5).map { RunDescription.Image(name: "image, \($0)", target: $0) }
    let description = "formula images"
    func sample(_ index: Int) throws -> Sample {
      Sample(
        index: index, name: images[index].name, image: Formula.image("image\(index)", [1, 3, 16, 16]), target: index)
    }
  }

  /// The same, of which the first three have a mask.
  struct MaskedSource: SampleSource {
    let images = Source().images
    let description = Source().description
    func sample(_ index: Int) throws -> Sample {
      let sample = try Source().sample(index)
      let mask = Tensor(shape: [1, 1, 16, 16], (0..<256).map { $0 % 16 < 8 ? 1 : 0 })
      return Sample(
        index: index, name: sample.name, image: sample.image, target: sample.target, mask: index < 3 ? mask : nil)
    }
  }

  /// Scores of entrants on the formula's images, complete.
  static func scores(
    _ entrants: [Entrant], _ metrics: [MetricName], checkpoint: String = "0", on source: any SampleSource = Source(),
    in folder: String
  ) throws -> Scores {
    let benchmark = try Benchmark(
      of: network, entrants.map { try $0.contender(for: network) }, by: metrics.map { $0.metric() })
    let description = RunDescription(
      model: "vgg-scenes", checkpoint: checkpoint, version: .v6, benchmark: benchmark, source: source.description,
      images: source.images)
    try makeFolder(folder)
    try BenchmarkRun(benchmark, description, on: source).run(ScoreLog(in: folder, for: description))
    let scores = try Scores(in: folder)
    _ = try scores.write(to: folder)
    return scores
  }

  static func presets(_ methods: [Method]) -> [Entrant] { methods.map { Entrant($0, MethodSettings()) } }

  /// Every number of the table is the summary's, to the bit, and the differences are the pairs'.
  @Test func tablesHoldTheSummarys() throws {
    try withTemporaryFolder { folder in
      let metrics: [MetricName] = [.faithfulnessCorrelation, .randomLogit, .sparseness]
      let scores = try Self.scores(
        Self.presets([.softPullback, .gradient]) + [.chance], metrics, in: "\(folder)/scenes/vgg-scenes/faithfulness")
      let stored = try StoredScores(in: "\(folder)/scenes/vgg-scenes/faithfulness")
      let entries = stored.entries
      #expect(entries.count == 9)
      for (explainer, summaries) in zip(["soft-pullback", "gradient", "chance"], scores.summaries()) {
        for (metric, summary) in zip(metrics, summaries) {
          let entry = try #require(entries.first { $0.explainer == explainer && $0.metric == metric.rawValue })
          #expect(entry.mean == summary.mean && entry.deviation == summary.deviation && entry.median == summary.median)
          #expect(entry.low == summary.interval?.low && entry.high == summary.interval?.high)
          #expect(entry.count == 5 && entry.undefined == 0)
        }
      }
      #expect(entries[0].publishedMean == 0.606)
      let book = ScoreBook(networks: [stored], missing: ["ResNet"])

      // The comparisons are the pairs', a verdict each on the side on which the interval lies: here higher is better.
      let (pairs, comparisons) = (scores.pairedDifferences(), try [book].twinComparisons())
      #expect(comparisons.map(\.pair) == ["SfP − Grad", "SfP − Grad", "SfP − Grad"] && pairs.count == 3)
      for (pair, comparison) in zip(pairs, comparisons) where comparison.metric != "random-logit" {
        #expect(pair.mean == comparison.mean && pair.interval?.low == comparison.low)
        let side = pair.interval!.low > 0 ? "better" : pair.interval!.high < 0 ? "worse" : "undecided"
        #expect(comparison.verdict.rawValue == side)
      }
      let logits = try ["soft-pullback", "gradient"].map { try #require(stored.imageScores()[[$0, "random-logit"]]) }
      let magnitudes = zip(logits[0], logits[1]).map { abs($0) - abs($1) }
      #expect(abs(try #require(comparisons[1].mean) - magnitudes.reduce(0, +) / 5) < 1e-12)
      let published = try #require(Published.difference(.faithfulnessCorrelation, of: .softPullback, model: "vgg11_bn"))
      #expect(comparisons[0].publishedLow == published.low && comparisons[0].publishedVerdict != nil)
      #expect(comparisons[1].publishedMean == nil && comparisons[2].publishedVerdict == nil)
      let tallies = comparisons.tallies
      #expect(tallies.map(\.metric) == metrics.map(\.rawValue))
      #expect(tallies.allSatisfy { $0.better + $0.worse + $0.undecided == 1 && $0.comparisons == 1 })
      #expect(tallies[0].agreeing == (comparisons[0].verdict == comparisons[0].publishedVerdict ? 1 : 0))

      // Two explainers are always in one order or the other.
      #expect(stored.orderAgreements.isEmpty)

      let table = try book.table(entries)
      #expect(table.rows.count == 1 + 3 * 2)
      guard case .cells(let cells) = table.rows[1], case .notes(let notes) = table.rows[2] else {
        Issue.record("expected cells with notes")
        return
      }
      let format = NumberFormat(scores.summaries().map { $0[0].mean })
      let first = scores.summaries()[0][0]
      let interval = try #require(first.interval)
      #expect(cells[1].text == format(first.mean))
      #expect(notes[1] == "[\(format(interval.low)), \(format(interval.high))]")
      // In each column the better of the explainers is bold, and both if the interval of their difference holds zero;
      // chance never is.
      for (column, comparison) in comparisons.enumerated() {
        let bold = table.rows.compactMap { row in
          if case .cells(let cells) = row, cells[column + 1].isBold { cells[0].text } else { nil }
        }
        switch comparison.verdict {
        case .undecided: #expect(bold == ["SfP", "Grad"])
        case .better: #expect(bold == ["SfP"])
        case .worse: #expect(bold == ["Grad"])
        }
      }
      #expect(book.credit().hasSuffix("5 images (formula images), protocol v6, seed 314. Not scored yet: ResNet."))
    }
  }

  /// Where images have no score, every table and figure says of how many a mean is, and why; else it says nothing.
  @Test func undefinedScoresAreCounted() throws {
    try withTemporaryFolder { folder in
      let metrics: [MetricName] = [.massAccuracy, .sparseness]
      let entrants = Self.presets([.softPullback, .gradient])
      _ = try Self.scores(entrants, metrics, on: MaskedSource(), in: folder + "/some")
      _ = try Self.scores(entrants, [.sparseness], in: folder + "/all")
      let (some, all) = (try StoredScores(in: folder + "/some"), try StoredScores(in: folder + "/all"))
      let (book, whole) = (ScoreBook(networks: [some], missing: []), ScoreBook(networks: [all], missing: []))

      let reason = "the image has no mask of what is asked for"
      #expect(some.entries.map(\.undefined) == [2, 0, 2, 0] && some.entries[0].reasons == [reason])
      let table = try book.table(some.entries)
      #expect(table.footnote == "n: the images that have a score, where some have none: \(reason).")
      guard case .notes(let notes) = table.rows[2] else {
        Issue.record("expected notes")
        return
      }
      #expect(notes[1].hasSuffix("], n = 3") && notes[2].hasSuffix("]"))
      #expect(table.markdown.contains("], n = 3 |") && table.markdown.hasSuffix(reason + ".\n"))
      #expect(table.latex.contains(", n = 3}") && table.latex.contains(reason))
      #expect(
        book.missingScores
          == " Means over fewer images, where some have no score (\(reason)): VGG11-BN, SfP, mass-accuracy: 3 of 5; "
          + "VGG11-BN, Grad, mass-accuracy: 3 of 5.")

      let pairs = [book].table(try [book].twinComparisons())
      #expect(pairs.footnote == "n: the images for which both have a score, where some have none.")
      #expect(pairs.markdown.contains("], n = 3 |"))

      for table in [try whole.table(all.entries), [whole].table(try [whole].twinComparisons())] {
        #expect(table.footnote == nil && !table.markdown.contains("n ="))
      }
      #expect(whole.missingScores.isEmpty && all.entries.allSatisfy { $0.reasons == nil })
      #expect(!String(decoding: try JSONEncoder().encode(all.entries), as: UTF8.self).contains("reasons"))

      // The table that evaluate writes.
      let written = try String(contentsOfFile: folder + "/some/table.md", encoding: .utf8)
      #expect(written.components(separatedBy: " (n = 3) |").count == 3)
      #expect(written.contains("n: the images that have a score, where some have none; summary.csv"))
      #expect(try String(contentsOfFile: folder + "/some/table.tex", encoding: .utf8).contains(" (n = 3)"))
      #expect(try !String(contentsOfFile: folder + "/all/table.md", encoding: .utf8).contains("n ="))
    }
  }

  /// Settings that share passes in one run score as each does in a run of its own, to the bit.
  @Test func sweptSettingsScoreAsAlone() throws {
    let entrants = SweptParameter.entrants(for: Self.network.graph)
    let names = Set(entrants.map(\.name))
    #expect(names.isSuperset(of: ["soft-pullback", "soft-pullback relu=0.1", "pullback-ascent steps=2"]))
    #expect(!entrants.contains { $0.name.contains("gelu") || $0.name.contains("soft-pullback steps") })
    let metrics: [MetricName] = [.infidelity, .faithfulnessEstimate, .randomLogit, .maxSensitivity]
    try withTemporaryFolder { folder in
      let together = try Self.scores(entrants, metrics, in: folder + "/together").summaries()
      for (index, entrant) in entrants.enumerated() {
        #expect(try Self.scores([entrant], metrics, in: "\(folder)/\(index)").summaries()[0] == together[index])
      }
      // They differ from each other, or the settings would not have arrived.
      #expect(Set(together.map { $0[0].mean }).count == entrants.count)
    }
  }

  @Test func sweepsPassThroughThePreset() throws {
    for parameter in SweptParameter.allCases {
      #expect(parameter.values.contains(parameter.standard) && parameter.values == parameter.values.sorted())
      if let kind = parameter.kind { #expect(Float(parameter.standard) == kind.released) }
      #expect(parameter.name(.pullbackAscent, parameter.standard) == "pullback-ascent")
    }
    #expect(SweptParameter.steps.standard == Double(MethodSettings().steps))
    // A step of the released length is the preset's, which has none by hand.
    let graph = Self.network.graph
    let alpha = try #require(SweptParameter.entrants(for: graph).first { $0.name == "pullback-ascent alpha=40" })
    let explainer = try #require(try alpha.contender(for: Self.network).explainer as? PullbackAscent)
    #expect(explainer.alpha == 40 * (768 / 150_528 as Double).squareRoot())
    #expect(Published.ablation(.infidelity, of: .softPullback, model: "resnet50", "tau_relu", "0.3")?.mean == 26.662)
    let key = SweptParameter.attention.published(5)
    #expect(Published.ablation(.infidelity, of: .softPullback, model: "pvt_v2_b1", key.parameter, key.value) != nil)
  }

  /// Mean curves begin at no pixels and end at all, and their mean is that of the images' curves.
  @Test func meanCurves() throws {
    try withTemporaryFolder { folder in
      let scores = try Self.scores(Self.presets([.gradient]), [.deletion], in: folder)
      try scores.writeMeanCurves(for: [3, 16, 16], to: folder)
      let curve = try #require(try StoredScores(in: folder).curve("gradient", .deletion))
      #expect(curve.shares.first == 0 && curve.shares.last == 1 && curve.shares.count == 44)
      let clean = try Source().images.indices.map { index in
        let sample = try Source().sample(index)
        let ranking = try Prediction.ranking(Self.network(sample.image).scalars)
        return ranking.first { $0.target == sample.target }!.probability
      }
      #expect(abs(curve.mean[0] - clean.reduce(0, +) / 5) < 1e-6)
      #expect(zip(curve.low, curve.high).allSatisfy { $0 <= $1 })
      let area = zip(zip(curve.shares, curve.shares.dropFirst()), zip(curve.mean, curve.mean.dropFirst()))
        .reduce(0.0) { $0 + ($1.0.1 - $1.0.0) * ($1.1.0 + $1.1.1) / 2 }
      #expect(abs(area - scores.summaries()[0][0].mean) < 1e-12)
    }
  }

  /// What is missing, stale or damaged is said with the command that mends it.
  @Test func refusals() throws {
    try withTemporaryFolder { folder in
      func problem(_ models: [String]) -> String {
        do {
          _ = try ScoreBook(of: .curves, models, tier: .scenes, in: folder, experiment: "fig9")
          return "none"
        } catch {
          return "\(error)"
        }
      }
      let command = "swift run -c release fig9 --networks scenes --model vgg-scenes --recompute"
      #expect(problem(["vgg-scenes"]).contains("there are no scores to draw"))
      #expect(problem(["vgg-scenes"]).contains(command))
      let path = "\(folder)/scenes/vgg-scenes/curves"
      _ = try Self.scores(Self.presets([.gradient]), [.sparseness], in: path)
      #expect(problem(["vgg-scenes"]).contains("other parameters") && problem(["vgg-scenes"]).contains(command))
      let current = try SceneNetwork.vgg.checkpoint().sha256
      try FileManager.default.removeItem(atPath: path)
      _ = try Self.scores(Self.presets([.gradient]), [.sparseness], checkpoint: current, in: path)
      #expect(problem(["vgg-scenes"]) == "none")
      let book = try ScoreBook(
        of: .curves, ["resnet-scenes", "vgg-scenes"], tier: .scenes, in: folder, experiment: "fig9")
      #expect(book.networks.map(\.title) == ["VGG11-BN"] && book.credit().hasSuffix("Not scored yet: ResNet."))

      let summary = path + "/summary.csv"
      let text = try String(contentsOfFile: summary, encoding: .utf8)
      for (from, to, mentions) in [
        ("sparseness,higher", "sparseness,higher,x", "summary.csv"), ("gradient", "grad", "has no row for gradient"),
        (",5,0,", ",-5,0,", "expected a count in the column n, found -5"),
        ("median", "middle", "has no column median"),
      ] {
        try text.replacing(from, with: to).write(toFile: summary, atomically: true, encoding: .utf8)
        #expect(problem(["vgg-scenes"]).contains(mentions), "\(problem(["vgg-scenes"]))")
      }
      try "{}".write(toFile: path + "/run.json", atomically: true, encoding: .utf8)
      #expect(problem(["vgg-scenes"]).contains("run.json"))
    }
  }
}
