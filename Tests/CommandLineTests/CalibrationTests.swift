import Digests
import ExperimentKit
import Foundation
import TestKit
import Testing

/// Temperatures relative to each channel's spread as users meet them: by kind of operation, with the spreads of some
/// images, and what rules and records say of them.
@Suite(.serialized) struct CalibrationTests {
  static let pullbacks = CommandLineTests.pullbacks
  static let model = "vgg-scenes"

  /// 24 scenes as an array, and the calibration that they make.
  struct Made {
    let folder: TemporaryFolder
    let subject: Subject
    let images: Tensor
    let outcome: Program.Outcome
    var scenes: String { folder.path("scenes.npy") }
    var calibration: String { folder.path("spreads.json") }
  }

  static let made: Made = try! {
    let folder = try TemporaryFolder()
    let samples = SceneSamples(0..<24)
    let images = Tensor(batching: try (0..<24).map { try samples.sample($0).image })
    try NPY.write(images, to: folder.path("scenes.npy"))
    let outcome = try pullbacks.run([
      "calibrate", "--model", model, "--images", folder.path("scenes.npy"), "--output", folder.path("spreads.json"),
    ])
    return Made(
      folder: folder, subject: try Tier.scenes.subject(model, showing: .none), images: images, outcome: outcome)
  }()

  static func attribute(_ arguments: [String], to output: String) throws -> Program.Outcome {
    try pullbacks.run(
      ["attribute", "--model", model, "--input", made.folder.path("image.npy"), "--target", "3", "--output", output]
        + arguments)
  }

  static func json(_ path: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
  }

  // MARK: Calibrating

  /// The file has the library's numbers and says what they are of; again, and with other batches, the same bytes.
  @Test func measuresSpreads() throws {
    let made = Self.made
    #expect(made.outcome.status == 0, "\(made.outcome.errors)")
    let record = try Self.json(made.calibration)
    #expect(
      Set(record.keys)
        == ["format", "tool", "architecture", "checkpointSHA256", "images", "preprocessing", "spreads"])
    #expect(record["format"] as? Int == 1 && record["images"] as? Int == 24)
    #expect(record["tool"] as? String == "pullbacks \(packageVersion)")
    #expect(record["architecture"] as? String == Self.model)
    #expect(record["checkpointSHA256"] as? String == (try made.subject.sha256))
    #expect(record["preprocessing"] as? String == "arrays, used as they are")
    let measured = try Spreads.measured(of: made.subject.network, at: [made.images])
    let spreads = try Calibration.read(made.calibration, for: made.subject).spreads
    for node in made.subject.graph.nodes {
      guard let expected = measured[node.name] else { continue }
      let found = try #require(spreads[node.name])
      #expect(found.source == .calibration)
      expectClose(found.deviations.map(Double.init), expected.deviations.map(Double.init), within: 1e-4, node.name)
    }

