import Foundation
import SemanticPullbacks
import TestKit
import Testing

@testable import Faithfulness

/// Every metric against Quantus 0.6.0 and, where Quantus has no such metric, numpy, given the same random numbers
/// (Tests/Oracles/faithfulness.py).
@Suite struct QuantusTests {
  static let expected = try! Fixture.json("faithfulness") as! [String: [Double]]

  /// What metrics of given maps score.
  static func scores(_ metric: any Metric, maps: [Tensor] = SmallCase.maps) throws -> [Double] {
    try SmallCase.scores(metric, of: SmallCase.given(maps)).map(\.value)
  }

  @Test(
    arguments: BenchmarkVersion.allCases,
    [
      MetricName.infidelity, .faithfulnessCorrelation, .faithfulnessEstimate, .monotonicityCorrelation,
    ])
  func perturbationsAgree(_ version: BenchmarkVersion, _ name: MetricName) throws {
    let expected = try #require(Self.expected["\(name.rawValue)/\(version.rawValue)"])
    try expectEqual(Self.scores(name.metric(version)), expected)
  }

  @Test(arguments: [
    MetricName.insertion, .deletion, .pixelFlipping, .pointingGame, .massAccuracy, .rankAccuracy, .energyObject,
    .energyDiagnostic, .counterfactualConsistency,
  ])
  func mapsAgree(_ name: MetricName) throws {
    try expectEqual(Self.scores(name.metric()), #require(Self.expected[name.rawValue]))
  }

  @Test func regionPerturbationAgrees() throws {
    var metric = RegionPerturbation()
    (metric.cells, metric.regions) = (4, 10)
    try expectEqual(Self.scores(metric), #require(Self.expected["region-perturbation"]))
  }

  /// Metrics that explain again, of the gradient.
  @Test(arguments: [
    MetricName.maxSensitivity, .averageSensitivity, .randomLogit, .focus, .cascadingSpearman, .cascadingSSIM,
    .cascadingPearson, .cascadingAbsoluteSpearman, .cascadingScaledSSIM, .independentSpearman, .independentSSIM,
    .independentPearson, .independentAbsoluteSpearman, .independentScaledSSIM,
  ])
  func explanationsAgree(_ name: MetricName) throws {
    let scores = try SmallCase.scores(name.metric(), of: SmallCase.gradient)
    try expectEqual(scores.map(\.value), #require(Self.expected[name.rawValue]))
  }

  /// Quantus divides a batch by its largest value before it adds a constant, and its scores change with the company an
  /// image keeps. Here each image has its own largest value, and alone Quantus agrees.
  @Test func sparsenessDoesNotDependOnTheBatch() throws {
    let maps = zip(SmallCase.maps, [1e-3, 1, 1e-4, 1] as [Float]).map { $1 * $0 }
    let together = try Self.scores(Sparseness(), maps: maps)
    try expectEqual(together, #require(Self.expected["sparseness"]))
    let alone = try SmallCase.samples.map { sample in
      try SmallCase.scores(Sparseness(), of: SmallCase.given(maps), [sample])[0].value
    }
    #expect(together == alone)
    let batched = try #require(Self.expected["sparseness of a batch"])
    #expect(abs(batched[2] - together[2]) > 1e-4)
  }

  @Test func pooledConsistencyAgrees() throws {
    let series = try SmallCase.scores(CounterfactualConsistency(), of: SmallCase.given()).map(\.series)
    try expectEqual(
      [#require(pooledRankCorrelation(series))], #require(Self.expected["counterfactual-consistency pooled"]))
  }

  @Test func bootstrapAgrees() throws {
    let values = Formula.image("bootstrap values", [50]).scalars.map(Double.init)
    let interval = try #require(Bootstrap(seed: 314).interval(ofMean: values))
    try expectEqual([interval.low, interval.high], #require(Self.expected["bootstrap"]))
  }

  /// 1e-5 of the value; a correlation may besides be off by what the rounding of float32 logits makes of one near zero.
  private func expectEqual(_ actual: [Double], _ expected: [Double]) throws {
    #expect(actual.count == expected.count)
    for (a, b) in zip(actual, expected) { #expect(abs(a - b) <= 1e-5 * abs(b) + 1e-6, "\(a), expected \(b)") }
  }
}
