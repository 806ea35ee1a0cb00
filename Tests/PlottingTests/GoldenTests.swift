import Foundation
import Imaging
import TestKit
import Testing

@testable import Plotting

/// The comparison must catch what matters: a test of figures that cannot fail would guard nothing.
@Suite struct GoldenTests {
  private func picture(label: String = "church", ink: Color = .okabeIto[0]) throws -> Picture {
    try Sketch(60, 20) { canvas in
      canvas.fill(Rect(x: 2, y: 2, width: 16, height: 16), ink)
      canvas.text(label, at: Point(22, 10), TextStyle(8), vertical: .middle)
    }.pixels(perPoint: 2)
  }

  @Test func measuresDifferences() throws {
    let (a, b) = (gray([[0, 10], [20, 30]]), gray([[0, 10], [26, 0]]))
    let found = try #require(PictureDifference(a, b))
    #expect(
      found == PictureDifference(maxChannelDifference: 30, shareOfPixelsChanged: 0.5, meanDifference: 9))
    #expect(PictureDifference(a, gray([[0, 10]])) == nil)
    #expect(PictureDifference(a, a) == PictureDifference.none)
  }

  @Test func acceptsTheSameAndTracesAtEdges() throws {
    try withGolden { goldens in
      try expectMatchesGolden(picture(), "golden.png", tolerance: .none, goldens: goldens)
      var faint = try picture()
      faint.pixels[0] -= 20
      try expectMatchesGolden(faint, "golden.png", goldens: goldens)
      #expect(!FileManager.default.fileExists(atPath: goldens.failures(of: "golden.png").path))
    }
  }

  @Test(arguments: ["label", "color", "size"])
  func catchesChanges(of what: String) throws {
    let changed: Picture =
      switch what {
      case "label": try picture(label: "churoh")
      case "color": try picture(ink: .okabeIto[5])
      default: gray([[0]])
      }
    try withGolden { goldens in
      try expectOneIssue { try expectMatchesGolden(changed, "golden.png", goldens: goldens) }
      let left = try FileManager.default.contentsOfDirectory(atPath: goldens.failures(of: "golden.png").path)
      #expect(left == ["report.html"])
      let report = try String(
        contentsOf: goldens.failures(of: "golden.png").appendingPathComponent("report.html"), encoding: .utf8)
      // One file that needs no other: every picture is in it. Those of two sizes have no difference.
      #expect(report.components(separatedBy: "<img").count - 1 == (what == "size" ? 2 : 5))
      let sources = report.components(separatedBy: "src=").count
      #expect(report.components(separatedBy: "src=\"data:image/png;base64,").count == sources)
      #expect(!report.contains("href"))
      #expect(report.contains(what == "size" ? "1 x 1 pixels" : "share of pixels changed"))
    }
  }

  @Test func recordingFailsTheTestAndWritesTheFile() throws {
    try withGolden { goldens in
      var recording = goldens
      recording.isRecording = true
      let other = try picture(label: "ball")
      try expectOneIssue { try expectMatchesGolden(other, "new/other.png", goldens: recording) }
      try expectMatchesGolden(other, "new/other.png", tolerance: .none, goldens: goldens)
      try expectOneIssue { try expectMatchesGolden(other, "missing.png", goldens: goldens) }
    }
  }

  @Test func comparesNumbersByPlace() throws {
    func tree(_ json: String) throws -> JSONTree { try JSONDecoder().decode(JSONTree.self, from: Data(json.utf8)) }
    let expected = try tree(#"{"a": [1, 2.0, {"b": "x", "c": true}], "d": null, "e": 100}"#)
    let near = try tree(#"{"a": [1, 2.001, {"b": "x", "c": true}], "d": null, "e": 100.05}"#)
    #expect(near.differences(from: expected, relative: 1e-3, absolute: 0) == [])
    #expect(
      near.differences(from: expected, relative: 0, absolute: 0.01).map { $0.prefix { $0 != ":" } } == ["$.e"])
    let far = try tree(#"{"a": [1, 2, {"b": "y", "c": 1}, 4], "e": "100", "f": 0}"#)
    #expect(
      far.differences(from: expected, relative: 1, absolute: 1).map { String($0.prefix { $0 != ":" }) } == [
        "$.a", "$.a[2].b", "$.a[2].c", "$.d", "$.e", "$.f",
      ])
  }

  @Test func checksNumberFiles() throws {
    try withGolden { goldens in
      let file = goldens.root.appendingPathComponent("numbers.json")
      try Data(#"{"focus": [0.5, 0.25]}"#.utf8).write(to: file)
      let json = Array(#"{"focus": [0.5, 0.26]}"#.utf8)
      try expectMatchesGoldenNumbers(json, "numbers.json", relative: 0.05, absolute: 0, goldens: goldens)
      try expectOneIssue {
        try expectMatchesGoldenNumbers(json, "numbers.json", relative: 1e-6, absolute: 1e-6, goldens: goldens)
      }
      let left = goldens.failures(of: "numbers.json").appendingPathComponent("actual.json")
      #expect([UInt8](try Data(contentsOf: left)) == json)
    }
  }

  /// A folder of its own with `golden.png`, which it removes afterwards.
  private func withGolden(_ body: (Goldens) throws -> Void) throws {
    let golden = Figure(
      Sketch(60, 20) { canvas in
        canvas.fill(Rect(x: 2, y: 2, width: 16, height: 16), .okabeIto[0])
        canvas.text("church", at: Point(22, 10), TextStyle(8), vertical: .middle)
      }, theme: bare)
    try withTemporaryFolder { folder in
      try golden.write(to: "\(folder)/golden.png")
      try body(Goldens(root: URL(fileURLWithPath: folder), isRecording: false))
    }
  }

  private var bare: Theme {
    var theme = Theme.paper
    (theme.margin, theme.pixelsPerPoint) = (0, 2)
    return theme
  }

  /// The body must record exactly one issue; were there none, `withKnownIssue` would record one itself.
  private func expectOneIssue(_ body: () throws -> Void) throws {
    nonisolated(unsafe) var count = 0
    try withKnownIssue {
      try body()
    } matching: { _ in
      count += 1
      return true
    }
    #expect(count == 1)
  }
}