    let again = made.folder.path("again.json")
    let outcome = try Self.pullbacks.run([
      "calibrate", "--model", Self.model, "--images", made.scenes, "--output", again, "--max-memory", "20M",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let files = try [again, made.calibration].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    #expect(files[0] == files[1])
  }

  /// What batch norms tell and what images show is nearly the same.
  @Test func agreesWithBatchNorms() throws {
    let told = Spreads(of: Self.made.subject.network)
    let shown = try Calibration.read(Self.made.calibration, for: Self.made.subject).spreads
    var ratios: [Double] = []
    for node in Self.made.subject.graph.nodes where node.operation is ReLU {
      guard let told = told[node.name], let shown = shown[node.name] else { continue }
      ratios += zip(shown.deviations, told.deviations).map { Double($0 / $1) }
    }
    #expect(ratios.count == 800)
    #expect(abs(ratios.mean - 1) < 0.1, "\(ratios.mean)")
    #expect(ratios.variance.squareRoot() < 0.15, "\(ratios.variance.squareRoot())")
  }

  /// A folder of pictures, resized and cropped.
  @Test func takesPictures() throws {
    let folder = try TemporaryFolder()
    for index in 0..<3 {
      try Picture(Self.made.images.image(index)).writePNG(to: folder.path("\(index).png"))
    }
    let outcome = try Self.pullbacks.run([
      "calibrate", "--model", Self.model, "--images", folder.url.path, "--output", folder.path("spreads.json"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let record = try Self.json(folder.path("spreads.json"))
    #expect(record["preprocessing"] as? String == "pictures, resized and cropped to 96 x 96, 2 p / 255 - 1")
    #expect(record["images"] as? Int == 3)
  }

  @Test(arguments: [
    (["--images", "ONE"], 64, "one image shows no spread"),
    (["--images", "NAN"], 65, "nan.npy"),
    (["--images", "HUGE", "--range", "any"], 65, "its values are not finite"),
    (["--images", "missing"], 66, "missing"),
    (["--images", "SCENES", "--output", "/nonexistent/x.json"], 73, "/nonexistent"),
    (["--images", "SCENES", "--model", "resnet50"], 64, "name a file with --checkpoint"),
  ])
  func failsWhole(_ arguments: [String], _ status: Int, _ mentions: String) throws {
    let folder = try TemporaryFolder()
    try NPY.write(Self.made.images.image(0), to: folder.path("one.npy"))
    try NPY.write(Tensor(shape: [2, 3, 96, 96], repeating: .nan), to: folder.path("nan.npy"))
    try NPY.write(Tensor(shape: [2, 3, 96, 96], repeating: 3e38), to: folder.path("huge.npy"))
    let names = [
      "ONE": folder.path("one.npy"), "NAN": folder.path("nan.npy"), "HUGE": folder.path("huge.npy"),
      "SCENES": Self.made.scenes,
    ]
    var all = ["calibrate"] + arguments.map { names[$0] ?? $0 }
    if !arguments.contains("--model") { all += ["--model", Self.model] }
    if !arguments.contains("--output") { all += ["--output", folder.path("out.json")] }
    let outcome = try Self.pullbacks.run(all)
    #expect(outcome.status == Int32(status) && outcome.errors.contains(mentions), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(!FileManager.default.fileExists(atPath: folder.path("out.json")))
  }

  // MARK: Using a calibration

  /// The file fills what batch norms do not tell, or comes before them; the map is the library's, and the record has
  /// the source and the range of every node.
  @Test(arguments: [nil, "batch-norm", "calibration", "image"]) func attributes(_ first: String?) throws {
    let made = Self.made
    let (network, graph) = (made.subject.network, made.subject.graph)
    try NPY.write(made.images.image(0), to: made.folder.path("image.npy"))
    let options = first == "image" ? [] : ["--calibration", made.calibration]
    let outcome = try Self.attribute(
      ["--temperature", "relative=1.5"] + options + (first.map { ["--spreads", $0] } ?? []),
      to: made.folder.path("map.npy"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let kept = try Calibration.read(made.calibration, for: made.subject)
    let spreads =
      switch first {
      case "calibration": kept.spreads
      case "image": Spreads()
      default: Spreads(of: network).completed(by: kept.spreads)
      }
    let rules = RuleSet.relativePullback(1.5, spreads, over: graph)
    let expected = try network.valueWithPullback(at: made.images.image(0), rules: rules).pullback(network.oneHot([3]))
    #expect(relativeErrors(try NPY.read(made.folder.path("map.npy")), expected).largest < 1e-5)

    let record = try Self.json(made.folder.path("map.json"))
    let settings = try #require(record["settings"] as? [String: String])
    #expect(settings["temperature.relative"] == "1.5" && settings["temperature.spreads"] == first)
    #expect(settings["temperature.calibration"] == (first == "image" ? nil : kept.sha256))
    #expect(try kept.sha256 == sha256(ofFileAt: made.calibration))
    let recorded = try #require(record["spreads"] as? [String: [String: Any]])
    #expect(recorded.count == graph.nodes.count { $0.operation is ReLU || $0.operation is MaxPool })
    for (node, spread) in try rules.spreads(over: graph) {
      #expect(recorded[node.name]?["source"] as? String == spread.source.rawValue)
      let least = (recorded[node.name]?["least"] as? Double).map { Float($0) }
      // A vector has one value for each channel, and no spread of its own.
      #expect(least == spread.range?.lowerBound ?? (node.shape.count == 1 ? 0 : nil), "\(node.name)")
    }
  }

  /// Files that are no calibration of this checkpoint, one line each.
  @Test(arguments: [
    ("checkpoint", "is a calibration of the checkpoint \"0000"),
    ("architecture", "is a calibration of \"resnet50\", expected one of \"vgg-scenes\""),
    ("format", "expected a calibration of format 1, found 2"),
    ("channels", "node features.2: expected a deviation for each of 32 channels, found 31"),
    ("negative", "node features.2: expected finite deviations that are not below zero, found -1.0 for channel 0"),
    ("infinite", "spreads.json: is no calibration: "), ("text", "\"spreads.features.2.0\" is no number"),
    ("missing node", "node features.2: there are no deviations of what this relu takes"),
    ("other node", "node features.99: vgg-scenes has no node of this name"),
    ("missing key", "is no calibration: images is missing"), ("truncated", "is no calibration: expected JSON"),
    ("list", "is no calibration: what it holds is no "), ("empty", "is no calibration: expected JSON"),
  ])
  func refusesOthers(_ damage: String, _ mentions: String) throws {
    let folder = try TemporaryFolder()
    let whole = try String(contentsOfFile: Self.made.calibration, encoding: .utf8)
    var record = try Self.json(Self.made.calibration)
    var spreads = try #require(record["spreads"] as? [String: [Double]])
    var text: String?
    switch damage {
    case "checkpoint": record["checkpointSHA256"] = String(repeating: "0", count: 64)
    case "architecture": record["architecture"] = "resnet50"
    case "format": record["format"] = 2
    case "channels": spreads["features.2"]?.removeLast()
    case "negative": spreads["features.2"]?[0] = -1
    case "infinite": text = whole.replacing(/"features.2" : \[\s*[0-9.e-]+/) { _ in "\"features.2\" : [ 1e999" }
    case "text": text = whole.replacing(/"features.2" : \[\s*[0-9.e-]+/) { _ in "\"features.2\" : [ \"a\\nb\"" }
    case "missing node": spreads["features.2"] = nil
    case "other node": spreads["features.99"] = [1]
    case "missing key": record["images"] = nil
    case "truncated": text = String(whole.prefix(whole.count / 2))
    case "list": text = "[1, 2]"
    default: text = ""
    }
    record["spreads"] = spreads
    let path = folder.path("spreads.json")
    try (text.map { Data($0.utf8) } ?? JSONSerialization.data(withJSONObject: record))
      .write(to: URL(fileURLWithPath: path))
    let outcome = try Self.pullbacks.run([
      "rules", "--model", Self.model, "--temperature", "relative=1", "--calibration", path,
    ])
    #expect(outcome.status == 65 && outcome.output.isEmpty)
    #expect(outcome.errors.contains(mentions) && outcome.errors.contains(path), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  @Test(arguments: [
    (["--temperature", "relative.gelu=1"], 64, "relative.gelu: vgg-scenes has no gelu; it has relu, maxpool"),
    (["--temperature", "relative.attention=1"], 64, "there is no relative rule for attention"),
    (["--temperature", "relative.conv=1"], 64, "there is no relative rule for conv"),
    (["--temperature", "nowhere=1", "--method", "gradient"], 64, "vgg-scenes has no node of this name"),
    (["--temperature", "relative=0"], 64, "expected a name and a positive number"),
    (["--temperature", "relu=sigmoid:0"], 64, "expected a name and a positive number"),
    (["--temperature", "gelu=sigmoid:1"], 64, "expected a name and a positive number"),
    (["--temperature", "relative.relu=1,relu=sigmoid:0.3"], 64, "relu would have two temperatures"),
    (["--temperature", "relative.relu=nan"], 64, "expected a name and a positive number"),
    (["--temperature", "relative.relu=1,relu=0.6"], 64, "relu would have two temperatures"),
    (["--temperature", "relative.relu=1", "--set", "temperature.relu=0.5"], 64, "relu would have two temperatures"),
    (["--temperature", "relative=1.5,relative.relu=1,maxpool=0.3"], 64, "relative stands for all"),
    (["--temperature", "relu=1", "--calibration", "FILE"], 64, "spreads are for relative temperatures"),
    (["--spreads", "image"], 64, "spreads are for relative temperatures"),
    (["--temperature", "relative=1", "--spreads", "calibration"], 64, "needs a file --calibration"),
    (["--temperature", "relative=1", "--spreads", "image", "--calibration", "FILE"], 64, "no use for --calibration"),
    (["--temperature", "relative=1", "--calibration", "missing.json"], 66, "missing.json"),
  ])
  func failsClearly(_ arguments: [String], _ status: Int, _ mentions: String) throws {
    let made = Self.made
    try NPY.write(made.images.image(0), to: made.folder.path("image.npy"))
    let outcome = try Self.attribute(
      arguments.map { $0 == "FILE" ? made.calibration : $0 }, to: made.folder.path("never.npy"))
    #expect(outcome.status == Int32(status) && outcome.errors.contains(mentions), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: made.folder.path("never.npy")))
  }

  // MARK: Kinds, rules and runs

  /// Of kinds that are named, the others keep their temperature.
  @Test func temperaturesOfKinds() throws {
    let made = Self.made
    try NPY.write(made.images.image(0), to: made.folder.path("image.npy"))
    let network = made.subject.network
    for (text, multiples, expected) in [
      (
        "relative.relu=1", RelativeTemperatures([.relu: 1]),
        ["temperature.relative.relu": "1.0", "temperature.maxpool": "0.3", "temperature.gelu": "1.0"]
      ),
      (
        "relative=1.5,relative.relu=1", RelativeTemperatures(1.5, [.relu: 1]),
        ["temperature.relative": "1.5", "temperature.relative.relu": "1.0"]
      ),
      ("relative=1.5,relative.relu=1.5", RelativeTemperatures(1.5), ["temperature.relative": "1.5"]),
    ] {
      let outcome = try Self.attribute(["--temperature", text], to: made.folder.path("map.npy"))
      #expect(outcome.status == 0, "\(outcome.errors)")
      let rules = RuleSet.relativePullback(multiples, Spreads(of: network), over: network.graph)
      let map = try network.valueWithPullback(at: made.images.image(0), rules: rules).pullback(network.oneHot([3]))
      #expect(relativeErrors(try NPY.read(made.folder.path("map.npy")), map).largest < 1e-5, "\(text)")
      let settings = try #require(try Self.json(made.folder.path("map.json"))["settings"] as? [String: String])
      for (name, value) in expected { #expect(settings[name] == value, "\(text): \(name)") }
      #expect(settings["temperature.relu"] == nil)
      #expect((settings["temperature.maxpool"] == nil) == (multiples.others != nil))
    }
  }

  /// The gate of the paper's versions 1 to 4.
  @Test func logisticTemperature() throws {
    let made = Self.made
    try NPY.write(made.images.image(0), to: made.folder.path("image.npy"))
    let outcome = try Self.attribute(["--temperature", "relu=sigmoid:0.3"], to: made.folder.path("logistic.npy"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let pullback = try made.subject.network.valueWithPullback(at: made.images.image(0), rules: .excitationPullback())
    let map = try pullback.pullback(made.subject.network.oneHot([3]))
    #expect(relativeErrors(try NPY.read(made.folder.path("logistic.npy")), map).largest < 1e-5)
    let settings = try #require(try Self.json(made.folder.path("logistic.json"))["settings"] as? [String: String])
    #expect(settings["temperature.relu"] == "sigmoid:0.3")
  }

  /// Where sigma comes from and its range, node by node and by kind; and other temperatures in units of it.
  @Test func rulesTellSpreads() throws {
    func lines(_ arguments: [String]) throws -> [[String]] {
      let outcome = try Self.pullbacks.run(["rules"] + arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.output.split(separator: "\n").map {
        $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      }
    }
    let soft = ["--model", Self.model, "--temperature", "relative=1.5"]
    let nodes = try lines(soft + ["--nodes"])
    let first = try #require(nodes.first { $0[0] == "features.2" })
    let spread = try #require(Spreads(of: Self.made.subject.network)["features.2"]?.range)
    #expect(first[3] == "v * Phi(z / s), s = 1.5 sigma, sigma of batch norm")
    let (least, most) = (String(format: "%.3g", spread.lowerBound), String(format: "%.3g", spread.upperBound))
    #expect(first[4] == "sigma: batch norm, \(least) to \(most)")
    #expect(nodes.contains { $0.last == "sigma: this image, 0 where a channel has one value: in 1 of 1" })
    #expect(nodes.first { $0[0] == "features.0" }?.count == 4)

    let kinds = try lines(soft + ["--calibration", Self.made.calibration]).filter { $0[0] == "relu" }
    #expect(kinds.map { $0[1] } == ["8", "2"])
    #expect(kinds[0][4].hasPrefix("sigma: batch norm, ") && kinds[1][4].hasPrefix("sigma: calibration, "))

    let sums = try lines(["--model", "resnet-scenes", "--temperature", "relative=1"]).filter { $0[0] == "relu" }
    #expect(sums.map { $0[4].split(separator: ",")[0] } == ["sigma: batch norm", "sigma: sum of batch norms"])

    // The batch norms of the scenes' networks end at a third: tau = 0.6 is some 1.9 sigma.
    let released = try #require(try lines(["--model", Self.model]).first { $0[0] == "relu" })
    #expect(released[1] == "10" && released[4].wholeMatch(of: /tau = 1\.\d+ to [12]\.\d+ sigma, layers: 8/) != nil)
    let mixed = try lines(["--model", Self.model, "--temperature", "relative.relu=1,features.2=2"])
    #expect(mixed.filter { $0[0] == "relu" }.map { $0[1] } == ["1", "7", "2"])
    #expect(mixed.first { $0[0] == "maxpool" }?[4].hasPrefix("tau = ") == true)

    // An architecture without parameters has rules, and no spreads.
    #expect(try lines(["--model", "resnet50"]).first { $0[0] == "relu" }?.count == 4)
    for (arguments, mentions) in [
      (["--model", "resnet50", "--temperature", "relative=1"], "name a file with --checkpoint"),
      (["--model", "resnet51"], "there is no such architecture"),
      (["--rules", "gradient", "--temperature", "relu=1"], "--rules soft-pullback"),
      (["--model", Self.model, "--temperature", "nowhere=1"], "vgg-scenes has no node of this name"),
    ] {
      let outcome = try Self.pullbacks.run(["rules"] + arguments)
      #expect(outcome.status == 64 && outcome.errors.contains(mentions), "\(outcome.errors)")
    }
  }

  /// A run's description has the source and the range of every node's spread.
  @Test func runsRecordSpreads() throws {
    let folder = try TemporaryFolder()
    let outcome = try Self.pullbacks.run([
      "evaluate", "--networks", "scenes", "--model", Self.model, "--samples", "1", "--methods",
      "soft-pullback,gradient", "--metrics", "focus", "--temperature", "relative.relu=1.5", "--calibration",
      Self.made.calibration, "--output", folder.path("run"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let explainers = try #require(try Self.json(folder.path("run/run.json"))["explainers"] as? [[String: Any]])
    let settings = try #require(explainers[0]["settings"] as? [String: String])
    let kept = try Calibration.read(Self.made.calibration, for: Self.made.subject)
    #expect(settings["temperature.relative.relu"] == "1.5" && settings["temperature.calibration"] == kept.sha256)
    #expect(settings["spread.features.2"]?.hasPrefix("batch norm, ") == true)
    #expect(settings.values.contains { $0.hasPrefix("calibration, ") })
    let gradient = try #require(explainers[1]["settings"] as? [String: String])
    #expect(!gradient.keys.contains { $0.hasPrefix("spread.") })
  }
}
