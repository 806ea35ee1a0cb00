import Foundation
import TestKit
import Testing

@testable import ExperimentKit

/// What is missing or runs short is said on one line, before it is waited for; and what is short of its sum is said
/// too.
@Suite(.serialized) struct ResourceTests {
  static let pullbacks = CommandLineTests.pullbacks

  /// One that is too large for its format is refused before any of it is computed.
  @Test(arguments: ["png", "pdf"]) func figuresAreCheckedFirst(_ ending: String) throws {
    let folder = try TemporaryFolder()
    let picture = Picture(width: 96, height: 96, pixels: [UInt8](repeating: 90, count: 27_648))
    try picture.writePNG(to: folder.path("a.png"))
    try FileManager.default.createDirectory(atPath: folder.path("many"), withIntermediateDirectories: true)
    for index in 0..<400 {
      try FileManager.default.createSymbolicLink(
        atPath: folder.path("many/\(index).png"), withDestinationPath: "../a.png")
    }
    let outcome = try Self.pullbacks.run(
      ["attribute", "--model", "vgg-scenes", "--input", "many", "--method", "gradient", "--figure", "f.\(ending)"],
      in: folder.url.path)
    #expect(outcome.status == 64 && outcome.output.isEmpty, "\(outcome.output)")
    #expect(
      outcome.errors.contains("400 images") && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }

  static let canHide = geteuid() == 0 && output(of: ["unshare", "-m", "true"]) != nil

