import Foundation
import TestKit
import Testing

/// Not a test: what differs between two folders of figures, for `make golden` and `Tests/Golden/families`, a line for
/// each figure. The folders are named by `PULLBACKS_FIGURES_BEFORE` and `PULLBACKS_FIGURES_AFTER`.
@Suite struct GoldenChanges {
  private static func folder(_ name: String) -> URL? {
    ProcessInfo.processInfo.environment["PULLBACKS_FIGURES_\(name)"].map { URL(fileURLWithPath: $0) }
  }

  @Test(.enabled(if: folder("BEFORE") != nil && folder("AFTER") != nil, "needs two folders"))
  func sayWhatChanged() throws {
    let (before, after) = (try #require(Self.folder("BEFORE")), try #require(Self.folder("AFTER")))
    let stems = try [before, after].map { folder in
      Set(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".png") }
          .map { String($0.dropLast(4)) })
    }
    for stem in stems[0].union(stems[1]).sorted() {
      guard stems.allSatisfy({ $0.contains(stem) }) else {
        print("\(stem): \(stems[0].contains(stem) ? "gone" : "new")")
        continue
      }
      let comparison = FigureComparison(try FigureResult(stem, in: after), try FigureResult(stem, in: before))
      let numbers = comparison.actual.numbers.largestDifference(from: comparison.expected.numbers)
      let picture = PictureDifference(comparison.actual.picture, comparison.expected.picture)
      print("\(stem): \(picture?.description ?? "another size"); largest difference of numbers \(numbers)")
    }
  }
}
