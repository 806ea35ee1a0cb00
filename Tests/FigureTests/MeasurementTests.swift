import ExperimentKit
import Foundation
import TestKit
import Testing

/// Experiments that draw what took long to measure.
@Suite(.serialized) struct MeasurementTests {
  @Test(arguments: ["fig8", "fig13", "table4"]) func withoutMeasurementsTheySaySo(program: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try Program(program).run(
      ["--model", "vgg-scenes", "--scores", folder.path("none"), "--output", folder.path("figures")])
    #expect(outcome.status == 66)
    #expect(
      outcome.errors.contains("swift run -c release \(program) --networks scenes --model vgg-scenes --recompute"),
      "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("figures")))
  }

  @Test func withoutMeasuredGrowthItSaysSo() throws {
    let folder = try TemporaryFolder()
    let outcome = try Program("fig16").run(["--scores", folder.path("none"), "--output", folder.path("figures")])
    #expect(outcome.status == 66)
    #expect(outcome.errors.contains("swift run -c release fig16 --networks scenes --recompute"), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("figures")))
  }

  /// A trial leaves the committed measurements alone, and is drawn to the byte from the file it has left.
  @Test func costsAreDrawnFromTheirFile() throws {
    let folder = try TemporaryFolder()
    let arguments = ["--model", "vgg-scenes", "--format", "png", "--output"]
    let measured = try Program("table4").run(
      arguments + [folder.path("a"), "--quick", "--recompute", "--scores", folder.path("committed")],
      environment: ["PULLBACKS_CACHE": folder.url.path])
    #expect(measured.status == 0, "\(measured.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("committed")))
    let drawn = try Program("table4").run(arguments + [folder.path("b"), "--scores", folder.path("scores/quick")])
    #expect(drawn.status == 0, "\(drawn.errors)")
    let pictures = try ["a", "b"].map {
      try Data(contentsOf: folder.url.appendingPathComponent("\($0)/table4-scenes-vgg-scenes.png"))
    }
    #expect(pictures[0] == pictures[1])

    struct Result: Decodable { let numbers: [CostSheet] }
    let sheet = try JSONDecoder().decode(
      Result.self, from: Data(contentsOf: URL(fileURLWithPath: folder.path("b/table4-scenes-vgg-scenes.json")))
    ).numbers[0]
    let gradient = try #require(sheet[.gradient])
    let smoothGrad = try #require(sheet[.smoothGrad])
    #expect((gradient.forward, gradient.backward) == (1, 1) && (smoothGrad.forward, smoothGrad.backward) == (50, 50))
    // Fifty passes take longer than one, and eight images at once more memory.
    #expect(smoothGrad.milliseconds > 5 * gradient.milliseconds && smoothGrad.megabytes > gradient.megabytes)
    #expect(gradient.megabytes > 1 && gradient.megabytes < 500 && gradient.times.count >= 3)
    #expect(sheet[.attentionRollout] == nil)
  }
}
