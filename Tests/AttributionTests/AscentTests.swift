import Attribution
import Pullbacks
import TestKit
import Testing

/// The order of the steps of an ascent, on a network whose pullback is known: a linear one.
@Suite struct AscentTests {
  /// One image of two values, one logit `3 a + 4 b`: nu = (3, 4) everywhere, of norm 5.
  static let network: Network = {
    let graph = try! Graph("linear", input: [2]) { $0.linear("fc", 1, bias: false) }
    return try! Network(graph, parameters: ["fc.weight": Tensor(shape: [1, 2], [3, 4])])
  }()
  static let x = Tensor(shape: [1, 2], [0.5, -0.25])

  private func attribution(_ ascent: PullbackAscent) throws -> [Float] {
    try ascent.attribute(Self.x, .classes([0]), of: Self.network).scalars
  }

  private func ascent(_ change: (inout PullbackAscent) -> Void) -> PullbackAscent {
    var ascent = PullbackAscent(.gradient, name: "gradient-ascent", alpha: 0.5, steps: 3)
    change(&ascent)
    return ascent
  }

  @Test func normalisedSteps() throws {
    // Three steps of 0.5 along (0.6, 0.8).
    #expect(closeTo([0.9, 1.2], try attribution(ascent { _ in })))
  }

  @Test func withoutNormalising() throws {
    #expect(closeTo([4.5, 6], try attribution(ascent { $0.normalisesStep = false })))
  }

  @Test func presetAlphaScalesWithTheImage() throws {
    let alpha = 20 * (2.0 / 150_528).squareRoot()
    #expect(closeTo([3 * alpha * 0.6, 3 * alpha * 0.8], try attribution(ascent { $0.alpha = nil })))
  }

  @Test func relativeStep() throws {
    let norm = (0.25 + 0.0625).squareRoot()
    let step = try attribution(ascent { ($0.isRelative, $0.steps) = (true, 1) })
    #expect(closeTo([0.5 * norm * 0.6, 0.5 * norm * 0.8], step))
  }

  @Test func staysInTheBall() throws {
    #expect(closeTo([0.42, 0.56], try attribution(ascent { $0.ballRadius = 0.7 })))
  }

  @Test func clips() throws {
    // Iterates (0.8, 0.15), (1.1, 0.55), (1.4, 0.95): clipping each one or the last one ends at (1, 0.95) here.
    #expect(closeTo([0.5, 1.2], try attribution(ascent { $0.clipping = .everyStep })))
    #expect(closeTo([0.5, 1.2], try attribution(ascent { $0.clipping = .lastStep })))
    #expect(closeTo([0.9, 1.2], try attribution(ascent { $0.clipping = .never })))
  }

  @Test func aFlatDirectionGoesNowhere() throws {
    let flat = try Network(Self.network.graph, parameters: ["fc.weight": Tensor(shape: [1, 2])])
    let result = try ascent { _ in }.attribute(Self.x, .classes([0]), of: flat)
    #expect(result.scalars == [0, 0])
  }

  @Test func refusesAWrongNumberOfTargets() {
    #expect(throws: PullbackError.self) {
      try ascent { _ in }.attribute(Self.x, .classes([0, 0]), of: Self.network)
    }
  }

  private func closeTo(_ expected: [Double], _ actual: [Float]) -> Bool {
    zip(expected, actual).allSatisfy { abs($0 - Double($1)) < 1e-6 }
  }
}
