import Attribution
import Pullbacks
import TestKit
import Testing

@testable import Faithfulness

/// Where a metric has no value, it says so and why.
@Suite struct UndefinedTests {
  static let zero = Tensor(shape: [1, 3, 16, 16])
  static let constant = Tensor(shape: [1, 3, 16, 16], repeating: 0.25)
  static let infinite = Tensor(shape: [1, 3, 16, 16], repeating: .infinity)

  static func score(_ name: MetricName, _ map: Tensor, _ sample: Sample = SmallCase.samples[0]) throws -> Score {
    try SmallCase.scores(name.metric(), of: SmallCase.given([map]), [sample])[0]
  }

  /// Metrics that score given maps.
  static let ofMaps = MetricName.allCases.filter { !$0.metric().recomputesExplanations }

  /// A map that is zero, or the same everywhere, says nothing about any place: no metric scores it.
  @Test(arguments: ofMaps) func emptyMaps(_ name: MetricName) throws {
    for (map, reason) in [(Self.zero, Undefined.zeroAttribution), (Self.constant, .constantAttribution)] {
      let score = try Self.score(name, map)
      #expect(score.value.isNaN && score.undefined == reason)
    }
  }

  /// Equal values are taken in a random order, not in that of the pixels: a map that is 1 on one half of the image and
  /// 0 on the other is not scored like one that falls from the first pixel of each half to the last.
  @Test func tiesHaveNoOrder() throws {
    let values = (0..<768).map { $0 % 256 < 128 ? 1 : 0 as Float }
    let steep = values.indices.map { values[$0] - Float($0 % 256) / 1e6 }
    for name in [MetricName.deletion, .insertion, .pixelFlipping, .faithfulnessEstimate, .monotonicityCorrelation] {
      let scores = try [values, steep].map { try Self.score(name, Tensor(shape: [1, 3, 16, 16], $0)).value }
      #expect(scores[0].isFinite && scores[0] != scores[1], "\(name)")
    }
    let stream = SmallCase.samples[0].ties(seed: 314)
    let order = ranking(of: values.map(Double.init), ascending: false, ties: stream)
    #expect(order.prefix(384).allSatisfy { values[Int($0)] == 1 } && Array(order) != order.sorted())
    #expect(order == ranking(of: values.map(Double.init), ascending: false, ties: stream))
    #expect(Set(order).count == 768)
  }

  /// Of a rectangle of equal values that covers the object in part, what is expected over all orders.
  @Test func tiedPlacesCountByTheirShare() throws {
    let mask = Tensor(shape: [1, 1, 16, 16], (0..<256).map { $0 < 64 ? 1 : 0 })
    let sample = Sample(index: 0, name: "", image: SmallCase.images[0], target: 3, mask: mask)
    let map = Tensor(shape: [1, 3, 16, 16], (0..<768).map { (32..<160).contains($0 % 256) ? 2 : 0 })
    // 128 equal largest values, 32 of them on the object of 64 pixels: 64 of them are taken, a quarter hits.
    #expect(try Self.score(.rankAccuracy, map, sample).value == 0.25)
    #expect(try Self.score(.pointingGame, map, sample).value == 0.25)
  }

  /// Four times four cells of a network that does not look at its input.
  @Test func constantResponses() throws {
    let graph = SmallCase.network.graph
    let parameters = Formula.parameters(graph).mapValues { Tensor(shape: $0.shape) }
    let benchmark = try Benchmark(
      of: Network(graph, parameters: parameters), [SmallCase.given()], by: [FaithfulnessCorrelation()])
    let score = try BenchmarkBlock(benchmark, [SmallCase.samples[0]]).scores(stage: 0)[0].score
    #expect(score.undefined == .constantResponse)
  }

  @Test(arguments: [
    MetricName.infidelity, .faithfulnessCorrelation, .faithfulnessEstimate, .monotonicityCorrelation, .sparseness,
    .insertion,
    .pixelFlipping, .pointingGame, .energyObject, .counterfactualConsistency,
  ])
  func infiniteMaps(_ name: MetricName) throws {
    let score = try Self.score(name, Self.infinite)
    #expect(score.value.isNaN && score.undefined == .notFinite)
  }

