import ExperimentKit
import Foundation
import TestKit
import Testing

/// The first hour with the tool: help, completion, the doctor, and what is commonly got wrong.
struct NewcomerTests {
  static let pullbacks = Program("pullbacks")

  @Test(arguments: [
    "predict", "attribute", "text", "evaluate", "merge", "inspect", "rules", "methods", "calibrate", "scenes", "train",
    "doctor", "export",
  ])
  func everyCommandShowsAnExample(command: String) throws {
    let outcome = try Self.pullbacks.run(["help", command])
    #expect(outcome.status == 0 && outcome.output.contains("pullbacks \(command)"))
    // Examples can be pasted: help is wrapped at 80 columns, and what it wraps begins at the left.
    let examples = try #require(outcome.output.range(of: "Example"), "\(outcome.output)")
    let lines = outcome.output[examples.lowerBound...].components(separatedBy: "\n\n")[0].split(separator: "\n")
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("  ") }, "\(lines)")
    #expect(try Self.pullbacks.run([]).output.contains("  \(command) "))
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func shellsCompleteCommandsAndMethods(shell: String) throws {
    let script = try Self.pullbacks.run(["--generate-completion-script", shell])
    #expect(script.status == 0)
    for word in ["attribute", "doctor", "integrated-gradients", "pvt_v2_b1"] { #expect(script.output.contains(word)) }
  }

  @Test func theVersionIsTheReadmes() throws {
    #expect(try Self.pullbacks.run(["--version"]).output == packageVersion + "\n")
    let readme = try String(contentsOf: Fixture.root.appendingPathComponent("README.md"), encoding: .utf8)
    #expect(readme.contains("from: \"\(packageVersion)\""))
  }

  @Test func theDoctorSaysWhatIsMissing() throws {
    let folder = try TemporaryFolder()
    let outcome = try Self.pullbacks.run(["doctor"], environment: ["PULLBACKS_CACHE": folder.url.path])
    #expect(outcome.status == 69)
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(outcome.output.contains("! imagenet") && outcome.output.contains("has not been fetched yet"))
    let words = ["OpenBLAS", "Cairo", "libpng", "libjpeg", "libwebp", "OpenSSL", "DejaVu Sans"]
    for word in words + ["PULLBACKS_CACHE    \(folder.url.path)"] {
      #expect(outcome.output.contains(word), "\(outcome.output)")
    }
    #expect(!outcome.output.contains("ready"))
  }

  static let isComplete = ImageNetTier.isFetched && SceneNetwork.allCases.allSatisfy { (try? $0.checkpoint()) != nil }

  /// Ready with what was fetched; no longer when one byte of it has changed.
  @Test(.enabled(if: isComplete, "needs make imagenet, and make train's networks in the package"))
  func theDoctorChecksWhatWasFetched() throws {
    let outcome = try Self.pullbacks.run(["doctor"])
    #expect(outcome.status == 0 && outcome.output.hasSuffix("ready\n"), "\(outcome.errors)")
    let folder = try TemporaryFolder()
    let fetched = URL(fileURLWithPath: ImageNetTier.checkpointPath).deletingLastPathComponent()
    try FileManager.default.copyItem(
      atPath: fetched.resolvingSymlinksInPath().path, toPath: folder.path("imagenet"))
    let file = try #require(FileHandle(forUpdatingAtPath: folder.path("imagenet/photographs/zebra.png")))
    try file.seek(toOffset: 100)
    try file.write(contentsOf: [0x55])
    let damaged = try Self.pullbacks.run(["doctor"], environment: ["PULLBACKS_CACHE": folder.url.path])
    #expect(damaged.status == 69 && damaged.errors.contains("zebra.png: is not the file that was fetched"))
  }

  /// The checksums that the doctor expects are those that make imagenet verifies.
  @Test func theScriptThatFetchesExpectsTheSame() throws {
    let path = Fixture.root.appendingPathComponent("Experiments/imagenet/checkpoints.csv")
    let list = try String(contentsOf: path, encoding: .utf8)
    for model in ImageNetTier.Model.allCases {
      #expect(list.contains("\((model.checkpointPath as NSString).lastPathComponent),\(model.checkpointSHA256)"))
    }
  }

  @Test(
    .enabled(if: ImageNetTier.isFetched, "needs make imagenet"),
    arguments: [
      (["attribute", "--input", "ZEBRA"], 64, "--output, --figure or --report"),
      (["attribute", "--input", "ZEBRA", "--output", "zebra.png"], 64, "for .png there is --figure"),
      (["attribute", "--input", "ZEBRA", "--output", "README.md"], 73, "expected a folder, found a file"),
      (["attribute", "--input", "ZEBRA", "--figure", "zebra.jpg"], 64, "names no format"),
      (["attribute", "--input", "ZEBRA", "--report", "zebra.txt"], 64, "ends in .html"),
      (["attribute", "--input", "ZEBRA", "--report", "x.html", "--target", "zebr"], 64, "did you mean zebra?"),
      (["attribute", "--input", "ZEBRA", "--report", "x.html", "--method", "SoftPullback"], 64, "mean soft-pullback?"),
      (["attribute", "--input", "HEIC", "--report", "x.html"], 65, "found HEIC; convert it to PNG or JPEG"),
      (["predict", "--input", "ZEBRA", "--checkpoint", "ZEBRA"], 65, "is a picture; expected the parameters"),
      (["predict", "--input", "ZEBRA", "--checkpoint", "Sources"], 66, "expected a file, found a folder"),
      (["predict", "--input", "ZEBRA", "--model", "resnet50"], 64, "name a file with --checkpoint"),
      (["scenes", "--sheet", "/"], 73, "found a folder"),
    ])
  func mistakesAreExplained(arguments: [String], status: Int, mentions: String) throws {
    let folder = try TemporaryFolder()
    try Data([0, 0, 0, 0x18] + Array("ftypheic".utf8) + Array(repeating: 0, count: 500))
      .write(to: folder.url.appendingPathComponent("cat.jpg"))
    let names = ["ZEBRA": ImageNetTier.path(ofPhotograph: "zebra"), "HEIC": folder.path("cat.jpg")]
    let outcome = try Self.pullbacks.run(arguments.map { names[$0] ?? $0 })
    #expect(outcome.status == Int32(status) && outcome.errors.contains(mentions), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: Fixture.root.appendingPathComponent("x.html").path))
  }

  /// Odd places and languages change nothing: the same bytes in Turkish, at a time zone that is none, without a home.
  @Test func surroundingsDoNotMatter() throws {
    let folder = try TemporaryFolder()
    let surroundings: [[String: String]] = [
      [:], ["LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"], ["LC_ALL": "xx_YY", "TZ": "Nowhere/Else"],
      ["TZ": ":/etc/passwd", "HOME": "/nonexistent"],
      ["HOME": "", "XDG_CACHE_HOME": "/nonexistent", "TMPDIR": "/nonexistent"],
    ]
    let results = try surroundings.enumerated().map { index, environment in
      let sheet = folder.path("\(index).png")
      let outcome = try Self.pullbacks.run(
        ["scenes", "--sheet", sheet, "--count", "3", "--size", "32"], environment: environment)
      #expect(outcome.status == 0, "\(environment): \(outcome.errors)")
      let methods = try Self.pullbacks.run(["methods"], environment: environment).output
      return (try Data(contentsOf: URL(fileURLWithPath: sheet)), methods)
    }
    for result in results { #expect(result == results[0]) }
  }
}
