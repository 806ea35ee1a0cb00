import ExperimentKit
import Failures
import Foundation
import TestKit
import Testing

/// Nothing of the user's is lost: inputs, checkpoints and files that the tool did not make are not replaced.
@Suite(.serialized) struct OutputTests {
  static let pullbacks = CommandLineTests.pullbacks
  let folder: TemporaryFolder
  let picture: String

  init() throws {
    folder = try TemporaryFolder()
    picture = folder.path("cat.png")
    try Picture(width: 96, height: 96, pixels: (0..<27_648).map { UInt8(truncatingIfNeeded: $0 * $0 / 97) })
      .writePNG(to: picture)
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: folder.url.appendingPathComponent(name)) }

  private func attribute(_ arguments: String...) throws -> Program.Outcome {
    try Self.pullbacks.run(
      ["attribute", "--model", "vgg-scenes", "--input", "cat.png", "--target", "3", "--method", "gradient"] + arguments,
      in: folder.url.path)
  }

  private func expectRefused(_ outcome: Program.Outcome, _ mention: String, _ comment: Comment? = nil) {
    #expect(outcome.status == 73 && outcome.errors.contains(mention), comment)
    let lines = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("note: ") }
    #expect(lines.count == 1 && outcome.errors.contains("--force"), "\(outcome.errors)")
  }

  /// Also by another name of the same file, before anything is computed, and not if it is insisted on.
  @Test func inputsAreNotReplaced() throws {
    let before = try bytes("cat.png")
    try FileManager.default.createSymbolicLink(atPath: folder.path("link.png"), withDestinationPath: "cat.png")
    try FileManager.default.linkItem(atPath: picture, toPath: folder.path("hard.png"))
    for name in ["cat.png", "./cat.png", "link.png", "hard.png"] {
      expectRefused(try attribute("--figure", name), "is read as cat.png")
    }
    #expect(try bytes("cat.png") == before)
    #expect(try attribute("--figure", "cat.png", "--force").status == 0)
    #expect(try bytes("cat.png") != before)
  }

  /// What the tool made is replaced without a word: arrays with their records, figures in every format, reports.
  @Test func itsOwnFilesAre() throws {
    for name in ["a.png", "a.pdf", "a.svg"] {
      for _ in 0..<2 {
        let outcome = try attribute("--figure", name, "--output", "maps.npy", "--report", "a.html")
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
    }
    // What a picture shows is the same, and others read it.
    #expect(try Photograph(contentsOf: folder.path("a.png")).picture.width > 100)
    let own = try bytes("maps.npy")
    // Another array beside the record is not the one that it is about.
    try NPY.write(Tensor(shape: [1, 3, 96, 96]), to: folder.path("maps.npy"))
    expectRefused(try attribute("--output", "maps.npy"), "maps.npy: would be replaced, and was not made by this tool")
    try own.write(to: folder.url.appendingPathComponent("maps.npy"))
    #expect(try attribute("--output", "maps.npy").status == 0)
  }

  @Test(arguments: ["maps.npy", "maps.json", "f.png", "f.pdf", "f.svg", "r.html"])
  func filesOfOthersAreNot(_ name: String) throws {
    let foreign = Data(name == "maps.json" ? "{\"mine\": 1}\n".utf8 : "not of this tool".utf8)
    try foreign.write(to: folder.url.appendingPathComponent(name))
    var arguments = ["--output", "maps.npy"]
    if name.hasPrefix("f") { arguments += ["--figure", name] }
    if name.hasPrefix("r") { arguments += ["--report", name] }
    let outcome = try Self.pullbacks.run(
      ["attribute", "--model", "vgg-scenes", "--input", "cat.png", "--target", "3"] + arguments, in: folder.url.path)
    expectRefused(outcome, "\(name): would be replaced, and was not made by this tool")
    #expect(try bytes(name) == foreign)
    #expect(outcome.output.isEmpty, "refused before anything is computed")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["cat.png", name].sorted())
  }

  /// The calibration that is read lies where the record would go; a folder for several methods; a folder for a file.
  @Test func otherWaysToLoseAFile() throws {
    let calibrated = try Self.pullbacks.run(
      ["calibrate", "--model", "vgg-scenes", "--images", try export(), "--output", "maps.json"], in: folder.url.path)
    #expect(calibrated.status == 0, "\(calibrated.errors)")
    expectRefused(
      try attribute("--output", "maps.npy", "--temperature", "relative=1", "--calibration", "maps.json"),
      "is read as maps.json")
    try makeFolder(folder.path("several"))
    try Data("mine".utf8).write(to: folder.url.appendingPathComponent("several/gradient.json"))
    expectRefused(try attribute("--output", "several"), "several/gradient.json")
    let outcome = try attribute("--output", "maps2.npy", "--figure", "several/", "--force")
    #expect(outcome.status == 64 || outcome.status == 73, "\(outcome.errors)")
    try makeFolder(folder.path("f.svg"))
    let other = try attribute("--figure", "f.svg", "--force")
    #expect(other.status == 73 && other.output.isEmpty && other.errors.contains("found a folder"), "\(other.errors)")
  }

  /// Names that cannot be, or mean something else elsewhere, before anything is computed or made.
  @Test func namesOfOutputs() throws {
    let long = String(repeating: "a", count: 252) + ".npy"
    for (output, status, mention) in [
      ("-", 64, "not written to standard output"), (long, 73, "at most 255 bytes"), ("maps.txt", 64, "ends in .npy"),
    ] as [(String, Int32, String)] {
      let outcome = try attribute("--output", output)
      #expect(outcome.status == status && outcome.errors.contains(mention), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    let predicted = try Self.pullbacks.run(
      ["predict", "--model", "vgg-scenes", "--input", "cat.png", "--output", "-"], in: folder.url.path)
    #expect(predicted.status == 64 && predicted.output.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["cat.png"])
  }

  private func export() throws -> String {
    let scenes = folder.path("scenes")
    #expect(try Self.pullbacks.run(["scenes", "--export", scenes, "--count", "3", "--size", "32"]).status == 0)
    return scenes
  }

  @Test func checkpointsAreNotReplaced() throws {
    let path = folder.path("own.safetensors")
    try FileManager.default.copyItem(atPath: try SceneNetwork.vgg.path(ending: "safetensors"), toPath: path)
    let before = try bytes("own.safetensors")
    let outcome = try Self.pullbacks.run(
      ["calibrate", "--checkpoint", "own.safetensors", "--images", try export(), "--output", "own.safetensors"],
      in: folder.url.path)
    expectRefused(outcome, "is read as own.safetensors")
    try Data("mine".utf8).write(to: folder.url.appendingPathComponent("vgg-scenes.safetensors"))
    let trained = try Self.pullbacks.run(
      ["train", "--network", "vgg-scenes", "--output", ".", "--epochs", "1", "--epoch-scenes", "32"],
      in: folder.url.path)
    expectRefused(trained, "vgg-scenes.safetensors: would be replaced")
    #expect(try bytes("own.safetensors") == before)
    #expect(try String(decoding: bytes("vgg-scenes.safetensors"), as: UTF8.self) == "mine")
  }

  @Test func scenesAndScores() throws {
    let scenes = try export()
    let again = ["scenes", "--export", scenes, "--count", "2", "--size", "32", "--seed", "7"]
    #expect(try Self.pullbacks.run(again).status == 0)
    try FileManager.default.removeItem(atPath: "\(scenes)/00001.png")
    try FileManager.default.copyItem(atPath: picture, toPath: "\(scenes)/00001.png")
    expectRefused(try Self.pullbacks.run(again), "00001.png")
    #expect(try Self.pullbacks.run(["scenes", "--export", scenes, "--count", "1", "--size", "32"]).status == 0)
    expectRefused(try Self.pullbacks.run(["scenes", "--sheet", picture, "--count", "1"]), "cat.png")

    let evaluate = [
      "evaluate", "--networks", "scenes", "--model", "vgg-scenes", "--samples", "1", "--methods", "gradient",
      "--metrics",
      "sparseness", "--output", folder.path("results"),
    ]
    try makeFolder(folder.path("results"))
    try Data("mine\n".utf8).write(to: folder.url.appendingPathComponent("results/table.md"))
    expectRefused(try Self.pullbacks.run(evaluate), "table.md")
    #expect(try Self.pullbacks.run(evaluate + ["--force"]).status == 0)
    #expect(try Self.pullbacks.run(evaluate).status == 0)
  }
}