  @Test(arguments: [MetricName.pointingGame, .massAccuracy, .rankAccuracy, .energyObject, .energyDiagnostic])
  func imagesWithoutMask(_ name: MetricName) throws {
    let bare = Sample(index: 0, name: "bare", image: SmallCase.images[0], target: 3)
    #expect(try Self.score(name, SmallCase.maps[0], bare).undefined == .noMask)
    let empty = Sample(
      index: 0, name: "empty", image: SmallCase.images[0], target: 3, mask: Tensor(shape: [1, 1, 16, 16]))
    #expect(try Self.score(name, SmallCase.maps[0], empty).undefined == .noMask)
    let white = Tensor(shape: [1, 1, 16, 16], repeating: 1)
    let whole = Sample(
      index: 0, name: "whole", image: SmallCase.images[0], target: 3, mask: white,
      parts: [Sample.Part(name: "all", mask: white, isDiagnostic: true, imageWithout: SmallCase.images[0])])
    #expect(try Self.score(name, SmallCase.maps[0], whole).undefined == .wholeImage)
  }

  @Test func onePartIsTooFew() throws {
    let sample = SmallCase.samples[0]
    let one = Sample(index: 0, name: "one", image: sample.image, target: 3, parts: [sample.parts[0]])
    let score = try Self.score(.counterfactualConsistency, SmallCase.maps[0], one)
    #expect(score.undefined == .tooFewParts && score.series.count == 2)
  }

  @Test func mosaicsNeedOtherClasses() throws {
    #expect(Mosaic.plan(of: 0, targets: [1, 1, 2], seed: 314) == nil)
    let plans = (0..<200).map { Mosaic.plan(of: $0, targets: (0..<200).map { $0 % 7 }, seed: 314)! }
    for (index, plan) in plans.enumerated() {
      #expect(plan.isOwn.count { $0 } == 2 && Set(plan.others).count == 2)
      #expect(plan.others.allSatisfy { $0 % 7 != index % 7 })
    }
    #expect(Set(plans.map(\.isOwn)).count == 6)
    let lonely = Sample(index: 0, name: "lonely", image: SmallCase.images[0], target: 3)
    #expect(try SmallCase.scores(Focus(), of: SmallCase.gradient, [lonely])[0].undefined == .noMosaic)
  }

  /// A summary counts what is undefined, and leaves it out of the mean.
  @Test func summariesCount() {
    let scores = [Score(1), Score(.noMask), Score(4), Score(.zeroAttribution), Score(.noMask), Score(1)]
    let summary = Summary(scores, Bootstrap(resamples: 100, seed: 1))
    #expect(summary.count == 3 && summary.undefined == 3)
    #expect(summary.mean == 2 && summary.median == 1 && summary.deviation == 2.0.squareRoot())
    #expect(summary.reasons == "1 x the attribution is zero; 2 x the image has no mask of what is asked for")
    let nothing = Summary([Score(.noMask)], Bootstrap(resamples: 100, seed: 1))
    #expect(nothing.mean.isNaN && nothing.interval == nil && nothing.count == 0)
  }

  @Test func refusalsAreClear() {
    let maps = SmallCase.given()
    for name in MetricName.allCases where name.metric().recomputesExplanations {
      #expect(throws: PullbackError.self) { try Benchmark(of: SmallCase.network, [maps], by: [name.metric()]) }
    }
    #expect(MetricName.allCases.count { $0.metric().recomputesExplanations } == 14)
    let alien = Sample(index: 0, name: "alien", image: SmallCase.images[0], target: 10)
    let large = Sample(index: 0, name: "large", image: Tensor(shape: [1, 3, 17, 16]), target: 1)
    for sample in [alien, large] {
      #expect(throws: PullbackError.self) { try SmallCase.scores(Sparseness(), of: maps, [sample]) }
    }
  }

  @Test func directionsPrefer() {
    #expect(Direction.higher.prefers(2, to: 1) && Direction.lower.prefers(1, to: 2))
    #expect(Direction.nearerZero.prefers(-0.1, to: 0.2) && !Direction.nearerZero.prefers(-0.3, to: 0.2))
    #expect(MetricName.allCases.allSatisfy { $0.metric().name == $0.rawValue && !$0.metric().citation.isEmpty })
    // Metrics of one type but another meaning differ in what their pages say, similarities in their names alone.
    #expect(Set(MetricName.allCases.map { $0.metric().formula }).count == MetricName.allCases.count - 8)
  }
}