  /// A copy of the program without its resources, and with the checkout out of sight.
  @Test(.enabled(if: canHide, "needs root")) func movedPrograms() throws {
    let folder = try TemporaryFolder()
    let script = """
      cp "$(command -v pullbacks)" . && pullbacks predict --model vgg-scenes --top 1 --input a.png &&
      ./pullbacks predict --model vgg-scenes --top 1 --input a.png
      for command in doctor 'predict --model vgg-scenes --input a.png' 'evaluate --networks scenes --output o' methods
      do
        unshare -m sh -c "mount -t tmpfs none '\(Fixture.root.path)' && ./pullbacks $command > /dev/null"; echo $?
      done
      """
    let picture = Picture(width: 96, height: 96, pixels: [UInt8](repeating: 90, count: 27_648))
    try picture.writePNG(to: folder.path("a.png"))
    let outcome = try Self.pullbacks.shell(script, in: folder.url.path)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 6 && lines[0] == lines[1], "\(outcome.output)")
    #expect(Array(lines.dropFirst(2)) == ["69", "69", "69", "0"], "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 3, "\(outcome.errors)")
  }

  /// Less and less memory: the same answer, or one line and the exit code of a system that has too little.
  @Test func littleMemory() throws {
    let folder = try TemporaryFolder()
    let picture = Picture(width: 96, height: 96, pixels: [UInt8](repeating: 90, count: 27_648))
    try picture.writePNG(to: folder.path("a.png"))
    var statuses: Set<Int32> = []
    // The second network's products are OpenBLAS's, which starts threads of its own where nothing is said.
    for (limit, model, megabytes) in [
      ("v", "resnet-scenes", [4000, 1200, 800, 600, 500, 400, 300, 260, 220]), ("v", "pvt-scenes", [300, 260, 220]),
      ("d", "pvt-scenes", [200, 120, 60]),
    ] {
      for megabytes in megabytes {
        let outcome = try Self.pullbacks.shell(
          """
          ulimit -\(limit) \(megabytes * 1024); exec timeout 120 pullbacks attribute --model \(model) --input a.png \
            --target 3 --method smoothgrad --set smooth.draws=64 --output m.npy
          """, in: folder.url.path)
        statuses.insert(outcome.status)
        #expect([0, 71].contains(outcome.status), "\(limit), \(megabytes) MB: \(outcome.status), \(outcome.errors)")
        if outcome.status != 0 { #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)") }
      }
    }
    #expect(statuses.contains(0))
  }

  /// Less and less stack: what may be raised is raised, also for threads; otherwise one line says so.
  @Test func littleStack() throws {
    let folder = try TemporaryFolder()
    let picture = Picture(width: 96, height: 96, pixels: [UInt8](repeating: 90, count: 27_648))
    try picture.writePNG(to: folder.path("a.png"))
    for (limit, status) in [("-S -s 32", 0), ("-S -s 512", 0), ("-s 64", 71), ("-s 900", 71), ("-s 1024", 0)] {
      let outcome = try Self.pullbacks.shell(
        """
        ulimit \(limit); exec pullbacks attribute --model pvt-scenes --input a.png --target 3 --method smoothgrad \
          --set smooth.draws=16 --output m.npy
        """, in: folder.url.path)
      #expect(outcome.status == status, "\(limit): \(outcome.status), \(outcome.errors)")
      if status != 0 {
        #expect(outcome.errors.hasPrefix("pullbacks: stack: ") && outcome.errors.split(separator: "\n").count == 1)
      }
    }
  }

  /// What cannot be said on standard error is no reason to end, and a closed stream no place for a file: an output is
  /// what it would be, and standard output that cannot be written is an error.
  @Test func closedStreams() throws {
    let folder = try TemporaryFolder()
    let picture = Picture(width: 96, height: 96, pixels: [UInt8](repeating: 90, count: 27_648))
    try picture.writePNG(to: folder.path("a.png"))
    let attribute = "pullbacks attribute --model vgg-scenes --input a.png --method gradient-shap --output"
    var sums: Set<String> = []
    for (redirection, status) in [("", 0), ("2>/dev/full", 0), ("2>&-", 0), ("<&- 2>&-", 0), (">&- 2>&-", 74)] {
      let outcome = try Self.pullbacks.shell(
        "rm -f m.npy m.json; \(attribute) m.npy \(redirection); echo $? > status; sha256sum < m.npy > sum",
        in: folder.url.path)
      func text(_ name: String) throws -> String { try String(contentsOfFile: folder.path(name), encoding: .utf8) }
      #expect(try text("status") == "\(status)\n", "\(redirection): \(outcome.errors)")
      sums.insert(try text("sum"))
    }
    #expect(sums.count == 1)
    let refused = try Self.pullbacks.shell(
      "pullbacks predict --input none.png 2>/dev/full; echo $?", in: folder.url.path)
    #expect(refused.output == "66\n")
  }

  /// A file that becomes larger than the system allows is an error like a full disk, and leaves nothing.
  @Test func largeFiles() throws {
    let folder = try TemporaryFolder()
    let picture = Picture(width: 96, height: 96, pixels: [UInt8](repeating: 90, count: 27_648))
    try picture.writePNG(to: folder.path("a.png"))
    let outcome = try Self.pullbacks.shell(
      "ulimit -f 8; exec pullbacks attribute --model vgg-scenes --input a.png --method gradient --output m.npy",
      in: folder.url.path)
    #expect([73, 74].contains(outcome.status), "\(outcome.status), \(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.errors.contains("m.npy"), "\(outcome.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["a.png"])
  }

  /// Where sums miss what they share out, the terminal says so; the general preset's integrated gradients do not.
  @Test func incompleteSumsAreSaid() throws {
    let folder = try TemporaryFolder()
    let image = try SceneSamples(0..<1).sample(0).image
    try NPY.write(image, to: folder.path("x.npy"))
    func run(_ method: String, _ arguments: String...) throws -> (outcome: TestKit.Program.Outcome, worst: Double) {
      let outcome = try Self.pullbacks.run(
        [
          "attribute", "--model", "vgg-scenes", "--input", "x.npy", "--target", "0,1,2,3,4,5,6,7,8,9", "--method",
          method,
          "--output", "m.npy",
        ] + arguments, in: folder.url.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let data = try Data(contentsOf: folder.url.appendingPathComponent("m.json"))
      let record = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let targets = try #require((record["targets"] as? [[[String: Any]]])?.first)
      let errors = targets.map { abs(($0["residual"] as! Double) / ($0["change"] as! Double)) }
      return (outcome, errors.max()!)
    }
    for (method, arguments) in [
      ("integrated-gradients", ["--preset", "paper-v6"]), ("integrated-gradients", []), ("gradient-shap", []),
      ("integrated-gradients", ["--set", "ig.points=200"]),
    ] {
      let (outcome, worst) = try run(method, arguments.first ?? "--seed", arguments.last ?? "1")
      // On a busy machine there are lines of progress too.
      let said = outcome.errors.split(separator: "\n").filter { $0.contains("attributions miss the change") }
      #expect(said.count == (worst > 0.1 ? 1 : 0), "\(worst), \(outcome.errors)")
      #expect(said.allSatisfy { $0.hasPrefix("note: \(method): ") })
    }
    let data = try Data(contentsOf: folder.url.appendingPathComponent("m.json"))
    let record = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let settings = try #require(record["settings"] as? [String: String])
    #expect(settings["preset"] == "general" && settings["weighting"] == "normalised")
    // Soft rules share out no change: that more points help is not said.
    let (soft, _) = try run("integrated-pullbacks")
    #expect(soft.errors.contains("more points come no closer") && !soft.errors.contains("ig.points="))
    let (paper, general) = try (run("integrated-gradients", "--preset", "paper-v6"), run("integrated-gradients"))
    #expect(general.worst < paper.worst)
  }

  /// Nothing in the first minute, then a line a minute, where standard error is no terminal.
  @Test func progressIsALineAMinute() {
    final class Log: @unchecked Sendable {
      var now = Date(timeIntervalSince1970: 0)
      var lines: [String] = []
    }
    let log = Log()
    let bar = ProgressBar("smoothgrad", total: 1000, isTerminal: false, clock: { log.now }) { log.lines.append($0) }
    for _ in 0..<300 {
      log.now += 1
      bar.advance(Cost(forward: 1, backward: 1))
    }
    bar.end()
    #expect(log.lines.count == 4)
    #expect(log.lines[0] == "smoothgrad: 12 %, 7:19 left\n")
  }
}
