import ExperimentKit
import Foundation
import Scenes
import TestKit
import Testing

/// pullbacks evaluate and merge as their users meet them.
@Suite(.serialized) struct EvaluateTests {
  static let arguments = [
    "evaluate", "--networks", "scenes", "--model", "vgg-scenes", "--samples", "6", "--methods",
    "soft-pullback,gradient,gradient-ascent,smoothgrad",
    "--metrics",
    "faithfulness-correlation,faithfulness-estimate,random-logit,focus,energy-object,counterfactual-consistency",
    "--set",
    "ascent.steps=2,smooth.draws=3",
  ]
  static let names = ["scores.csv", "summary.csv", "paired.csv", "curves.csv", "table.md", "table.tex", "run.json"]
  static let program = CommandLineTests.pullbacks

  static func files(of folder: String) throws -> [Data] {
    try names.map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")) }
  }

  static let whole: (output: String, files: [Data]) = try! withTemporaryFolder { folder in
    let outcome = try program.run(arguments + ["--output", folder])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return (outcome.output, try files(of: folder))
  }

  /// Starts a run in `folder` and ends it by a signal as soon as a stage is logged.
  static func interrupt(_ folder: String, by signal: Int32) throws -> (status: Int32, errors: String) {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let log = "\(folder)/scores.log"
    let before = lines(log)
    let (status, errors) = try program.start(arguments + ["--output", folder]) { process in
      while process.isRunning && lines(log) <= max(1, before) { usleep(2_000) }
      process.send(signal)
    }
    return (status, errors)
  }

  static func lines(_ path: String) -> Int {
    FileManager.default.contents(atPath: path)?.count { $0 == UInt8(ascii: "\n") } ?? 0
  }

  /// Killed, then stopped by Ctrl-C, then left alone: the same bytes as in one go, with other batches and threads too.
  @Test func survivesKillsAndStops() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run")
    #expect(try Self.interrupt(path, by: SIGKILL).status == SIGKILL)
    let stopped = try Self.interrupt(path, by: SIGINT)
    #expect(stopped.status == 130)
    #expect(stopped.errors == "pullbacks: stopped; what is done is kept, and the same command continues\n")
    #expect(!FileManager.default.fileExists(atPath: path + "/scores.csv"))
    let outcome = try Self.program.run(Self.arguments + ["--max-memory", "20M", "--output", path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try Self.files(of: path) == Self.whole.files)
    #expect(outcome.output.contains("passes: "))
  }

