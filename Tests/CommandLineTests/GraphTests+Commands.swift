import ExperimentKit
import Foundation
import TestKit
import Testing

/// Commands beside `attribute` and `predict`.
extension GraphTests {
  /// Which rule each layer has, and what became of each node of the file.
  @Test func rulesAndWhy() throws {
    let outcome = try succeed("rules", "--model", graph("encoder-open-torchscript-11"))
    let lines = outcome.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    #expect(lines.contains { $0[0] == "attention" && $0[1] == "1" } && lines.contains { $0[0] == "gelu_tanh" })
    #expect(lines.contains { $0[0] == "operator of the file" })
    #expect(lines.contains { $0.count == 3 && $0[0] == "Softmax" && $0[2] == "part of Attention" }, "\(outcome.output)")
    let nodes = try succeed("rules", "--model", graph("plain-torchscript-17"), "--nodes").output.split(separator: "\n")
    #expect(nodes.contains("/conv1/Conv\tConv\t/conv1/Conv\timported as this layer"), "\(nodes)")
    #expect(nodes.contains("/Sigmoid\tSigmoid\t/Mul\tpart of Swish /Mul"), "\(nodes)")
    try refused(["rules", "--model", graph("tokens-dynamo-20")], 64, "say it with --shape")
    #expect(try succeed("rules", "--model", graph("tokens-dynamo-20"), "--shape", "ids=1x7").status == 0)
    try write(number("pair/table"), "table.npy")
    _ = try succeed("rules", "--model", graph("pair"), "--explain", "image", "--input", "table=table.npy")
  }

