import ExperimentKit
import TestKit
import Testing

/// The comparison with golden figures lets pass what another processor does, and nothing that a reader could see.
@Suite struct GoldenComparisonTests {
  private static let golden = Result { try SmallFigure().result() }

  private func comparison(_ change: (inout SmallFigure) -> Void) throws -> FigureComparison {
    var figure = SmallFigure()
    change(&figure)
    return FigureComparison(try figure.result(), try Self.golden.get())
  }

  @Test func passesTheSame() throws {
    let again = try comparison { _ in }
    #expect(PictureDifference(again.actual.picture, again.expected.picture) == PictureDifference.none)
    #expect(again.actual.numbers == again.expected.numbers)
  }

  @Test(arguments: [3e-8, 6e-8, 1e-7, 2e-7] as [Float]) func passesRounding(_ r: Float) throws {
    let rounded = try comparison { $0.rounding = r }
    #expect(rounded.actual.numbers != rounded.expected.numbers)
    print(r, PictureDifference(rounded.actual.picture, rounded.expected.picture)!, rounded.actual.numbers.largestDifference(from: rounded.expected.numbers))
    #expect(rounded.problems(RebuiltFigureTests.limits) == [])
  }

  /// Each change by itself, with what has to notice it.
  @Test func failsOnAnotherTemperature() throws {
    try expectNoticed { $0.temperature = 0.61 }
  }

  @Test func failsOnAnotherColorMap() throws { try expectNoticed(inNumbers: false) { $0.colorMap = .coolwarm } }
  @Test func failsOnAnotherSeed() throws { try expectNoticed { $0.seed = 315 } }
  @Test func failsOnAnotherLabel() throws { try expectNoticed(inNumbers: false) { $0.label = "SmoothPd" } }

  private func expectNoticed(
    inNumbers: Bool = true, sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout SmallFigure) -> Void
  ) throws {
    let changed = try comparison(change)
    let inPicture = changed.pictureProblems(RebuiltFigureTests.limits)
    let all = changed.problems(RebuiltFigureTests.limits)
    print(inPicture, all.count, PictureDifference(changed.actual.picture, changed.expected.picture)!)
    #expect(inPicture.count == 1, sourceLocation: sourceLocation)
    #expect((all.count > inPicture.count) == inNumbers, sourceLocation: sourceLocation)
  }
}
