import ExperimentKit
import Foundation
import TestKit
import Testing

/// Every example in every help text, run as it is written, in a folder that has the files that it names.
@Suite(.serialized) struct ExampleTests {
  static let pullbacks = CommandLineTests.pullbacks
  static let commands = [
    "predict", "attribute", "evaluate", "merge", "inspect", "rules", "methods", "calibrate", "scenes", "train",
    "doctor", "text", "export", "studio",
  ]
  /// Commands whose examples download: only what they do without a network is tested, elsewhere.
  static let downloading = ["fetch"]

  struct Example: Sendable, CustomTestStringConvertible {
    let text: String
    var testDescription: String { text }
  }

  /// The examples of a help text: what follows the word on its line, or the indented lines under it; a backslash joins
  /// two.
  static func examples(in help: String) -> [Example] {
    guard let start = help.range(of: "Examples?:", options: .regularExpression) else { return [] }
    let section = help[start.upperBound...].components(separatedBy: "\n\n")[0]
    let joined = section.replacingOccurrences(of: "\\\\\n +", with: "", options: .regularExpression)
    return joined.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { $0.hasPrefix("pullbacks ") }.map(Example.init)
  }

  static let all: [Example] =
    (try? commands.flatMap { command in
      examples(in: try pullbacks.run(["help", command]).output)
    } + examples(in: pullbacks.run([]).output)) ?? []

  /// What makes an example short: the same command on fewer images, scenes or passes. The last of an option counts.
  private func shortened(_ text: String) -> String {
    if text.hasPrefix("pullbacks train") { return text + " --epochs 1 --epoch-scenes 32 --held-out 10" }
    if text.hasPrefix("pullbacks scenes") { return text + " --count 3" }
    if text.hasPrefix("pullbacks studio") {
      // It runs until it is ended, which may be as soon as it has told its address.
      let command = text + " --port 0" + (text.contains("--no-browser") ? "" : " --no-browser")
      return command + " > address & for i in $(seq 600); do [ -s address ] && break; sleep 0.1; done; kill $!; "
        + "grep http://127.0.0.1: address"
    }
    if text.contains("--counterfactual") { return text + " --counterfactual 2" }
    if text.hasPrefix("pullbacks evaluate"), !text.contains("--attributions") {
      let shorter = text + " --methods gradient --metrics sparseness --samples 1"
      return text.contains("--shard") ? shorter + " --shard 1/1" : shorter
    }
    return text + (text.contains("smoothgrad") ? " --set smooth.draws=2" : "")
  }

  /// The files that examples name.
  private func files() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let zebra = URL(fileURLWithPath: ImageNetTier.path(ofPhotograph: "zebra"))
    let manager = FileManager.default
    try manager.copyItem(at: zebra, to: folder.url.appendingPathComponent("cat.jpg"))
    for (name, inner) in [("photos", ""), ("val", "/n02391049")] {
      try manager.createDirectory(atPath: folder.path(name + inner), withIntermediateDirectories: true)
      for file in ["a", "b"] {
        try manager.copyItem(at: zebra, to: folder.url.appendingPathComponent("\(name)\(inner)/\(file).png"))
      }
      try Data("file,class\n\(inner.dropFirst())\(inner.isEmpty ? "" : "/")a.png,340\n".utf8)
        .write(to: folder.url.appendingPathComponent("\(name)/labels.csv"))
    }
    for name in ["mine.pth", "resnet50.pth"] {
      try manager.copyItem(atPath: ImageNetTier.checkpointPath, toPath: folder.path(name))
    }
    for (name, file) in [("segmenter-dynamo-18", "segmenter.onnx"), ("mine", "mine.onnx")] {
      try manager.copyItem(atPath: Fixture.path("onnx/\(name).onnx"), toPath: folder.path(file))
    }
    try Data("The cat sat.\tA kitten sat.\nIt rains.\tThe sun shines.\n".utf8)
      .write(to: folder.url.appendingPathComponent("pairs.tsv"))
    try Data("the keys are old .\nthe dog near the trees sleeps .\n".utf8)
      .write(to: folder.url.appendingPathComponent("texts.txt"))
    let image = try ImageLoader(size: 224).image(at: zebra.path)
    try NPY.write(image, to: folder.path("x.npy"))
    try NPY.write(image, to: folder.path("maps.npy"))
    return folder
  }

  /// Every command there is, and every line of a help text that is a command.
  @Test func noneIsLeftOut() throws {
    let root = try Self.pullbacks.run([]).output
    let list = try #require(root.range(of: "SUBCOMMANDS:"))
    let names = root[list.upperBound...].components(separatedBy: "\n\n")[0].split(separator: "\n")
      .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(names.sorted() == (Self.commands + Self.downloading).sorted())
    for command in Self.commands {
      let help = try Self.pullbacks.run(["help", command]).output
      // Wrapped text may begin with the tool's name too, but not with one of its commands behind it.
      let lines = help.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { line in names.contains { line.hasPrefix("pullbacks \($0) ") } }
      #expect(Self.examples(in: help).count >= lines.count, "\(lines)")
    }
  }

  @Test func thereAreSomeOfEachCommand() {
    #expect(Self.all.count >= 20)
    for command in Self.commands {
      #expect(Self.all.contains { $0.text.hasPrefix("pullbacks \(command)") }, "\(command)")
    }
  }

  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"), arguments: all)
  func runs(_ example: Example) throws {
    let folder = try files()
    if example.text.contains("--calibration spreads.json") {
      let made = try Self.pullbacks.shell(
        "pullbacks calibrate --images photos --output spreads.json", in: folder.url.path)
      #expect(made.status == 0, "\(made.errors)")
    }
    if example.text.hasPrefix("pullbacks merge") {
      for part in 1...3 {
        let made = try Self.pullbacks.shell(
          "pullbacks evaluate --networks scenes --model vgg-scenes --samples 3 --methods gradient --metrics sparseness "
            + "--shard \(part)/3 --output part\(part)", in: folder.url.path)
        #expect(made.status == 0, "\(made.errors)")
      }
    }
    let outcome = try Self.pullbacks.shell(shortened(example.text), in: folder.url.path)
    let fetching = example.text.contains("--networks paper") ? "make paper-weights" : "make text"
    if outcome.status == 69 {
      #expect(outcome.errors.contains(fetching), "\(outcome.errors)")
    } else {
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }
}
