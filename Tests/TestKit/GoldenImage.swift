import Failures
import Foundation
import Imaging
import Testing

/// Files that tests compare their results with, and the folder where a failing test leaves what it saw.
///
/// Goldens are recorded by `PULLBACKS_RECORD_GOLDEN=1 swift test --filter ...` and by nothing else. A test that records
/// fails and says so: look at the new file, commit it, and run the test again without the variable.
public struct Goldens: Sendable {
  /// Paths of goldens are relative to this folder; failures go to `Tests/Failures` inside it.
  public var root: URL
  public var isRecording: Bool

  public init(root: URL, isRecording: Bool) {
    self.root = root
    self.isRecording = isRecording
  }

  /// The goldens of this package.
  public static let package = Goldens(
    root: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent(),
    isRecording: ProcessInfo.processInfo.environment["PULLBACKS_RECORD_GOLDEN"] == "1")

  /// Where a test of the golden `path` leaves its findings: `Tests/Failures/<name without extension>`.
  public func failures(of path: String) -> URL {
    let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    return root.appendingPathComponent("Tests/Failures").appendingPathComponent(name)
  }

  /// Writes a golden and records an issue that says so.
  func record(_ bytes: [UInt8], _ path: String, _ sourceLocation: SourceLocation) {
    let file = root.appendingPathComponent(path)
    do {
      try Self.write(bytes, to: file)
      Issue.record(
        "recorded \(file.path) anew: look at it, then run without PULLBACKS_RECORD_GOLDEN",
        sourceLocation: sourceLocation)
    } catch {
      Issue.record("cannot record \(file.path): \(error)", sourceLocation: sourceLocation)
    }
  }

  static func write(_ bytes: [UInt8], to file: URL) throws {
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try AtomicFile.write(bytes, to: file.path)
  }
}

/// Checks that `picture` looks as the PNG file at `path`, pixel by pixel after decoding.
///
/// On failure `Tests/Failures/<name>/report.html` is left, one file that shows expected, actual, their difference
/// (eight times amplified; not where the sizes differ) and the two by turns; the issue states its path and the numbers
/// measured.
///
/// ```swift
/// try expectMatchesGolden(Figure(grid).picture(), "Tests/Golden/grid.png")
/// ```
/// - Parameters:
///   - path: relative to the package, such as `Tests/Golden/grid.png` or `Figures/fig3.png`.
///   - tolerance: the greatest difference that passes, in all three numbers.
public func expectMatchesGolden(
  _ picture: Picture, _ path: String, tolerance: PictureDifference = .edgesOnly, goldens: Goldens = .package,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  if goldens.isRecording { return goldens.record(try picture.pngBytes(), path, sourceLocation) }
  let file = goldens.root.appendingPathComponent(path)
  guard FileManager.default.fileExists(atPath: file.path) else {
    let report = FailureReport(title: path, problems: ["there is no golden"], expected: nil, actual: picture)
    try leave(report, goldens, path)
    Issue.record(
      "there is no \(file.path); see \(goldens.failures(of: path).path)/report.html", sourceLocation: sourceLocation)
    return
  }
  let expected = try Photograph(contentsOf: file.path).picture
  let found = PictureDifference(picture, expected)
  if let found, found.isWithin(tolerance) { return }

  let sizes = "\(picture.width) x \(picture.height) pixels instead of \(expected.width) x \(expected.height)"
  let problem = "\(found?.description ?? sizes)\nallowed: \(tolerance)"
  try leave(FailureReport(title: path, problems: [problem], expected: expected, actual: picture), goldens, path)
  Issue.record(
    """
    \(path): \(problem)
    see \(goldens.failures(of: path).path)/report.html
    """, sourceLocation: sourceLocation)
}

private func leave(_ report: FailureReport, _ goldens: Goldens, _ path: String) throws {
  try Goldens.write(Array(try report.html().utf8), to: goldens.failures(of: path).appendingPathComponent("report.html"))
}