  @Test func inspectionListsAll() throws {
    try write(number("pair/table"), "table.npy")
    let outcome = try succeed("inspect", graph("pair"), "--explain", "image", "--input", "table=table.npy")
    for text in [
      "operator set 17", "written by pytorch 2.13", "input image\tfloat (2, 3, 8, 8)", "input table\tfloat (2, 5)",
      "output features\tfloat (2, 6)", "  conv.weight\tfloat\t[4, 3, 3, 3]", "operators: 2 Gemm", "layers: 2 linear",
      "explained: input [3, 8, 8], output [3]",
    ] { #expect(outcome.output.contains(text), "\(text) in \(outcome.output)") }
    let open = try run("inspect", graph("tokens-dynamo-20"))
    #expect(open.status == 0 && open.output.contains("input ids\tint64 (n, t)"), "\(open)")
    #expect(open.errors.contains("note: the layers are not listed: "), "\(open)")
  }

  /// Pictures in labelled folders are scored, and spreads are measured of them.
  @Test func evaluationAndCalibration() throws {
    for name in ["0/a", "0/b", "2/c"] {
      try FileManager.default.createDirectory(
        atPath: folder.path("photos/\(name.prefix(1))"), withIntermediateDirectories: true)
      try writePicture("photos/\(name).png", side: 30 + Int(name.utf8.last!) % 7)
    }
    let model = graph("plain-dynamo-18")
    let outcome = try succeed(
      "evaluate", "--model", model, "--images", "photos", "--methods", "gradient,soft-pullback,guided-grad-cam",
      "--metrics", "sparseness,faithfulness-estimate", "--output", "out")
    let rows = try String(contentsOfFile: folder.path("out/scores.csv"), encoding: .utf8).split(separator: "\n")
    #expect(rows.count == 1 + 3 * 3 * 2 && rows[1].hasPrefix("plain-dynamo-18.onnx,"), "\(rows)")
    #expect(outcome.errors.contains("note: pictures of photos: the middle 7/8"), "\(outcome.errors)")
    try FileManager.default.createDirectory(atPath: folder.path("flat"), withIntermediateDirectories: true)
    for (index, name) in ["0/a", "0/b", "2/c"].enumerated() {
      try FileManager.default.copyItem(
        atPath: folder.path("photos/\(name).png"), toPath: folder.path("flat/\(index).png"))
    }
    _ = try succeed("calibrate", "--model", model, "--images", "flat", "--output", "spreads.json")
    let relative = [
      "attribute", "--model", model, "--input", "flat/0.png", "--target", "1", "--temperature", "relative=1.5",
      "--calibration", "spreads.json", "--output", "map.npy",
    ]
    let explained = try CommandLineTests.pullbacks.run(relative, in: folder.url.path)
    #expect(explained.status == 0, "\(explained.errors)")
    #expect(try String(contentsOfFile: folder.path("map.json"), encoding: .utf8).contains("calibration"))
    try refused(relative.map { $0 == model ? graph("plain-torchscript-17") : $0 }, 65, "is a calibration of")
    try refused(["evaluate", "--model", model, "--output", "none"], 64, "name a folder of labelled images")

    try write(number("plain/x"), "x.npy")
    try write(number("plain/gradient"), "given.npy")
    _ = try succeed(
      "evaluate", "--model", model, "--attributions", "given.npy", "--input", "x.npy", "--target", "1", "--metrics",
      "sparseness", "--output", "given")
  }

  /// Class activation maps at the last maps, or at the layer that the exporter named; constants as the file has them.
  @Test func layersByTheNamesOfTheFile() throws {
    try write(number("plain/x"), "x.npy")
    func map(_ graph: String, _ settings: String...) throws -> Data {
      let arguments = [
        "attribute", "--model", self.graph(graph), "--input", "x.npy", "--target", "1", "--method", "grad-cam",
      ]
      let outcome = try CommandLineTests.pullbacks.run(
        arguments + settings + ["--output", "cam.npy"], in: folder.url.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try Data(contentsOf: folder.url.appendingPathComponent("cam.npy"))
    }
    let last = try map("plain-torchscript-17")
    #expect(try map("plain-torchscript-17", "--set", "layer=/conv2/Conv") != last)
    #expect(try map("plain-dynamo-18", "--set", "layer=node_conv2d_1") != last)
    try refused(
      [
        "attribute", "--model", graph("plain-torchscript-17"), "--input", "x.npy", "--method", "grad-cam", "--set",
        "layer=nowhere", "--output", "none.npy",
      ], 64, "no node of this name")
    let rules = try succeed("rules", "--model", graph("plain-torchscript-17"))
    #expect(rules.output.contains("(0.1 + 0.9 Phi(z / s))"), "\(rules.output)")
  }

  /// Steps towards another class; of arrays, which have no range, none is clipped, and of shapes that are no pictures
  /// none is drawn.
  @Test func counterfactuals() throws {
    try writePicture("cat.png")
    _ = try succeed(
      "attribute", "--model", graph("plain-torchscript-17"), "--input", "cat.png", "--target", "4", "--counterfactual",
      "2",
      "--alpha", "1", "--output", "pictures")
    #expect(try result("pictures/counterfactual.npy").shape == [1, 3, 3, 24, 24])
    #expect(FileManager.default.fileExists(atPath: folder.path("pictures/counterfactual.png")))
    try write(number("segmenter/x").image(0), "x.npy")
    _ = try succeed(
      "attribute", "--model", graph("segmenter-dynamo-18"), "--input", "x.npy", "--target", "1,3:5", "--counterfactual",
      "2", "--alpha", "9", "--output", "arrays")
    let steps = try result("arrays/counterfactual.npy")
    #expect(steps.shape == [1, 3, 2, 12, 12] && steps.scalars.contains { abs($0) > 1 })
    let record = try String(contentsOfFile: folder.path("arrays/counterfactual.json"), encoding: .utf8)
    #expect(
      !record.contains("top1") && !FileManager.default.fileExists(atPath: folder.path("arrays/counterfactual.png")))
  }

  /// What is exported here and read again gives the same bytes as the network itself, for arrays and for pictures, at
  /// the same temperatures: none were published for a graph.
  @Test(arguments: ["vgg-scenes", "resnet-scenes", "pvt-scenes"]) func exportsGiveTheSameBytes(_ name: String) throws {
    let told = try succeed("export", "--model", name, "--output", "network.onnx", "--labels-output", "classes.txt")
    #expect(told.output == "network.onnx: \(name), inputs [3, 96, 96] in [-1, 1], outputs [10]\n")
    #expect(told.errors.contains("--temperature released"))
    _ = try succeed("export", "--model", name, "--output", "network.onnx")
    let again = try succeed("export", "--model", "network.onnx", "--output", "again.onnx")
    #expect(again.output.hasSuffix("inputs [3, 96, 96], outputs [10]\n"), "\(again.output)")
    try writePicture("scene.png", side: 96)
    try write(Formula.image("image", [2, 3, 96, 96]), "x.npy")
    for input in ["scene.png", "x.npy"] {
      let rest = [
        "--input", input, "--target", "church", "--method", "soft-pullback,gradient,pullback-ascent",
        "--temperature", "released", "--output",
      ]
      let own = ["attribute", "--model", name] + rest + ["own"]
      let read =
        ["attribute", "--model", "network.onnx", "--preprocess", "release", "--labels", "classes.txt"] + rest + ["read"]
      for command in [own, read] {
        let outcome = try CommandLineTests.pullbacks.run(command, in: folder.url.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      for method in ["soft-pullback", "gradient", "pullback-ascent"] {
        let maps = try ["own", "read"].map {
          try Data(contentsOf: folder.url.appendingPathComponent("\($0)/\(method).npy"))
        }
        #expect(maps[0] == maps[1], "\(name) \(method) of \(input)")
      }
    }
    try write("mine", "theirs.onnx")
    try refused(["export", "--model", name, "--output", "theirs.onnx"], 73, "not made by this tool")
    try refused(["export", "--model", "network.onnx", "--output", "network.onnx"], 73, "would be replaced")
  }

  /// A graph has its own weights, and nothing of it is about architectures.
  @Test func whatDoesNotFit() throws {
    try write(number("plain/x"), "x.npy")
    let predict = ["predict", "--model", graph("plain-torchscript-17"), "--input", "x.npy"]
    try refused(predict + ["--checkpoint", "x.npy"], 64, "has its own weights")
    try refused(predict + ["--key", "model"], 64, "--key")
    try refused(["predict", "--model", "none.onnx", "--input", "x.npy"], 66, "none.onnx")
    try write("no graph", "text.onnx")
    try refused(["predict", "--model", "text.onnx", "--input", "x.npy"], 65, "text.onnx")
    try refused(["inspect", "text.onnx"], 65, "text.onnx")
    try refused(["predict", "--model", "vgg-scenes", "--input", "x.npy", "--explain", "x"], 64, "--explain")
    try write(Tensor(shape: [1, 3, 25, 24], repeating: 0), "wide.npy")
    try refused(predict.map { $0 == "x.npy" ? "wide.npy" : $0 }, 65, "expected float (n, 3, 24, 24)")
    try write(Tensor(shape: [5], repeating: 0), "flat.npy")
    try refused(predict.map { $0 == "x.npy" ? "flat.npy" : $0 }, 65, "flat.npy")
    try refused(predict + ["--shape", "x=3"], 64, "--input x")
    try refused(predict + ["--shape", "x=axb"], 64, "--shape x=axb")
  }
}
