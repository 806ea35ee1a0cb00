import Foundation
import TestKit
import Testing

/// `pullbacks text` on a small model with random weights.
@Suite struct TextCommandTests {
  private static let pullbacks = Program("pullbacks")
  private static let model = ["text", "--model", Fixture.path("text-bin")]

  @Test func wordsHaveShares() throws {
    let folder = try TemporaryFolder()
    let outcome = try Self.pullbacks.run(
      Self.model + [
        "--text", "t1 t5  t7", "--against", "t2 t3", "--output", folder.path("out.json"), "--figure",
        folder.path("out.svg"),
      ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("out.json")))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(json["tokens"] as? [String] == ["t1", "t5", "t7"])
    #expect(json["offsets"] as? [[Int]] == [[0, 2], [3, 5], [7, 9]])
    #expect(json["method"] as? String == "hard-pullback" && json["against"] as? String == "t2 t3")
    let (shares, value, bias) = (json["shares"] as! [Double], json["value"] as! Double, json["bias"] as! Double)
    #expect(abs(shares.reduce(bias, +) - value) < 1e-9 && abs(value) <= 1)
    #expect((json["words"] as! [[String: Any]]).map { $0["share"] as! Double } == shares)
    for word in ["t1", "t5", "t7"] { #expect(outcome.output.contains(word)) }
    #expect(try String(contentsOfFile: folder.path("out.svg"), encoding: .utf8).contains(">t5</text>"))
  }

  @Test func manyPairsAreExplained() throws {
    let folder = try TemporaryFolder()
    try "t1 t2\tt3\nt4\tt5 t6\n".write(toFile: folder.path("pairs.tsv"), atomically: true, encoding: .utf8)
    let outcome = try Self.pullbacks.run(
      Self.model + [
        "--pairs", folder.path("pairs.tsv"), "--method", "soft-pullback", "--temperature", "gelu=2", "--output",
        folder.path("out.json"),
      ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("out.json")))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let all = try #require(json["explanations"] as? [[String: Any]])
    #expect(all.map { $0["text"] as! String } == ["t1 t2", "t4"])
    #expect((all[0]["settings"] as! [String: String])["temperature.gelu"] == "2.0")
  }

  /// The decoder of the package says that keys *are*, and the words are shaded on a page that asks for nothing.
  @Test func decodersExplainTheTokenThatFollows() throws {
    let folder = try TemporaryFolder()
    let outcome = try Self.pullbacks.run([
      "text", "--model", "sentence-decoder", "--text", "the keys to the old cabinet", "--next", "are", "--versus",
      "is", "--score", "--output", folder.path("out.json"), "--report", folder.path("out.html"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("out.json")))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(json["value"] as! Double > 0)
    let words = json["words"] as! [[String: Any]]
    let largest = words.max { ($0["share"] as! Double) < ($1["share"] as! Double) }
    #expect(largest?["text"] as? String == "keys")
    let scores = try #require(json["faithfulness"] as? [String: Double])
    #expect(scores["comprehensiveness"]! > scores["sufficiency"]!)
    let page = try String(contentsOfFile: folder.path("out.html"), encoding: .utf8)
    #expect(page.contains(">keys</span>"))
    #expect(page.contains("script-src 'none'") && !page.contains("<script") && !page.contains("://"))
    #expect(page.contains((json["checkpointSHA256"] as! [String])[0]))
    // The page is this tool's and may be replaced; another may not.
    try "mine".write(toFile: folder.path("other.html"), atomically: true, encoding: .utf8)
    let arguments = ["text", "--model", "sentence-decoder", "--text", "the <old> keys", "--report"]
    #expect(try Self.pullbacks.run(arguments + [folder.path("out.html")]).status == 0)
    let second = try String(contentsOfFile: folder.path("out.html"), encoding: .utf8)
    #expect(second.contains("&lt;</span>") && !second.contains("<old>"))
    #expect(try Self.pullbacks.run(arguments + [folder.path("other.html")]).status == 73)
  }

  /// Spreads of some texts are what relative temperatures are relative to.
  @Test func calibrationsAreOfTexts() throws {
    let folder = try TemporaryFolder()
    try "the keys are old .\nthe dog near the trees sleeps .\n"
      .write(toFile: folder.path("texts.txt"), atomically: true, encoding: .utf8)
    let spreads = folder.path("spreads.json")
    let calibrated = try Self.pullbacks.run([
      "calibrate", "--model", "sentence-decoder", "--texts", folder.path("texts.txt"), "--output", spreads,
    ])
    #expect(calibrated.status == 0, "\(calibrated.errors)")
    let arguments = [
      "text", "--model", "sentence-decoder", "--text", "the keys to the cabinet", "--next", "are", "--method",
      "soft-pullback",
    ]
    let relative = arguments + ["--temperature", "relative=1"]
    let outputs = try [arguments, relative, relative + ["--calibration", spreads]].map {
      try Self.pullbacks.run($0).output
    }
    #expect(Set(outputs).count == 3)
    let other = try Self.pullbacks.run(
      Self.model + [
        "--text", "t1", "--against", "t2", "--method", "soft-pullback", "--temperature", "relative=1", "--calibration",
        spreads,
      ])
    #expect(other.status == 65 && other.errors.contains(#"is a calibration of "gpt2", expected one of "distilbert""#))
    let idle = try Self.pullbacks.run(arguments + ["--calibration", spreads])
    #expect(idle.status == 64 && idle.errors.contains("serves relative temperatures"))
    let both = try Self.pullbacks.run(["calibrate", "--texts", "a", "--images", "b", "--output", spreads])
    #expect(both.status == 64)
  }

  /// Errors in a file of texts name the line, before anything is computed; lines end at line feeds alone.
  @Test func linesOfTextsAreNamed() throws {
    let folder = try TemporaryFolder()
    for (text, problem) in [
      ("t1\tt2\n\nt3\n", "pairs.tsv:3: the text behind the tab: is missing"),
      ("t1\tt2\r\nt1 t2 t3 t4 t5 t6 t7 t8 t9\tt1\n", "pairs.tsv:2: text of 9 tokens: the model has places for 8"),
    ] {
      try text.write(toFile: folder.path("pairs.tsv"), atomically: true, encoding: .utf8)
      let outcome = try Self.pullbacks.run(Self.model + ["--pairs", folder.path("pairs.tsv")])
      #expect(outcome.status == 64 && outcome.errors.contains(problem), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    try "t1\u{2028}t2\tt3\n".write(toFile: folder.path("pairs.tsv"), atomically: true, encoding: .utf8)
    let outcome = try Self.pullbacks.run(
      Self.model + ["--pairs", folder.path("pairs.tsv"), "--output", folder.path("out.json")])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let record = try String(contentsOfFile: folder.path("out.json"), encoding: .utf8)
    #expect(record.components(separatedBy: "\"value\"").count == 2)
  }

  /// Of two files of one name the one would be lost.
  @Test func outputsHaveNamesOfTheirOwn() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: true)
    for report in ["x", "in/../x"] {
      let outcome = try Self.pullbacks.run(
        Self.model + ["--text", "t1", "--against", "t2", "--output", folder.path("x"), "--report", folder.path(report)])
      #expect(outcome.status == 64 && outcome.errors.contains("would be written twice"), "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path("x")))
    }
  }

  @Test(
    arguments: [
      (["--text", "t1"], 64, "--against: is missing"), (["--against", "t1"], 64, "--text: is missing"),
      (
        ["--text", "t1", "--against", "t2", "--label", "3"], 64,
        "--label 3: text-bin is a sentence encoder, not a classifier"
      ),
      (["--text", "", "--against", "t2"], 64, "text: has no tokens"),
      (["--text", "t1 t2 t3 t4 t5 t6 t7 t8 t9", "--against", "t2"], 64, "the model has places for 8"),
      (["--text", "t1", "--against", "t2", "--model", "Sources"], 66, "config.json"),
      (["--text", "t1", "--against", "t2", "--figure", "x.jpg"], 64, "x.jpg"),
      (["--text", "t1", "--against", "t2", "--temperature", "gelu=0"], 64, "a positive number"),
    ] as [([String], Int32, String)])
  func mistakesAreNamed(_ arguments: [String], _ status: Int32, _ problem: String) throws {
    let outcome = try Self.pullbacks.run(Self.model + arguments)
    #expect(outcome.status == status, "\(outcome.errors)")
    #expect(outcome.errors.contains(problem) && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }
}
