import Faithfulness
import Testing

/// Tests of paired differences, against what can be counted.
@Suite struct StatisticsTests {
  private static let lists: [[Double]] = [
    [0.5, 1, -0.25, 2, 0.75], [], [-1, -2, 3, 1, 0.5], Array(repeating: 0.1, count: 40), [3, -3], [1],
  ]

  /// Every assignment of signs, which for a few differences can be gone through.
  @Test func signFlipsAreCounted() throws {
    for differences in Self.lists where (1...5).contains(differences.count) {
      let observed = abs(differences.reduce(0, +))
      let all = 1 << differences.count
      let extreme = (0..<all).count { signs in
        let sum = differences.indices.reduce(0.0) { $0 + (signs >> $1 & 1 == 1 ? differences[$1] : -differences[$1]) }
        return abs(sum) >= observed - 1e-12
      }
      let found = try #require(signFlipPValue(differences, seed: 1))
      #expect(abs(found - Double(extreme) / Double(all)) < 0.01, "\(differences)")
    }
    #expect(try #require(signFlipPValue(Array(repeating: 0.1, count: 40), seed: 1)) < 1e-4)
    #expect(signFlipPValue([], seed: 1) == nil)
  }

  /// Several lists at once give the same bits as each alone, though they share their random numbers.
  @Test func manyAreAsEachAlone() {
    #expect(signFlipPValues(Self.lists, seed: 7) == Self.lists.map { signFlipPValue($0, seed: 7) })
    let bootstrap = Bootstrap(seed: 7)
    #expect(bootstrap.intervals(ofMeans: Self.lists) == Self.lists.map { bootstrap.interval(ofMean: $0) })
  }

  /// Holm's own steps, by hand: the smallest times their number, the next times one less, never falling.
  @Test func holmsCorrection() {
    let adjusted = holmAdjusted([0.04, 0.01, 0.03, 0.5])
    for (found, expected) in zip(adjusted, [0.09, 0.04, 0.09, 0.5]) { #expect(abs(found - expected) < 1e-12) }
    #expect(holmAdjusted([]).isEmpty && holmAdjusted([0.9, 0.8]) == [1, 1])
  }
}
