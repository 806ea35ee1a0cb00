import Foundation
import Imaging
import Testing

/// A figure with the numbers behind it.
public struct FigureResult: Sendable {
  public let picture: Picture
  public let numbers: JSONTree

  public init(picture: Picture, numbers: JSONTree) { (self.picture, self.numbers) = (picture, numbers) }

  /// Reads `<stem>.png` and `<stem>.json`.
  public init(_ stem: String, in folder: URL) throws {
    picture = try Photograph(contentsOf: folder.appendingPathComponent("\(stem).png").path).picture
    numbers = try JSONDecoder().decode(
      JSONTree.self, from: Data(contentsOf: folder.appendingPathComponent("\(stem).json")))
  }
}

/// How far a figure may be from its golden.
public struct FigureLimits: Sendable {
  public let picture: PictureDifference
  /// Of numbers: `absolute + relative * |expected|`.
  public let relative: Double
  public let absolute: Double

  public init(picture: PictureDifference, relative: Double, absolute: Double) {
    (self.picture, self.relative, self.absolute) = (picture, relative, absolute)
  }
}

/// A figure beside its golden.
public struct FigureComparison: Sendable {
  public let actual: FigureResult
  public let expected: FigureResult

  public init(_ actual: FigureResult, _ expected: FigureResult) { (self.actual, self.expected) = (actual, expected) }

  /// What is not within the limits, a line for each: of the picture one at most, of the numbers one for each place.
  public func problems(_ limits: FigureLimits) -> [String] {
    pictureProblems(limits)
      + actual.numbers.differences(from: expected.numbers, relative: limits.relative, absolute: limits.absolute)
  }

  public func pictureProblems(_ limits: FigureLimits) -> [String] {
    guard let found = PictureDifference(actual.picture, expected.picture) else {
      let (a, b) = (actual.picture, expected.picture)
      return ["\(a.width) x \(a.height) pixels instead of \(b.width) x \(b.height)"]
    }
    return found.isWithin(limits.picture) ? [] : ["picture: \(found); allowed: \(limits.picture)"]
  }

  /// The page that shows all of it.
  public func report(_ title: String, _ problems: [String]) throws -> String {
    try FailureReport(title: title, problems: problems, expected: expected.picture, actual: actual.picture).html()
  }
}

/// Checks that a figure and its numbers are as the golden `Figures/<stem>`.
///
/// On failure `Tests/Failures/<stem>/report.html` is left, one file that shows expected, actual, their difference and
/// the two by turns; the issue states its path and the first differences.
public func expectMatchesGoldenFigure(
  _ actual: FigureResult, _ stem: String, _ limits: FigureLimits, goldens: Goldens = .package,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let folder = goldens.root.appendingPathComponent("Figures")
  guard FileManager.default.fileExists(atPath: folder.appendingPathComponent("\(stem).png").path) else {
    Issue.record("there is no Figures/\(stem).png: make golden records it", sourceLocation: sourceLocation)
    return
  }
  let comparison = FigureComparison(actual, try FigureResult(stem, in: folder))
  let problems = comparison.problems(limits)
  guard !problems.isEmpty else { return }
  let report = goldens.failures(of: "\(stem).png").appendingPathComponent("report.html")
  try Goldens.write(Array(try comparison.report(stem, problems).utf8), to: report)
  Issue.record(
    """
    \(stem): \(problems.count) differences, the first of them
    \(problems.prefix(8).joined(separator: "\n"))
    see \(report.path)
    """, sourceLocation: sourceLocation)
}
