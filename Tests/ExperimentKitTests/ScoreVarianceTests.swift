import Faithfulness
import Testing

@testable import ExperimentKit

@Suite struct ScoreVarianceTests {
  /// Scores that are a sum of effects, whose shares are known.
  @Test func sharesOfASumOfEffects() throws {
    let (networks, explainers, images) = ([-1.0, 1], [-2.0, 0, 2], [-3.0, -1, 1, 3])
    let both = [[1.0, -2, 1], [-1, 2, -1]]
    let scores = networks.indices.map { n in
      explainers.indices.map { e in images.map { 7 + networks[n] + explainers[e] + $0 + both[n][e] } }
    }
    let shares = try #require(VarianceShares(metric: "infidelity", scores))
    // Mean squares: 1 of networks, 8/3 of explainers, 5 of images, 2 of networks with explainers.
    let total = 1 + 8.0 / 3 + 5 + 2
    #expect(shares.explainers == 3 && shares.images == 4 && shares.networks == 2)
    for (found, expected) in [
      (shares.network, 1 / total), (shares.explainer, 8 / 3 / total), (shares.image, 5 / total),
      (shares.explainerAndNetwork, 2 / total), (shares.imageAndNetwork, 0), (shares.rest, 0),
    ] { #expect(abs(found - expected) < 1e-12) }
    #expect(VarianceShares(metric: "focus", [[[1, 1], [1, 1]]]) == nil)
    #expect(VarianceShares(metric: "focus", [[[]]]) == nil)
  }

  /// The shares are not negative and add up to one, whatever the scores.
  @Test func sharesAddUp() throws {
    var state = UInt64(1)
    let scores = (0..<3).map { _ in
      (0..<4).map { _ in
        (0..<5).map { _ -> Double in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return Double(state >> 40)
        }
      }
    }
    let shares = try #require(VarianceShares(metric: "infidelity", scores))
    let all = [
      shares.explainer, shares.image, shares.network, shares.explainerAndNetwork, shares.imageAndNetwork, shares.rest,
    ]
    #expect(all.allSatisfy { $0 > 0 } && abs(all.reduce(0, +) - 1) < 1e-12)
  }
}
