import Foundation
import TestKit
import Testing

/// Training and scoring of variants for fig13, in a trial that takes seconds.
@Suite(.serialized) struct VariantTests {
  private static let arguments = ["--model", "vgg-scenes", "--quick", "--recompute", "--format", "png", "--output"]

  /// Killed in the middle of the second training, it goes on from there and ends with the bytes of a run that was not.
  @Test func goesOnAfterAKill() throws {
    let (whole, killed) = (try TemporaryFolder(), try TemporaryFolder())
    let outcome = try Program("fig13").run(
      Self.arguments + [whole.path("figures")], environment: ["PULLBACKS_CACHE": whole.url.path])
    #expect(outcome.status == 0, "\(outcome.errors)")

    let environment = ["PULLBACKS_CACHE": killed.url.path]
    let state = killed.path("training/variants/quick/vgg-scenes-small-clean-seed1/vgg-scenes.state")
    let arguments = Self.arguments + [killed.path("figures")]
    let ended = try Program("fig13").start(arguments, environment: environment) { process in
      while process.isRunning, !FileManager.default.fileExists(atPath: state) { usleep(1000) }
      process.send(SIGKILL)
    }
    #expect(ended.status == SIGKILL)
    #expect(!FileManager.default.fileExists(atPath: killed.path("scores/quick")))
    let resumed = try Program("fig13").run(arguments, environment: environment)
    #expect(resumed.status == 0, "\(resumed.errors)")
    // The first network was trained and scored before.
    #expect(resumed.output.contains("passes: 0 forward, 0 backward"))

    let results = ["run.json", "scores.csv", "maps.png"].map { "scores/quick/scenes/variants/vgg-scenes/\($0)" }
    for name in results + ["json", "png"].map({ "figures/fig13-scenes-vgg-scenes.\($0)" }) {
      let bytes = try [whole, killed].map { try Data(contentsOf: $0.url.appendingPathComponent(name)) }
      #expect(bytes[0] == bytes[1], "\(name)")
    }
  }

  /// Drawn to the byte from what is kept, in another folder.
  @Test func isDrawnFromItsFiles() throws {
    let folder = try TemporaryFolder()
    let made = try Program("fig13").run(
      Self.arguments + [folder.path("a"), "--scores", folder.path("committed")],
      environment: ["PULLBACKS_CACHE": folder.url.path])
    #expect(made.status == 0, "\(made.errors)")
    // A trial does not take the place of committed scores.
    #expect(!FileManager.default.fileExists(atPath: folder.path("committed")))
    let drawn = try Program("fig13").run([
      "--model", "vgg-scenes", "--format", "png", "--scores", folder.path("scores/quick"), "--output", folder.path("b"),
    ])
    #expect(drawn.status == 0, "\(drawn.errors)")
    for ending in ["json", "png"] {
      let bytes = try ["a", "b"].map {
        try Data(contentsOf: folder.url.appendingPathComponent("\($0)/fig13-scenes-vgg-scenes.\(ending)"))
      }
      #expect(bytes[0] == bytes[1], "\(ending)")
    }
  }

  @Test(arguments: [["--model", "pvt-scenes"], ["--networks", "imagenet"]])
  func thereAreNoneOfOtherNetworks(arguments: [String]) throws {
    let outcome = try Program("fig13").run(arguments)
    #expect(outcome.status == 64 && outcome.errors.contains("resnet-scenes"), "\(outcome.errors)")
  }
}
