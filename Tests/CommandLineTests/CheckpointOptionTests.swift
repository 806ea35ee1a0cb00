import ExperimentKit
import Foundation
import TestKit
import Testing

/// Checkpoints as people have them, at the command line: what is found, what is said, and what is refused.
@Suite(.serialized) struct CheckpointOptionTests {
  static let pullbacks = Program("pullbacks")

  /// The parameters of the small VGG under these prefixes, and further tensors.
  static func write(
    _ name: String, under prefixes: [String] = [""], with extra: [String] = [], in folder: TemporaryFolder
  ) throws -> String {
    let checkpoint = try SceneNetwork.vgg.checkpoint()
    var tensors: [(String, Tensor)] = []
    for prefix in prefixes {
      for name in checkpoint.names { tensors.append((prefix + name, try checkpoint.tensor(name))) }
    }
    let path = folder.path(name)
    try SafeTensors.write(tensors + extra.map { ($0, Tensor(shape: [2])) }, to: path)
    return path
  }

  static func picture(in folder: TemporaryFolder) throws -> String {
    let path = folder.path("scene.npy")
    try NPY.write(Tier.scenes.subject("vgg-scenes", showing: .spread(1)).images[0].image, to: path)
    return path
  }

  @Test(arguments: [["_orig_mod."], ["module._orig_mod."], ["model."], ["backbone."], ["net.encoder."]])
  func aPrefixDoesNotMatter(prefixes: [String]) throws {
    let folder = try TemporaryFolder()
    let input = try Self.picture(in: folder)
    let expected = try Self.pullbacks.run(["predict", "--model", "vgg-scenes", "--input", input])
    let path = try Self.write("a.safetensors", under: prefixes, in: folder)
    let outcome = try Self.pullbacks.run(["predict", "--checkpoint", path, "--input", input])
    #expect(outcome.status == 0 && outcome.output == expected.output, "\(outcome.errors)")
    // What was assumed is said, and nothing else.
    #expect(outcome.errors.hasPrefix("note: \(path): taken for vgg-scenes by its tensors"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  @Test func anAverageBesideTheWeightsIsSaid() throws {
    let folder = try TemporaryFolder()
    let input = try Self.picture(in: folder)
    let path = try Self.write("a.safetensors", under: ["model.", "model_ema."], in: folder)
    let outcome = try Self.pullbacks.run(["predict", "--model", "vgg-scenes", "--checkpoint", path, "--input", input])
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("another network lies under \"model_ema\" (--key model_ema takes it)"))
    let chosen = try Self.pullbacks.run([
      "predict", "--model", "vgg-scenes", "--checkpoint", path, "--key", "model_ema", "--input", input,
    ])
    #expect(chosen.status == 0 && chosen.errors.isEmpty && chosen.output == outcome.output)
    let unknown = try Self.pullbacks.run(["predict", "--checkpoint", path, "--key", "ema", "--input", input])
    #expect(unknown.status == 64 && unknown.errors.contains("has no tensors under \"ema\""))
    let needless = try Self.pullbacks.run(["predict", "--key", "ema", "--input", input])
    #expect(needless.status == 64 && needless.errors.contains("name the file with --checkpoint"))
  }

  @Test func whatIsLeftOverIsRefusedUnlessAllowed() throws {
    let folder = try TemporaryFolder()
    let input = try Self.picture(in: folder)
    let path = try Self.write("a.safetensors", with: ["criterion.weight", "criterion.margin"], in: folder)
    let arguments = ["predict", "--model", "vgg-scenes", "--checkpoint", path, "--input", input]
    let refused = try Self.pullbacks.run(arguments)
    #expect(refused.status == 65 && refused.output.isEmpty)
    #expect(refused.errors.contains("2 tensors of the file are left over"))
    #expect(refused.errors.contains("--allow-leftover 'criterion.*'"))
    let allowed = try Self.pullbacks.run(arguments + ["--allow-leftover", "criterion.*"])
    #expect(allowed.status == 0 && allowed.errors.contains("2 tensors are left over, as allowed"))
    let twice = try Self.pullbacks.run(
      arguments + ["--allow-leftover", "criterion.weight", "--allow-leftover", "criterion.margin"])
    #expect(twice.output == allowed.output)
  }

  @Test func inspectSaysWhatItDoesNotRecognise() throws {
    let folder = try TemporaryFolder()
    let path = try Self.write("a.safetensors", with: ["extra.weight"], in: folder)
    let outcome = try Self.pullbacks.run(["inspect", path])
    #expect(outcome.status == 65)
    #expect(outcome.output.contains("  extra.weight\tfloat32\t[2]\n"))
    #expect(outcome.errors.contains("closest is vgg-scenes") && outcome.errors.split(separator: "\n").count == 1)
    let allowed = try Self.pullbacks.run(["inspect", path, "--allow-leftover", "extra.*"])
    #expect(allowed.status == 0 && allowed.output.contains("recognised as vgg-scenes\n"))
    let prefixed = try Self.pullbacks.run(
      ["inspect", try Self.write("b.safetensors", under: ["module._orig_mod.model."], in: folder)])
    #expect(prefixed.status == 0)
    #expect(prefixed.output.contains("names without _orig_mod, module\n"))
    #expect(prefixed.output.contains("every name begins with model.\n"))
  }

  /// Where no temperature was published for a network, attributions have a relative one, unless another is asked for.
  @Test func temperaturesWhereNoneWerePublished() throws {
    let folder = try TemporaryFolder()
    let graph = try Architecture.named("mobilenet_v2").graph(classes: 3)
    let path = folder.path("a.safetensors")
    try SafeTensors.write(Formula.parameters(graph).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, to: path)
    try NPY.write(Formula.image("image", [1, 3, 224, 224]), to: folder.path("image.npy"))
    let picture = try Self.picture(in: folder)
    func settings(_ model: [String], _ input: String, _ options: [String] = []) throws -> [String: String] {
      let outcome = try Self.pullbacks.run(
        ["attribute"] + model + ["--input", input, "--target", "1", "--output", folder.path("map.npy")] + options)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let record = try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.url.appendingPathComponent("map.json")))
      return try #require((record as? [String: Any])?["settings"] as? [String: String])
    }
    let own = ["--model", "mobilenet_v2", "--checkpoint", path]
    let image = folder.path("image.npy")
    let recommended = try settings(own, image)
    #expect(recommended["temperature.relative"] == "1.5" && recommended["temperature.relu6"] == nil)
    for (options, temperature) in [
      (["--temperature", "released"], "0.6"), (["--preset", "paper-v6"], "0.6"),
      (["--set", "temperature.relu6=0.5"], "0.5"),
    ] {
      let fixed = try settings(own, image, options)
      #expect(fixed["temperature.relative"] == nil && fixed["temperature.relu6"] == temperature, "\(options)")
    }
    #expect(try settings(own, image, ["--spreads", "image"])["temperature.spreads"] == "image")
    #expect(try settings(["--model", "vgg-scenes"], picture)["temperature.relu"] == "0.6")

    // The rules say the same, without parameters too.
    func relu6(_ options: [String]) throws -> [Substring] {
      let lines = try Self.pullbacks.run(["rules", "--model", "mobilenet_v2"] + options).output.split(separator: "\n")
      return try #require(lines.first { $0.hasPrefix("relu6") }).split(separator: "\t")
    }
    #expect(try relu6([])[2].hasSuffix("s = 1.5 sigma, sigma of batch norm") && relu6([]).count == 4)
    #expect(try relu6(["--checkpoint", path])[2].hasSuffix("s = 1.5 sigma, sigma of batch norm"))
    #expect(try relu6(["--temperature", "released"])[2].hasSuffix("tau = 0.6"))
  }

  /// A layer by the name of its module, as people know it from PyTorch; and Grad-CAM behind the last activation.
  @Test func layersByTheNamesOfTheirModules() throws {
    let folder = try TemporaryFolder()
    let input = try Self.picture(in: folder)
    func attribute(_ arguments: [String]) throws -> String {
      let path = folder.path("\(UUID().uuidString).npy")
      let outcome = try Self.pullbacks.run(
        ["attribute", "--model", "resnet-scenes", "--input", input, "--output", path] + arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return path
    }
    _ = try attribute(["--target", "layer3:12"])
    let cam = ["--method", "grad-cam"]
    let layer = try Data(contentsOf: URL(fileURLWithPath: attribute(cam + ["--set", "layer=layer4"])))
    let plain = try Data(contentsOf: URL(fileURLWithPath: attribute(cam)))
    let released = try Data(contentsOf: URL(fileURLWithPath: attribute(cam + ["--preset", "paper-v6"])))
    #expect(plain == layer && plain != released)
    _ = try attribute(cam + ["--set", "layer=layer3"])
  }
}
