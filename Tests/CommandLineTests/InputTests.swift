import ExperimentKit
import Failures
import Foundation
import Scenes
import TestKit
import Testing

/// Inputs as people have them: one bad picture among good ones, names of any bytes, pipes, formats, ranges, labels.
@Suite(.serialized) struct InputTests {
  static let pullbacks = CommandLineTests.pullbacks
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ picture: Picture = picture(1), to name: String) throws {
    try AtomicFile.write(try picture.pngBytes(), to: folder.url.path + "/" + name)
  }

  static func picture(_ seed: Int, width: Int = 96, height: Int = 96) -> Picture {
    Picture(
      width: width, height: height,
      pixels: (0..<3 * width * height).map { UInt8(truncatingIfNeeded: ($0 * $0 + seed * $0) / 97) })
  }

  private func predict(_ arguments: String..., input: Data? = nil) throws -> Program.Outcome {
    try Self.pullbacks.run(
      ["predict", "--model", "vgg-scenes", "--top", "1"] + arguments, in: folder.url.path, input: input)
  }

  // MARK: Folders

  private func badFolder() throws {
    try makeFolder(folder.path("fold"))
    try write(to: "fold/a.png")
    try write(Self.picture(2), to: "fold/b.jpg")
    let webp = Fixture.path("pictures/lossy.webp")
    try FileManager.default.copyItem(atPath: webp, toPath: folder.path("fold/c.webp"))
    try write(Self.picture(3), to: "fold/d.jfif")
    try write(Self.picture(4), to: "fold/e")
    let whole = try Data(contentsOf: folder.url.appendingPathComponent("fold/a.png"))
    try whole.prefix(whole.count / 2).write(to: folder.url.appendingPathComponent("fold/z.jpg"))
    for name in ["labels.csv", "README.txt", ".hidden.png"] {
      try Data("x".utf8).write(to: folder.url.appendingPathComponent("fold/\(name)"))
    }
  }

  /// The good pictures are done and the bad one is said in the end, by every command; --strict stops at once.
  @Test func oneBadPicture() throws {
    try badFolder()
    let outcome = try predict("--input", "fold")
    #expect(outcome.status == 65 && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    #expect(outcome.errors.hasPrefix("pullbacks: fold/z.jpg: ") && outcome.errors.contains("the other 5 are done"))
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(
      lines.enumerated().filter { $0.offset % 2 == 0 }.map(\.element) == ["a.png", "b.jpg", "c.webp", "d.jfif", "e"])
    let strict = try predict("--input", "fold", "--strict")
    #expect(strict.status == 65 && strict.errors.hasPrefix("pullbacks: fold/z.jpg: "), "\(strict.errors)")

    let attributed = try Self.pullbacks.run(
      ["attribute", "--model", "vgg-scenes", "--input", "fold", "--target", "3", "--output", "maps.npy"],
      in: folder.url.path)
    #expect(attributed.status == 65 && attributed.errors.contains("fold/z.jpg"), "\(attributed.errors)")
    #expect(try NPY.read(folder.path("maps.npy")).shape == [5, 3, 96, 96])
    let calibrated = try Self.pullbacks.run(
      ["calibrate", "--model", "vgg-scenes", "--images", "fold", "--output", "spreads.json"], in: folder.url.path)
    #expect(calibrated.status == 65 && FileManager.default.fileExists(atPath: folder.path("spreads.json")))
    let stopped = try Self.pullbacks.run(
      ["attribute", "--model", "vgg-scenes", "--input", "fold", "--output", "strict.npy", "--strict"],
      in: folder.url.path)
    #expect(stopped.status == 65 && !FileManager.default.fileExists(atPath: folder.path("strict.npy")))
  }

  /// Formats that are not read are refused by their own names and not passed over.
  @Test(arguments: [
    ("x.gif", "GIF89a", "GIF"), ("x.tiff", "II*\u{0}", "TIFF"), ("x.avif", "....ftypavif", "AVIF"),
    ("x.heic", "....ftypheic", "HEIC"), ("x.bmp", "BM......", "BMP"), ("x.png", "", "an empty one"),
  ])
  func otherFormats(_ name: String, _ content: String, _ kind: String) throws {
    try makeFolder(folder.path("fold"))
    try write(to: "fold/a.png")
    try Data(content.utf8).write(to: folder.url.appendingPathComponent("fold/\(name)"))
    let outcome = try predict("--input", "fold")
    #expect(outcome.status == 65 && outcome.errors.contains("fold/\(name): "), "\(outcome.errors)")
    #expect(outcome.errors.contains("found \(kind)") && outcome.output.contains("a.png"))
  }

  @Test func severalBadOrAll() throws {
    try makeFolder(folder.path("one"))
    try Data("GIF8".utf8).write(to: folder.url.appendingPathComponent("one/a.png"))
    let only = try predict("--input", "one")
    #expect(only.status == 65 && only.errors.hasSuffix("found GIF; convert it to PNG or JPEG\n"), "\(only.errors)")
    try makeFolder(folder.path("fold"))
    for name in ["b.png", "c.png"] {
      try Data("GIF8".utf8).write(to: folder.url.appendingPathComponent("fold/\(name)"))
    }
    let all = try predict("--input", "fold")
    #expect(all.status == 65 && all.errors.contains("none of the 2 files can be read"), "\(all.errors)")
    try write(to: "fold/a.png")
    let two = try predict("--input", "fold")
    let lines = two.errors.split(separator: "\n")
    #expect(two.status == 65 && lines.count == 3 && lines[2].contains("2 of 3 files"), "\(two.errors)")
  }

  @Test func badPicturesOfAnEvaluation() throws {
    try makeFolder(folder.path("val"))
    try write(to: "val/a.png")
    try write(Self.picture(2), to: "val/b.png")
    try Data("GIF8".utf8).write(to: folder.url.appendingPathComponent("val/c.png"))
    try Data("file,class\na.png,1\nb.png,2\nc.png,3\n".utf8).write(
      to: folder.url.appendingPathComponent("val/labels.csv"))
    let arguments = [
      "evaluate", "--model", "vgg-scenes", "--images", "val", "--methods", "gradient", "--metrics", "sparseness",
      "--output",
      "out",
    ]
    let outcome = try Self.pullbacks.run(arguments, in: folder.url.path)
    #expect(outcome.status == 65 && outcome.errors.contains("val/c.png"), "\(outcome.errors)")
    let scores = try String(contentsOfFile: folder.path("out/scores.csv"), encoding: .utf8)
    #expect(scores.split(separator: "\n").count == 3)
    let strict = try Self.pullbacks.run(arguments.dropLast() + ["out2", "--strict"], in: folder.url.path)
    #expect(strict.status == 65 && !FileManager.default.fileExists(atPath: folder.path("out2")))
  }

  /// In a folder and on the command line.
  @Test func namesOfAnyBytes() throws {
    try makeFolder(folder.path("d"))
    try write(to: "d/ok.png")
    for bytes in [[0x78, 0xE9], [0x79, 0x0A]] as [[UInt8]] {
      try write(to: "d/" + PathText.text(of: bytes + Array(".png".utf8)))
    }
    let outcome = try predict("--input", "d")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").count == 6)
    #expect(outcome.output.contains("x\\xE9.png\n") && outcome.output.contains("y\\x0A.png\n"))
    let script = """
      pullbacks predict --model vgg-scenes --top 1 --input d/$(printf 'x\\351').png &&
      pullbacks attribute --model vgg-scenes --target 3 --input d/$(printf 'x\\351').png \
        --output $(printf 'm\\351').npy &&
      ls | grep -c npy
      """
    let direct = try Self.pullbacks.shell(script, in: folder.url.path, environment: ["LC_ALL": "C"])
    #expect(direct.status == 0 && direct.output.hasSuffix("1\n"), "\(direct.errors)")
    let missing = try Self.pullbacks.shell(
      "pullbacks predict --model vgg-scenes --input d/$(printf 'z\\351').png", in: folder.url.path)
    #expect(missing.status == 66 && missing.errors.contains("d/z\\xE9.png: cannot be opened"), "\(missing.errors)")
  }

  // MARK: Standard input and what is printed

  @Test func standardInput() throws {
    try write(to: "a.png")
    let picture = try Data(contentsOf: folder.url.appendingPathComponent("a.png"))
    let expected = try predict("--input", "a.png").output
    try NPY.write(Tensor(Self.picture(1)), to: folder.path("a.npy"))
    let array = try Data(contentsOf: folder.url.appendingPathComponent("a.npy"))
    for (input, name) in [(picture, "-"), (picture, "/dev/stdin"), (array, "-")] {
      let outcome = try predict("--input", name, input: input)
      #expect(outcome.status == 0 && outcome.output == expected, "\(outcome.errors)")
    }
    let redirected = try Self.pullbacks.shell(
      "pullbacks predict --model vgg-scenes --top 1 --input - < a.png; "
        + "pullbacks predict --model vgg-scenes --top 1 --input <(cat a.png)", in: folder.url.path)
    #expect(redirected.output == expected + expected, "\(redirected.errors)")
    let empty = try predict("--input", "-", input: Data())
    #expect(
      empty.status == 65 && empty.errors.contains("standard input: expected a PNG, JPEG or WebP file, found an empty"))
    let report = try Self.pullbacks.run(
      [
        "attribute", "--model", "vgg-scenes", "--input", "-", "--target", "3", "--report", "r.html", "--output",
        "m.npy",
      ],
      in: folder.url.path, input: picture)
    #expect(report.status == 0, "\(report.errors)")
  }

  /// A folder called - is no standard input, and a named pipe has not ended before anybody has written to it.
  @Test func otherStreams() throws {
    try write(to: "a.png")
    let expected = try predict("--input", "a.png").output
    try makeFolder(folder.path("-"))
    let picture = try Data(contentsOf: folder.url.appendingPathComponent("a.png"))
    #expect(try predict("--input", "-", input: picture).output == expected)
    #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
    let late = try Self.pullbacks.shell(
      "(sleep 1; cat a.png > pipe) & exec pullbacks predict --model vgg-scenes --top 1 --input pipe",
      in: folder.url.path)
    #expect(late.output == expected, "\(late.errors)")
  }

  /// What contradicts itself, or would explain nothing without a word.
  @Test(arguments: [
    (["--target", "3-3"], "--target 3-3: selects nothing"), (["--target", "1,0*3"], "--target 0*3: selects nothing"),
    (["--selector", "zeros.npy"], "selects nothing"),
    (["--target", "3", "--temperature", "relu=1,relu=2"], "--temperature relu=2: relu is given twice"),
    (["--target", "3", "--set", "smooth.draws=1,border=zeros,smooth.draws=2"], "smooth.draws is given twice"),
    (["--target", "nowhere:0"], "pullbacks rules --nodes lists them all"),
    (["--target", "3", "--model", "resnet51"], "did you mean resnet50?"),
  ])
  func contradictions(_ arguments: [String], _ mention: String) throws {
    try write(to: "a.png")
    try NPY.write(Tensor(shape: [10]), to: folder.path("zeros.npy"))
    let model = arguments.contains("--model") ? [] : ["--model", "vgg-scenes"]
    let outcome = try Self.pullbacks.run(
      ["attribute", "--input", "a.png", "--output", "m.npy"] + model + arguments, in: folder.url.path)
    #expect(outcome.status == 64 && outcome.output.isEmpty && outcome.errors.contains(mention), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("note: ") }.count == 1, "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("m.npy")))
  }

  @Test func predictionsInThreeFormats() throws {
    try makeFolder(folder.path("d"))
    try write(to: "d/a,b.png")
    try write(Self.picture(2), to: "d/c.png")
    let csv = try predict("--input", "d", "--format", "csv").output.split(separator: "\n").map(String.init)
    #expect(csv.count == 3 && csv[0] == "image,rank,class,name,logit,probability" && csv[1].hasPrefix("\"a,b.png\",1,"))
    let text = try predict("--input", "d", "--format", "json", "--output", "logits.npy").output
    let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(json["images"] as? [String] == ["a,b.png", "c.png"] && json["preprocessing"] as? String != nil)
    let predictions = try #require(json["predictions"] as? [[[String: Any]]])
    let logits = try NPY.read(folder.path("logits.npy"))
    #expect(logits.shape == [2, 10] && predictions.map(\.count) == [1, 1])
    let best = try #require(predictions[0][0]["class"] as? Int)
    #expect((predictions[0][0]["logit"] as? Double).map { Float($0) } == logits.scalars[best])
    #expect(csv[1].contains(",\(best),"))
    // Again over its own files.
    #expect(try predict("--input", "d", "--output", "logits.npy").status == 0)
  }

  // MARK: Ranges

  /// Other values are refused, with the option that names them; said, they give what the picture gives.
  @Test func ranges() throws {
    let picture = Self.picture(1)
    try write(picture, to: "a.png")
    let signed = Tensor(picture)
    let half = Tensor(shape: signed.shape, repeating: 0.5)
    try NPY.write(signed, to: folder.path("signed.npy"))
    try NPY.write(0.5 * signed + half, to: folder.path("unit.npy"))
    try NPY.write(127.5 * signed + 255 * half, to: folder.path("byte.npy"))
    try NPY.write(2.5 * signed, to: folder.path("normalised.npy"))
    try NPY.write(1.0004 * signed, to: folder.path("rounded.npy"))
    try NPY.write(0.75 * signed + 1.5 * half, to: folder.path("overshot.npy"))
    let expected = try predict("--input", "a.png").output
    for range in ["signed", "unit", "byte"] {
      #expect(try predict("--input", "\(range).npy", "--range", range).output == expected)
    }
    let unsaid = try predict("--input", "unit.npy")
    #expect(unsaid.status == 0 && unsaid.errors.contains("--range unit"), "\(unsaid.errors)")
    #expect(try predict("--input", "rounded.npy").status == 0)
    for (name, advice) in [
      ("byte", "; --range byte if 255 is white; --range any"), ("normalised", "; --range any"),
      ("overshot", "; --range any"),
    ] {
      let refused = try predict("--input", "\(name).npy")
      #expect(refused.status == 65 && refused.errors.contains(advice) && refused.output.isEmpty, "\(refused.errors)")
      #expect(refused.errors.split(separator: "\n").count == 1)
    }
    #expect(try predict("--input", "normalised.npy", "--range", "any").status == 0)
    #expect(try predict("--input", "signed.npy", "--range", "unit").status == 65)
    let outcome = try Self.pullbacks.run(
      ["attribute", "--model", "vgg-scenes", "--input", "byte.npy", "--range", "byte", "--output", "m.npy"],
      in: folder.url.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try String(contentsOfFile: folder.path("m.json"), encoding: .utf8).contains("arrays, range byte"))
    let baseline = try Self.pullbacks.run(
      [
        "attribute", "--model", "vgg-scenes", "--input", "byte.npy", "--range", "any", "--baseline", "byte.npy",
        "--output", "n.npy",
      ], in: folder.url.path)
    #expect(baseline.status == 0, "\(baseline.errors)")
  }

  // MARK: Labels

  /// What one command writes, another takes.
  @Test func exportedScenesAreEvaluated() throws {
    let export = ["scenes", "--export", folder.path("scex"), "--count", "3", "--seed", "1"]
    #expect(try Self.pullbacks.run(export).status == 0)
    let outcome = try Self.pullbacks.run(
      [
        "evaluate", "--model", "vgg-scenes", "--images", "scex", "--methods", "gradient", "--metrics", "sparseness",
        "--output", "out",
      ], in: folder.url.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let rows = try String(contentsOfFile: folder.path("out/scores.csv"), encoding: .utf8).split(separator: "\n")
    let labels = (0..<3).map { SceneGenerator(seed: 1).label($0).rawValue }
    #expect(rows.dropFirst().map { Int($0.split(separator: ",")[4]) } == labels)
    // The masks beside them are no pictures, for no command.
    for arguments in [
      ["predict", "--input", "scex", "--output", "logits.npy"],
      ["attribute", "--input", "scex", "--method", "gradient", "--output", "maps.npy"],
      ["calibrate", "--images", "scex", "--output", "spreads.json"],
    ] {
      let outcome = try Self.pullbacks.run(arguments + ["--model", "vgg-scenes"], in: folder.url.path)
      #expect(outcome.status == 0 && outcome.errors.contains("mask files of images, for example"))
    }
    #expect(try NPY.read(folder.path("logits.npy")).shape[0] == 3 && NPY.read(folder.path("maps.npy")).shape[0] == 3)
    #expect(try String(contentsOfFile: folder.path("spreads.json"), encoding: .utf8).contains("\"images\" : 3"))
  }
}
