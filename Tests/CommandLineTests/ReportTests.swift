import Digests
import ExperimentKit
import Foundation
import TestKit
import Testing

/// The page that `attribute --report` writes.
struct ReportTests {
  static let pullbacks = Program("pullbacks")

  /// Nothing on the page comes from elsewhere, no name becomes markup, and its hashes are those of the arrays.
  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"))
  func isOnePageWithEverythingInIt() throws {
    let folder = try TemporaryFolder()
    let photographs = folder.path("photographs")
    try FileManager.default.createDirectory(atPath: photographs, withIntermediateDirectories: true)
    let names = ["<img src=x onerror=alert(1)>.png", "b\"'&.png"]
    for name in names {
      try FileManager.default.copyItem(
        atPath: ImageNetTier.path(ofPhotograph: "zebra"), toPath: "\(photographs)/\(name)")
    }
    let outcome = try Self.pullbacks.run([
      "attribute", "--input", photographs, "--target", "top-2,cross-entropy:340", "--method", "soft-pullback,deeplift",
      "--report", folder.path("report.html"), "--output", folder.path("maps"), "--color-map", "coolwarm",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let page = try String(contentsOfFile: folder.path("report.html"), encoding: .utf8)
    #expect(!page.contains("<img src=x") && page.contains("<h2>&lt;img src=x onerror=alert(1)&gt;.png</h2>"))
    #expect(page.contains("<h2>b&quot;&#39;&amp;.png</h2>"))
    #expect(!page.contains("://") && !page.contains("<link") && !page.contains("@import"))
    #expect(page.matches(of: /src="(?!data:image\/png;base64,)/).isEmpty)
    #expect(page.matches(of: /<article\b/).count == 2 && page.matches(of: /<section\b/).count == 6)
    #expect(page.matches(of: /<img class="heat"/).count == 12 && page.matches(of: /<img class="raw"/).count == 12)
    #expect(page.contains(try sha256(ofFileAt: ImageNetTier.path(ofPhotograph: "zebra"))))
    #expect(page.contains(try sha256(ofFileAt: ImageNetTier.checkpointPath)))
    #expect(page.contains("swift run pullbacks attribute --input \(photographs) --target top-2,cross-entropy:340"))
    #expect(page.contains("sums to"))

    let maps = try NPY.read(folder.path("maps/soft-pullback.npy")).reshaped([6, 3, 224, 224])
    for index in 0..<6 {
      let digest = try maps.image(index).withUnsafeBuffer { try sha256(UnsafeRawBufferPointer($0)) }
      #expect(page.contains(digest))
      #expect(try String(contentsOfFile: folder.path("maps/soft-pullback.json"), encoding: .utf8).contains(digest))
    }
    let picture = try #require(page.firstMatch(of: /class="heat" alt="[^"]*" src="data:image\/png;base64,([^"]*)"/)).1
    let decoded = try Photograph(decoding: Array(try #require(Data(base64Encoded: String(picture)))), name: "heat map")
    #expect(try decoded.picture == heatMap(maps.image(0), colorMap: .coolwarm))

    let script = try #require(page.firstMatch(of: /<script>((?s).*?)<\/script>/)).1
    let digest = try Array(script.utf8).withUnsafeBytes { try sha256Base64($0) }
    #expect(page.contains("script-src 'sha256-\(digest)'"))
  }

  /// A report alone needs no --output; too many attributions for a page are refused before they are computed.
  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"))
  func needsNoOutput() throws {
    let folder = try TemporaryFolder()
    let zebra = ImageNetTier.path(ofPhotograph: "zebra")
    let report = folder.path("zebra.html")
    #expect(try Self.pullbacks.run(["attribute", "--input", zebra, "--report", report]).status == 0)
    #expect(try namesOfFiles(in: folder.url.path) == ["zebra.html"])
    let outcome = try Self.pullbacks.run([
      "attribute", "--input", zebra, "--target", "top-301", "--report", folder.path("many.html"),
    ])
    #expect(outcome.status == 64 && outcome.errors.contains("at most 300"), "\(outcome.errors)")
    #expect(try namesOfFiles(in: folder.url.path) == ["zebra.html"])
  }
}
