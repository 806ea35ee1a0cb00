import Failures
import Foundation
import Imaging
import Pullbacks
import TestKit
import Testing

@testable import Plotting

@Suite struct FigureTests {
  private let figure = Figure(exampleGrid(), title: "Title & <more>", credit: "credit line")

  @Test func everyFormatIsTheSameEveryTime() throws {
    #expect(try figure.png() == figure.png())
    #expect(try figure.pdf() == figure.pdf())
    #expect(try figure.svg() == figure.svg())
  }

  @Test func pdfKeepsTextAndHasNoDate() throws {
    let text = String(decoding: try figure.pdf(), as: UTF8.self)
    #expect(text.hasPrefix("%PDF-1.4"))
    #expect(text.contains("+DejaVuSans"))
    #expect(text.contains("/ToUnicode"))
    #expect(!text.contains("Date"))
  }

  @Test func svgKeepsTextAsText() throws {
    let text = String(decoding: try figure.svg(), as: UTF8.self)
    #expect(text.contains(">cassette player</text>") || text.contains(">cassette</text>"))
    #expect(text.contains(">Title &amp; &lt;more&gt;</text>"))
    #expect(text.contains("<title>Title &amp; &lt;more&gt;</title>"))
    #expect(text.contains(">−max</text>"))
    #expect(text.contains("font-family=\"DejaVu Sans, Verdana, sans-serif\""))
    #expect(text.components(separatedBy: "<image ").count - 1 == 7)
    #expect(isBalanced(text))
  }

  @Test func svgCoordinatesAreTheMarks() throws {
    var theme = Theme.paper
    theme.margin = 0
    let sketch = Sketch(30, 20) { canvas in
      canvas.clipped(to: Rect(x: 1, y: 2, width: 3.5, height: 4)) {
        $0.fill(Rect(x: 0, y: 0, width: 5, height: 0.25), Color(0x0072B2).opacity(0.5))
      }
      canvas.line(from: Point(0, 0), to: Point(1.0 / 3, 2), Pen(.black, width: 0.5, dashes: [3, 2]))
    }
    let lines = String(decoding: try Figure(sketch, theme: theme).svg(), as: UTF8.self).split(separator: "\n")
    #expect(
      lines.dropFirst(2) == [
        "<clipPath id=\"clip1\"><rect x=\"1\" y=\"2\" width=\"3.5\" height=\"4\"/></clipPath>",
        "<g clip-path=\"url(#clip1)\">",
        "<path d=\"M0 0L5 0L5 0.25L0 0.25Z\" fill=\"#0072b2\" fill-opacity=\"0.5\"/>",
        "</g>",
        "<path d=\"M0 0L0.333 2\" fill=\"none\" stroke=\"#000000\" stroke-width=\"0.5\" stroke-linejoin=\"round\""
          + " stroke-dasharray=\"3 2\"/>",
        "</svg>",
      ])
  }

  @Test(arguments: ["png", "pdf", "svg"])
  func writesWhatTheExtensionNames(format: String) throws {
    try withTemporaryFolder { folder in
      try figure.write(to: "\(folder)/figure.\(format)")
      let expected = try ["png": figure.png, "pdf": figure.pdf, "svg": figure.svg][format]?()
      #expect(try InputFile.bytes(of: "\(folder)/figure.\(format)", limit: 1 << 20) == expected)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["figure.\(format)"])
    }
  }

  @Test func refusesOtherFormatsAndMissingFolders() throws {
    #expect(
      throws: PullbackError(
        .usage, "a.gif", "\"gif\" names no format of figures", advice: "end the name in .png, .pdf or .svg")
    ) { try figure.write(to: "a.gif") }
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())/a.svg").path
    let error = try #require(throws: PullbackError.self) { try figure.write(to: path) }
    #expect(error.kind == .cannotCreate)
    #expect(error.subject == path)
  }

  @Test(arguments: [1e9, .nan, .infinity, 0, -5])
  func refusesSizesThatCannotBeDrawn(width: Double) throws {
    var theme = Theme.paper
    theme.margin = 0
    let figure = Figure(Sketch(width, 10) { _ in }, theme: theme)
    #expect(try #require(throws: PullbackError.self) { try figure.png() }.kind == .usage)
    #expect(try #require(throws: PullbackError.self) { try figure.pdf() }.kind == .usage)
  }

  @Test func pngIsThePicture() throws {
    let picture = try figure.picture()
    // Three pixels to each of 200 + 2 * 4 points.
    #expect(picture.width == 624)
    #expect(try Photograph(decoding: figure.png(), name: "figure") == Photograph(picture: picture))
  }
}

/// Whether every opening tag has its closing one, in order.
private func isBalanced(_ xml: String) -> Bool {
  var open: [Substring] = []
  for piece in xml.split(separator: "<") {
    guard let end = piece.firstIndex(of: ">") else { return false }
    let tag = piece[..<end]
    if tag.hasSuffix("/") { continue }
    let name = tag.prefix { $0 != " " }
    if name.hasPrefix("/") {
      guard open.popLast() == name.dropFirst() else { return false }
    } else {
      open.append(name)
    }
  }
  return open.isEmpty
}
