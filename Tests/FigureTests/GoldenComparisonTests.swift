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

  /// Every parameter moved by the rounding of a `Float`, as other kernels' order of sums moves every layer.
  @Test(arguments: [6e-8, 2e-7] as [Float]) func passesRounding(_ amount: Float) throws {
    let rounded = try comparison { $0.rounding = amount }
    #expect(rounded.actual.numbers != rounded.expected.numbers)
    #expect(rounded.problems(RebuiltFigure.otherKernels) == [])
  }

  /// Within the wider limits, and so within the tighter ones too.
  @Test func failsOnAnotherTemperature() throws { try expectNoticed(by: [.numbers]) { $0.temperature = 0.61 } }
  @Test func failsOnAPlainlyOtherTemperature() throws {
    try expectNoticed(by: [.numbers, .picture]) { $0.temperature = 1 }
  }
  @Test func failsOnAnotherColorMap() throws { try expectNoticed(by: [.picture]) { $0.colorMap = .coolwarm } }
  @Test func failsOnAnotherSeed() throws { try expectNoticed(by: [.numbers, .picture]) { $0.seed = 315 } }
  @Test func failsOnAnotherLabel() throws { try expectNoticed(by: [.picture]) { $0.label = "SmoothPd" } }

  private enum Part { case numbers, picture }

  private func expectNoticed(
    by parts: Set<Part>, sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout SmallFigure) -> Void
  ) throws {
    let changed = try comparison(change)
    let inPicture = changed.pictureProblems(RebuiltFigure.otherKernels)
    let all = changed.problems(RebuiltFigure.otherKernels)
    #expect(inPicture.isEmpty != parts.contains(.picture), "\(all)", sourceLocation: sourceLocation)
    #expect((all.count > inPicture.count) == parts.contains(.numbers), "\(all)", sourceLocation: sourceLocation)
  }
}