  @Test func partsMerge() throws {
    let folder = try TemporaryFolder()
    for part in 1...2 {
      let outcome = try Self.program.run(Self.arguments + ["--shard", "\(part)/2", "--output", folder.path("\(part)")])
      #expect(outcome.status == 0 && outcome.output.contains("part \(part)/2 is complete"), "\(outcome.errors)")
    }
    let alone = try Self.program.run(["merge", folder.path("2"), "--output", folder.path("whole")])
    #expect(alone.status == 65 && alone.errors.contains("part 1/2: is missing"))
    let outcome = try Self.program.run(["merge", folder.path("2"), folder.path("1"), "--output", folder.path("whole")])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try Self.files(of: folder.path("whole")) == Self.whole.files)
  }

  /// What `scenes --export` wrote scores as the scenes themselves do: image, object and parts.
  @Test func exportedMasksCount() throws {
    let folder = try TemporaryFolder()
    let made = try Self.program.run(
      ["scenes", "--export", folder.path("ex"), "--count", "4", "--seed", "\(SceneGenerator.heldOut.seed)"])
    #expect(made.status == 0, "\(made.errors)")
    let metrics = "pointing-game,mass-accuracy,rank-accuracy,energy-object,energy-diagnostic"
    func scores(_ arguments: String...) throws -> [[Substring]] {
      let outcome = try Self.program.run(
        ["evaluate", "--model", "vgg-scenes", "--methods", "gradient,grad-cam", "--metrics", metrics] + arguments
          + ["--output", folder.path(arguments[0])])
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try String(contentsOfFile: folder.path(arguments[0] + "/scores.csv"), encoding: .utf8)
        .split(separator: "\n").dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    }
    let exported = try scores("--images", folder.path("ex"))
    let drawn = try scores("--networks", "scenes", "--samples", "4")
    #expect(exported.count == 40 && drawn.count == 40)
    for (exported, drawn) in zip(exported, drawn) {
      #expect(exported[1...2] == drawn[1...2] && exported[4] == drawn[4] && exported[8].isEmpty, "\(exported)")
      // Masks are rounded to 256 levels in files.
      #expect(abs(try #require(Double(exported[5])) - #require(Double(drawn[5]))) < 0.01, "\(exported), \(drawn)")
    }
    let arguments = ["evaluate", "--model", "vgg-scenes", "--images", "bare", "--methods", "gradient", "--metrics"]
    let bare = try Self.program.run(
      arguments + [metrics, "--output", "out"], in: try Self.withoutMasks(of: folder))
    #expect(bare.status == 64 && bare.errors.contains("put the mask of cat.jpg beside it as cat-object.png"))
  }

  /// The folder, in which `bare` holds the exported images alone.
  static func withoutMasks(of folder: TemporaryFolder) throws -> String {
    try FileManager.default.createDirectory(atPath: folder.path("bare"), withIntermediateDirectories: true)
    for name in ["labels.csv"] + (0..<4).map({ "0000\($0).png" }) {
      try FileManager.default.copyItem(atPath: folder.path("ex/\(name)"), toPath: folder.path("bare/\(name)"))
    }
    return folder.url.path
  }

  /// Maps that attribute wrote score as the method that made them does.
  @Test func scoresGivenMaps() throws {
    let folder = try TemporaryFolder()
    let sample = try SceneSamples(0..<1).sample(0)
    try NPY.write(sample.image, to: folder.path("x.npy"))
    let target = "\(sample.target)"
    let made = try Self.program.run([
      "attribute", "--model", "vgg-scenes", "--input", folder.path("x.npy"), "--target", target, "--output",
      folder.path("maps.npy"),
    ])
    #expect(made.status == 0, "\(made.errors)")
    let arguments = [
      "evaluate", "--attributions", folder.path("maps.npy"), "--input", folder.path("x.npy"), "--target", target,
      "--model", "vgg-scenes", "--metrics",
    ]
    let outcome = try Self.program.run(arguments + ["faithfulness-correlation", "--output", folder.path("given")])
    #expect(outcome.status == 0, "\(outcome.errors)")
    func rows(_ scores: Data) -> [[String]] {
      String(decoding: scores, as: UTF8.self).split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    }
    let given = try #require(rows(Data(contentsOf: folder.url.appendingPathComponent("given/scores.csv"))).last)
    let direct = try #require(
      rows(Self.whole.files[0]).first {
        $0[1...3] == ["soft-pullback", "faithfulness-correlation", "scene 0"]
      })
    #expect(given[1] == "given" && given[5] == direct[5])

    let refused = try Self.program.run(arguments + ["infidelity,max-sensitivity", "--output", folder.path("refused")])
    #expect(refused.status == 64)
    #expect(refused.errors.contains("metric max-sensitivity: needs the explainer again"))
    #expect(!FileManager.default.fileExists(atPath: folder.path("refused")))
  }

  @Test(arguments: [
    (["--methods", "gradiant"], 64, "--methods gradiant: there is no such name"),
    (["--metrics", "infidelty"], 64, "--metrics infidelty: there is no such name"),
    (["--metrics", "focus,focus"], 64, "each of them once"),
    (["--samples", "0"], 64, "--samples is at least 1"),
    (["--shard", "3/2"], 64, "3/2"),
    (["--images", "/nonexistent"], 66, "is not a folder"),
    (["--model", "resnet50"], 64, "is none of the networks of --networks scenes"),
    (["--checkpoint", "x.pth"], 64, "leave out --networks"),
    (["--networks", "paper", "--model", "alexnet"], 64, "is none of the networks of --networks paper"),
    (["--attributions", "maps.npy"], 64, "belong together"),
    (["--output", "/proc/nowhere"], 73, "/proc/nowhere"),
    (["--set", "smooth.draws=0"], 64, "smooth.draws"),
    (["--methods", "attention-rollout"], 64, "attention"),
  ])
  func failsClearly(_ arguments: [String], _ status: Int, _ mentions: String) throws {
    let folder = try TemporaryFolder()
    var all = ["evaluate"] + arguments
    if !arguments.contains("--networks") { all += ["--networks", "scenes"] }
    if !arguments.contains("--model") { all += ["--model", "vgg-scenes"] }
    if !arguments.contains("--output") { all += ["--output", folder.path("out")] }
    let outcome = try Self.program.run(all)
    #expect(outcome.status == Int32(status), "\(outcome.errors)")
    #expect(outcome.errors.contains(mentions), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
  }
}
