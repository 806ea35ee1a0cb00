import ExperimentKit
import Foundation
import TestKit
import Testing

/// The command-line tool as its users meet it.
@Suite(.serialized) struct CommandLineTests {
  static let pullbacks = Program("pullbacks")
  static let zebra = ImageNetTier.checkpointPath.replacingOccurrences(
    of: "efficientnet-lite0-57934424.pth", with: "photographs/zebra.png")

  @Test func rulesNameEveryOperation() throws {
    let outcome = try Self.pullbacks.run(["rules", "--model", "efficientnet-lite0", "--temperature", "released"])
    #expect(outcome.status == 0)
    let lines = outcome.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    #expect(
      lines.map { $0[0] } == ["affine", "conv", "batchnorm", "relu6", "add", "avgpool", "reshape", "dropout", "linear"])
    #expect(lines.first { $0[0] == "relu6" }?[2] == "v * (Phi(z / tau) - Phi((z - 6) / tau)), tau = 0.6")
  }

  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"))
  func predictsTheZebra() throws {
    let outcome = try Self.pullbacks.run(["predict", "--input", Self.zebra, "--top", "1"])
    #expect(outcome.status == 0)
    #expect(outcome.output.hasSuffix("\t340\tzebra\n"))
  }

  /// An .npy of the image that the tool loads itself gives the same bytes, and the record says what was done.
  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"))
  func attributesAndRecords() throws {
    let folder = try TemporaryFolder()
    let image = try ImageLoader(size: 224).image(at: Self.zebra)
    try NPY.write(image, to: folder.path("zebra.npy"))
    for (input, output, name) in [
      (Self.zebra, "a.npy", "zebra.png"), (folder.path("zebra.npy"), "b.npy", "image 0"),
    ] {
      let outcome = try Self.pullbacks.run([
        "attribute", "--model", "efficientnet-lite0", "--input", input, "--target", "340", "--method", "soft-pullback",
        "--temperature", "relu6=1,_swish=0.3", "--output", folder.path(output), "--figure", folder.path("figure.png"),
      ])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.hasPrefix("\(name): target 340, zebra, p = 0."))
      let files = [folder.path(output), Signature.recordPath(folder.path(output)), folder.path("figure.png")]
      #expect(outcome.output.hasSuffix("\nwrote \(files.joined(separator: ", "))\n"), "\(outcome.output)")
    }
    #expect(
      try Data(contentsOf: folder.url.appendingPathComponent("a.npy"))
        == Data(contentsOf: folder.url.appendingPathComponent("b.npy")))

    var settings = MethodSettings()
    settings.temperatures[.relu6] = 1
    settings.nodeTemperatures = ["_swish": 0.3]
    let network = try Tier.imagenet.subject(ImageNetTier.architecture, showing: .none).network
    let explainer = try Method.softPullback.explainer(settings, for: network.graph)
    let expected = try explainer.attribute(image, .classes([340]), of: network)
    #expect(relativeErrors(try NPY.read(folder.path("a.npy")), expected).largest < 1e-4)

    let record = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: folder.url.appendingPathComponent("a.json")))
        as? [String: Any])
    #expect(record["checkpointSHA256"] as? String == "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db")
    let recorded = try #require(record["settings"] as? [String: String])
    #expect(recorded["temperature.relu6"] == "1.0" && recorded["temperature._swish"] == "0.3")
    let figure = try Photograph(contentsOf: folder.path("figure.png")).picture
    #expect(figure.width > 360 * 3 && figure.height < figure.width)
  }

  /// A folder of images, several methods and targets: one array each, as the library computes it, whatever the memory.
  /// Temperatures relative to each channel: the library's map, recorded as such, and nothing else beside them.
  @Test func relativeTemperatures() throws {
    let folder = try TemporaryFolder()
    let subject = try Tier.scenes.subject("vgg-scenes", showing: .none)
    let image = Formula.image("image", [1] + subject.graph.inputShape)
    try NPY.write(image, to: folder.path("image.npy"))
    func run(_ temperature: String) throws -> Program.Outcome {
      try Self.pullbacks.run([
        "attribute", "--model", "vgg-scenes", "--input", folder.path("image.npy"), "--target", "3", "--method",
        "soft-pullback", "--temperature", temperature, "--output", folder.path("map.npy"),
      ])
    }
    #expect(try run("relative=1.5").status == 0)
    let rules = RuleSet.relativePullback(1.5, Spreads(of: subject.network), over: subject.graph)
    let expected = try subject.network.valueWithPullback(at: image, rules: rules).pullback(subject.network.oneHot([3]))
    #expect(relativeErrors(try NPY.read(folder.path("map.npy")), expected).largest < 1e-5)
    let record = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: folder.url.appendingPathComponent("map.json")))
        as? [String: Any])
    let recorded = try #require(record["settings"] as? [String: String])
    #expect(recorded["temperature.relative"] == "1.5" && recorded["temperature.relu"] == nil)

    let refused = try run("relative=1.5,relu=0.6")
    #expect(refused.status == 64)
    #expect(
      refused.errors
        == "pullbacks: --temperature relative=1.5,relu=0.6: relative stands for all gates and max pools, and others "
        + "name a kind of them as well; name relative alone, or with single nodes\n", "\(refused.errors)")
  }

  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"))
  func attributesManyAtOnce() throws {
    let folder = try TemporaryFolder()
    let photographs = folder.path("photographs")
    try FileManager.default.createDirectory(atPath: photographs, withIntermediateDirectories: true)
    let names = ["penguin", "squirrel", "zebra"]
    for name in names {
      try FileManager.default.copyItem(
        atPath: Self.zebra.replacingOccurrences(of: "zebra.png", with: "\(name).png"),
        toPath: "\(photographs)/\(name).png")
    }
    for (output, memory) in [("a", "64M"), ("b", "1G")] {
      let outcome = try Self.pullbacks.run([
        "attribute", "--input", photographs, "--target", "top-2,zebra-penguin,cross-entropy:340",
        "--method", "soft-pullback,smooth-pullback,deeplift-released", "--set", "smooth.draws=3",
        "--max-memory", memory, "--output", folder.path(output),
      ])
      #expect(outcome.status == 64 && outcome.errors.contains("zebra-penguin"), "\(outcome.errors)")
      let again = try Self.pullbacks.run([
        "attribute", "--input", photographs, "--target", "top-2,zebra-king penguin,cross-entropy:340",
        "--method", "soft-pullback,smooth-pullback,deeplift-released", "--set", "smooth.draws=3",
        "--max-memory", memory, "--output", folder.path(output),
      ])
      #expect(again.status == 0 && again.errors.isEmpty, "\(again.errors)")
      let lines = again.output.split(separator: "\n")
      #expect(lines.count == 13 && lines.last?.hasPrefix("wrote \(folder.path(output))/soft-pullback.npy, ") == true)
    }
    for method in ["soft-pullback", "smooth-pullback", "deeplift-released"] {
      let files = try ["a", "b"].map { try Data(contentsOf: folder.url.appendingPathComponent("\($0)/\(method).npy")) }
      #expect(files[0] == files[1])
    }
    let maps = try NPY.read(folder.path("a/smooth-pullback.npy"))
    #expect(maps.shape == [3, 4, 3, 224, 224])
    let network = try Tier.imagenet.subject(ImageNetTier.architecture, showing: .none).network
    var settings = MethodSettings()
    settings.smoothGrad.count = 3
    settings.relativeTemperatures = .recommended
    settings.spreads = Spreads(of: network)
    let image = try ImageLoader(size: 224).image(at: "\(photographs)/zebra.png")
    let expected = try Method.smoothPullback.explainer(settings, for: network.graph)
      .attribute(image, Selector([.contrast(340, 145)]), of: network)
    #expect(relativeErrors(maps.image(2).reshaped([4, 3, 224, 224]).image(2), expected).largest < 1e-4)
  }

  /// A channel and a neuron of an inner layer, and what the sums of DeepLift are short of.
  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"))
  func explainsInnerLayersAndReportsResiduals() throws {
    let folder = try TemporaryFolder()
    let outcome = try Self.pullbacks.run([
      "attribute", "--input", Self.zebra, "--target", "_conv_head:12,_conv_head:12/3/4",
      "--method", "deeplift,gradient", "--output", folder.path("maps"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let network = try Tier.imagenet.subject(ImageNetTier.architecture, showing: .none).network
      .truncated(at: "_conv_head")
    let image = try ImageLoader(size: 224).image(at: Self.zebra)
    let selectors = [Selector([.channel(12)]), Selector([.logit(12 * 49 + 3 * 7 + 4)])]
    let expected = try Method.gradient.explainer(for: network.graph).attribute(image, selectors, of: network)
    let maps = try NPY.read(folder.path("maps/gradient.npy")).reshaped([2, 3, 224, 224])
    for (index, expected) in expected.enumerated() {
      #expect(relativeErrors(maps.image(index), expected).largest < 1e-4)
    }
    func targets(_ method: String) throws -> [[String: Any]] {
      let data = try Data(contentsOf: folder.url.appendingPathComponent("maps/\(method).json"))
      let record = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      return try #require((record["targets"] as? [[[String: Any]]])?.first)
    }
    let sums = try NPY.read(folder.path("maps/deeplift.npy")).reshaped([2, 3, 224, 224])
    for (index, target) in try targets("deeplift").enumerated() {
      let sum = sums.image(index).scalars.reduce(0) { $0 + Double($1) }
      let (change, residual) = (target["change"] as? Double, target["residual"] as? Double)
      #expect(abs(try #require(target["sum"] as? Double) - sum) < 1e-9 * abs(sum))
      #expect(abs(try #require(residual)) < 1e-4 * abs(try #require(change)))
    }
    #expect(try targets("gradient").allSatisfy { $0["residual"] == nil && $0["value"] != nil })
  }

  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"))
  func counterfactualsReachTheirClass() throws {
    let folder = try TemporaryFolder()
    let outcome = try Self.pullbacks.run([
      "attribute", "--input", Self.zebra, "--target", "354", "--counterfactual", "6", "--output", folder.path("camel"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let sequence = try NPY.read(folder.path("camel/counterfactual.npy"))
    #expect(sequence.shape == [1, 7, 3, 224, 224])
    #expect(sequence.scalars.allSatisfy { (-1...1).contains($0) })
    let record = try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.url.appendingPathComponent("camel/counterfactual.json"))) as? [String: Any])
    let steps = try #require((record["sequences"] as? [[String: Any]])?.first?["steps"] as? [[String: Any]])
    #expect(steps.count == 7)
    #expect(steps[0]["top1"] as? Int == 340 && steps[6]["top1"] as? Int == 354)
    let network = try Tier.imagenet.subject(ImageNetTier.architecture, showing: .none).network
    let last = Prediction.ranking(try network(sequence.reshaped([7, 3, 224, 224]).image(6)).scalars)[0]
    #expect(abs(last.probability - (try #require(steps[6]["probability"] as? Double))) < 1e-5)
    let strip = try Photograph(contentsOf: folder.path("camel/counterfactual.png")).picture
    #expect(strip.width > 4 * strip.height)
  }

  @Test func methodsListsEveryMethodAndHyperparameter() throws {
    let outcome = try Self.pullbacks.run(["methods", "--model", "resnet50"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    for preset in Preset.allCases { #expect(lines.contains { $0[0].hasPrefix("preset \(preset.rawValue)") }) }
    for method in Method.allCases { #expect(lines.count { $0[0] == method.rawValue } == Preset.allCases.count) }
    for setting in Setting.all { #expect(lines.count { $0[0] == setting.name } == Preset.allCases.count) }
    #expect(lines.filter { $0[0] == "ascent.clip" }.map { $0[1] } == ["never", "never", "every-step"])
    let fusion = try #require(lines.first { $0[0] == "fusiongrad" })
    #expect(fusion[3] == "100" && fusion[4] == "100")
    let cam = try #require(lines.first { $0[0] == "guided-grad-cam" })
    #expect(cam[5].contains("layer layer4.2.conv3") && cam[6] == "pictures (C, H, W)")
    let columns = try #require(lines.first { $0[0] == "method" })
    let released = try #require(lines.first { $0[0] == "deeplift-released" })
    #expect(columns.suffix(3) == ["formula", "source", "caveat"] && released.count == columns.count)
    #expect(released[2] == "yes" && released[6] == "any" && released[7] == "x g(x)")
    #expect(released[9].hasPrefix("no DeepLift"))
    for (name, forms) in [
      ("border", ["zeros", "zeros", "zeros"]), ("attention", ["frozen", "frozen", "frozen"]),
      ("ig.weighting", ["normalised", "released", "released"]), ("ig.points", ["50", "10", "10"]),
    ] {
      #expect(lines.filter { $0[0] == name }.map { $0[1] } == forms)
    }
  }

  /// What goes wrong is one line that names the fault, an exit code by sysexits, and no output.
  @Test(
    .enabled(if: ImageNetTier.isFetched, "needs make imagenet"),
    arguments: [
      (["--input", "missing.jpg"], 66, "missing.jpg"),
      (["--input", "README.md"], 65, "README.md"),
      (["--input", "ZEBRA", "--target", "1000"], 64, "the classes 0 to 999"),
      (["--input", "ZEBRA", "--target", "-1"], 64, "the classes 0 to 999"),
      (["--input", "ZEBRA", "--target", "CARDIGAN"], 64, "may be any of Cardigan (264), cardigan (474)"),
      (["--input", "ZEBRA", "--checkpoint", "README.md"], 65, "README.md"),
      (["--input", "ZEBRA", "--checkpoint", "missing.pth"], 66, "missing.pth"),
      (["--input", "ZEBRA", "--checkpoint", "TRUNCATED"], 65, "truncated.pth"),
      (["--input", "ZEBRA", "--checkpoint", "OTHER", "--model", "efficientnet-lite0"], 65, "tensors are missing"),
      (["--input", "ZEBRA", "--checkpoint", "OTHER"], 65, "other.safetensors"),
      (["--input", "ZEBRA", "--model", "resnet51"], 64, "resnet51"),
      (["--input", "ZEBRA", "--temperature", "relu6=0"], 64, "relu6=0"),
      (["--input", "ZEBRA", "--temperature", "nowhere=1"], 64, "nowhere"),
      (["--input", "NAN"], 65, "nan.npy"),
      (["--input", "SMALL"], 65, "small.npy"),
      (["--input", "ZEBRA", "--output", "/nonexistent/x.npy"], 73, "/nonexistent"),
      (["--input", "ZEBRA", "--target", "340,nowhere:3"], 64, "nowhere"),
      (["--input", "ZEBRA", "--target", "_conv_head:1280"], 64, "_conv_head:1280"),
      (["--input", "ZEBRA", "--target", "_conv_head:3,340"], 64, "several nodes"),
      (["--input", "ZEBRA", "--target", "top-1001"], 64, "top-1001"),
      (["--input", "ZEBRA", "--method", "soft-pullback,gradent"], 64, "gradent"),
      (["--input", "ZEBRA", "--method", "attention-rollout"], 64, "attention"),
      (["--input", "ZEBRA", "--method", "grad-cam", "--set", "layer=nowhere"], 64, "nowhere"),
      (["--input", "ZEBRA", "--set", "smooth.draws=0"], 64, "smooth.draws"),
      (["--input", "ZEBRA", "--set", "smooth.drawings=9"], 64, "smooth.drawings"),
      (["--input", "ZEBRA", "--set", "rise.cells=1000000"], 64, "rise.cells"),
      (["--input", "ZEBRA", "--method", "pullback-ascent", "--alpha", "1e38"], 65, "not finite"),
      (["--input", "ZEBRA", "--baseline", "missing.png"], 66, "missing.png"),
      (["--input", "ZEBRA", "--counterfactual", "3"], 64, "folder"),
      (["--input", "EMPTY"], 66, "no PNG, JPEG or WebP"),
    ])
  func failsClearly(arguments: [String], status: Int, mentions: String) throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Data(contentsOf: URL(fileURLWithPath: ImageNetTier.checkpointPath))
    try checkpoint.prefix(1_000_000).write(to: folder.url.appendingPathComponent("truncated.pth"))
    try SafeTensors.write([("a", Tensor(shape: [1]))], to: folder.path("other.safetensors"))
    try NPY.write(Tensor(shape: [1, 3, 224, 224], repeating: .nan), to: folder.path("nan.npy"))
    try NPY.write(Tensor(shape: [1, 3, 8, 8]), to: folder.path("small.npy"))
    let names = [
      "ZEBRA": Self.zebra, "TRUNCATED": folder.path("truncated.pth"), "OTHER": folder.path("other.safetensors"),
      "NAN": folder.path("nan.npy"), "SMALL": folder.path("small.npy"), "EMPTY": folder.path("empty"),
    ]
    try FileManager.default.createDirectory(atPath: folder.path("empty"), withIntermediateDirectories: true)
    var all = ["attribute"] + arguments.map { names[$0] ?? $0 }
    if !arguments.contains("--output") { all += ["--output", folder.path("out.npy")] }
    let outcome = try Self.pullbacks.run(all)
    #expect(outcome.status == Int32(status), "\(outcome.errors)")
    #expect(outcome.errors.contains(mentions))
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("out.npy")))
    #expect(!FileManager.default.fileExists(atPath: folder.path("out.json")))
  }
}
