import ExperimentKit
import Foundation
import TestKit
import Testing

/// Exported graphs in the place of architectures: small ones of torch's exporters, against PyTorch in float64
/// (Tests/Oracles/onnx_fixtures.py).
@Suite(.serialized) struct GraphTests {
  static let numbers = try! Fixture.tensors("onnx")
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func graph(_ name: String) -> String { Fixture.path("onnx/\(name).onnx") }

  func number(_ name: String) throws -> Tensor { try Self.numbers.tensor(name) }

  func write(_ tensor: Tensor, _ name: String) throws { try NPY.write(tensor, to: folder.path(name)) }

  func result(_ name: String) throws -> Tensor { try NPY.read(folder.path(name)) }

  func run(_ arguments: String...) throws -> Program.Outcome {
    try CommandLineTests.pullbacks.run(arguments, in: folder.url.path)
  }

  func succeed(_ arguments: String...) throws -> Program.Outcome {
    let outcome = try CommandLineTests.pullbacks.run(arguments, in: folder.url.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  func refused(_ arguments: [String], _ status: Int32, _ mention: String) throws {
    let outcome = try CommandLineTests.pullbacks.run(arguments, in: folder.url.path)
    let errors = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("note: ") }
    #expect(outcome.status == status && errors.count == 1 && outcome.output.isEmpty, "\(outcome)")
    #expect(errors.first?.contains(mention) == true, "\(outcome.errors)")
  }

  /// Integers as numpy saves them.
  func write(integers tensor: Tensor, _ name: String) throws {
    let shape = tensor.shape.map(String.init).joined(separator: ", ") + (tensor.rank == 1 ? "," : "")
    let header = "{'descr': '<i8', 'fortran_order': False, 'shape': (\(shape)), }\n"
    var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8))
    for value in tensor.scalars { withUnsafeBytes(of: Int64(value).littleEndian) { data.append(contentsOf: $0) } }
    try data.write(to: folder.url.appendingPathComponent(name))
  }

  func writePicture(_ name: String, side: Int = 40) throws {
    let pixels = (0..<3 * side * side).map { UInt8(truncatingIfNeeded: $0 / 3 + ($0 * $0) / 1000) }
    try Picture(width: side, height: side, pixels: pixels).writePNG(to: folder.path(name))
  }

  func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
  }

  // MARK: Inputs

  /// An array goes in as it is, and the values and gradients are PyTorch's.
  @Test(arguments: [
    ("plain-torchscript-17", "plain"), ("encoder-dynamo-18", "encoder"), ("segmenter-dynamo-18", "segmenter"),
  ])
  func arraysGoInAsTheyAre(_ file: String, _ name: String) throws {
    try write(number("\(name)/x").image(0), "x.npy")
    let selector = try number("\(name)/selector").image(0)
    try write(selector.reshaped(Array(selector.shape.dropFirst())), "u.npy")
    let outcome = try succeed(
      "attribute", "--model", graph(file), "--input", "x.npy", "--selector", "u.npy", "--method", "gradient",
      "--output",
      "map.npy")
    expectClose(try result("map.npy"), try number("\(name)/gradient").image(0), within: 1e-5)
    let value = zip(try number("\(name)/value").image(0).scalars, selector.scalars)
      .reduce(0) { $0 + Double($1.0) * Double($1.1) }
    let told = try #require(outcome.output.firstMatch(of: /value (−?[0-9.]+)/)?.1.replacing("−", with: "-"))
    #expect(abs(try #require(Double(told)) - value) < 1e-4 * max(1, abs(value)), "\(outcome.output)")
    let record = try String(contentsOfFile: folder.path("map.json"), encoding: .utf8)
    #expect(record.contains("arrays, range any") && record.contains("\"model\" : \"\(file).onnx\""), "\(record)")
  }

  @Test func predictionsAreTheValues() throws {
    try write(number("plain/x"), "x.npy")
    let outcome = try succeed(
      "predict", "--model", graph("plain-dynamo-18"), "--input", "x.npy", "--top", "1", "--output", "y.npy")
    expectClose(try result("y.npy"), try number("plain/value"), within: 3e-6)
    let best = Prediction.ranking(try number("plain/value").image(0).scalars)[0].target
    #expect(outcome.output.contains("%\t\(best)\tclass \(best)\n"), "\(outcome.output)")
  }

  /// A file without a batch axis is read whole, and given one input or several; a name may hold the signs of options
  /// (Tests/Oracles/onnx_unbatched.py).
  @Test(arguments: [
    "image", "vector", "signs", "tokens", "mean", "sequence", "positions", "clipped", "turned", "rolled",
  ])
  func filesWithoutABatchAxis(_ name: String) throws {
    let numbers = try Fixture.tensors("onnx-unbatched")
    func number(_ part: String) throws -> Tensor { try numbers.tensor("\(name)/\(part)") }
    let x = try number("x")
    try write(x, "x.npy")
    let selector = try number("selector")
    try write(name == "signs" ? selector.reshaped([3]) : selector, "u.npy")
    let attribute = ["attribute", "--model", Fixture.path("onnx-unbatched/\(name).onnx"), "--selector", "u.npy"]
    func explain(_ arguments: [String]) throws -> Tensor {
      let outcome = try CommandLineTests.pullbacks.run(
        attribute + arguments + ["--output", "map.npy", "--force"], in: folder.url.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("read without a batch axis") == (name != "signs"), "\(outcome.errors)")
      return try result("map.npy")
    }
    let gradient = try number("gradient")
    let whole = name == "signs" ? x.shape : [1] + x.shape
    expectClose(
      try explain(["--input", "x.npy", "--method", "gradient"]), gradient.reshaped(whole), within: 1e-5)
    let predict = ["predict", "--model", attribute[2], "--input", "x.npy", "--output", "y.npy"]
    #expect(try CommandLineTests.pullbacks.run(predict, in: folder.url.path).status == 0)
    let value = try number("value")
    expectClose(try result("y.npy"), name == "signs" ? value : value.reshaped([1] + value.shape), within: 3e-6)
    if name == "signs" {
      expectClose(try explain(["--input", "a=b,c=x.npy", "--method", "gradient"]), gradient, within: 1e-5)
      _ = try explain(["--input", "x.npy", "--method", "soft-pullback", "--temperature", "/Relu=0.5"])
    } else if name == "sequence" {
      try refused(
        ["rules", "--model", Fixture.path("onnx-unbatched/\(name).onnx")], 65, "its first axis is no batch")
      let rules = ["rules", "--model", Fixture.path("onnx-unbatched/\(name).onnx"), "--shape", "x=6x8"]
      #expect(try CommandLineTests.pullbacks.run(rules, in: folder.url.path).status == 0)
    } else if !["positions", "clipped", "turned", "rolled"].contains(name) {
      try write(Tensor(batching: [x.reshaped(whole), x.reshaped(whole)]), "two.npy")
      let both = try explain(["--input", "two.npy", "--method", "gradient"])
      #expect(both.image(1) == both.image(0) && both.shape == [2] + x.shape)
    }
  }

  /// Beside a whole input, another is held whole; beside a batch, it is one value for all.
  @Test func heldValuesWithoutABatchAxis() throws {
    let numbers = try Fixture.tensors("onnx-unbatched")
    try write(numbers.tensor("masked/x"), "x.npy")
    try write(numbers.tensor("masked/mask"), "mask.npy")
    try write(numbers.tensor("masked/mask").images(0..<1), "row.npy")
    try write(numbers.tensor("masked/selector"), "u.npy")
    let attribute = [
      "attribute", "--model", Fixture.path("onnx-unbatched/masked.onnx"), "--explain", "x", "--input", "x=x.npy",
      "--method", "gradient", "--selector", "u.npy", "--output", "map.npy", "--input",
    ]
    let outcome = try CommandLineTests.pullbacks.run(attribute + ["mask=mask.npy"], in: folder.url.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let gradient = try numbers.tensor("masked/gradient")
    expectClose(try result("map.npy"), gradient.reshaped([1] + gradient.shape), within: 1e-5)
    try refused(attribute + ["mask=row.npy", "--force"], 65, "give mask whole: float (6, 6)")
    // An operator's own advice stays.
    var bytes = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("onnx-unbatched/masked.onnx")))
    while let next = bytes.range(of: Data("Softmax".utf8)) { bytes.replaceSubrange(next, with: Data("Softmix".utf8)) }
    try bytes.write(to: folder.url.appendingPathComponent("unknown.onnx"))
    let unknown = attribute.map { $0.hasSuffix("masked.onnx") ? "unknown.onnx" : $0 } + ["mask=row.npy", "--force"]
    try refused(unknown, 65, "the operator is not read; export the model with another operator set")
    try refused(unknown, 65, "give mask whole: float (6, 6)")

    // Texts are a batch of their own, of which all are held.
    for part in ["x", "texts"] { try write(numbers.tensor("encoders/\(part)"), "\(part).npy") }
    try write(numbers.tensor("encoders/texts").images(0..<1), "text.npy")
    let predict = [
      "predict", "--model", Fixture.path("onnx-unbatched/encoders.onnx"), "--explain", "x", "--input", "x=x.npy",
      "--output", "y.npy", "--force", "--input",
    ]
    let value = try numbers.tensor("encoders/value")
    for (file, expected) in [
      ("texts.npy", value), ("text.npy", Tensor(shape: [2, 1], [value.scalars[0], value.scalars[3]])),
    ] {
      let outcome = try CommandLineTests.pullbacks.run(predict + ["texts=\(file)"], in: folder.url.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      expectClose(try result("y.npy"), expected, within: 3e-6)
    }

    try write(number("pair/image"), "image.npy")
    try write(Tensor(shape: [2, 5]), "table.npy")
    try refused(
      ["predict", "--model", graph("pair"), "--input", "image.npy", "--input", "table=table.npy"], 65,
      "the input table is held at one value for all")
  }

  /// One of several inputs is explained, the others are held; a batch that the file fixes is run image by image; any
  /// value of the graph may be the output.
  @Test func severalInputsAndOutputs() throws {
    try write(number("pair/image"), "image.npy")
    try write(number("pair/table"), "table.npy")
    let model = [
      "--model", graph("pair"), "--input", "image=image.npy", "--input", "table=table.npy", "--explain", "image",
    ]
    let command = ["--method", "gradient", "--output", "map.npy"]
    for (output, target, expected) in [(nil, "2", "gradient"), ("logits", "2", "gradient"), ("features", "4", "inner")]
    {
      let outcome = try CommandLineTests.pullbacks.run(
        ["attribute"] + model + (output.map { ["--output-name", $0] } ?? []) + ["--target", target] + command,
        in: folder.url.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      expectClose(try result("map.npy"), try number("pair/\(expected)"), within: 1e-5)
      #expect(outcome.errors.contains("exported with batch size 2, so images run one by one"), "\(outcome.errors)")
      #expect(
        outcome.errors.contains("of the outputs logits, features, logits is explained") == (output == nil),
        "\(outcome.errors)")
    }
    let one = try succeed(
      "predict", "--model", graph("pair"), "--input", "image.npy", "--input", "table=table.npy", "--explain", "image",
      "--output", "y.npy")
    expectClose(try result("y.npy"), try number("pair/logits"), within: 3e-6)
    #expect(one.output.hasPrefix("image 0\n"))
    // Labels have no derivative.
    let unbatched = try Fixture.tensors("onnx-unbatched")
    try write(unbatched.tensor("labels/x"), "x.npy")
    let labels = try succeed(
      "predict", "--model", Fixture.path("onnx-unbatched/labels.onnx"), "--input", "x.npy", "--output", "y.npy",
      "--force")
    #expect(labels.errors.contains("of the outputs label, probabilities, probabilities is explained"))
    expectClose(try result("y.npy"), try unbatched.tensor("labels/logits"), within: 3e-6)
    for (arguments, mention) in [
      (["--input", "image.npy"], "--explain: "),
      (["--input", "table=table.npy"], "and image, which is explained, is given nothing"),
      (
        ["--input", "image=image.npy", "--input", "table=table.npy"], "each is given a value, and any may be explained"
      ),
      (["--input", "image.npy", "--input", "tabel=table.npy"], "no input of this name"),
      (["--input", "image=image.npy", "--explain", "image"], "needs it, and it is given nothing"),
      (["--input", "image.npy", "--input", "table.npy"], "say which is meant"),
      (["--input", "image=image.npy", "--input", "image=image.npy"], "given twice"),
      (["--input", "image.npy", "--input", "table=table.npy", "--explain", "row"], "--explain row: "),
      (["--input", "image.npy", "--input", "table=table.npy", "--output-name", "nothing"], "no value of this name"),
    ] {
      try refused(["predict", "--model", graph("pair")] + arguments, 64, mention)
    }
    try refused(
      ["predict", "--model", graph("pair"), "--input", "image.npy", "--input", "table=image.npy"], 65, "image.npy")
  }

  /// Of token ids the attribution is at their vectors; a mask made of them is held with them.
  @Test(arguments: ["torchscript-14", "dynamo-20"]) func integersAreExplainedAtTheirEmbedding(_ exporter: String) throws
  {
    let ids = try number("tokens/ids")
    try write(integers: ids, "ids.npy")
    try write(integers: ids.image(1), "one.npy")
    try write(ids, "floats.npy")
    for input in ["ids.npy", "floats.npy"] {
      let outcome = try succeed(
        "attribute", "--model", graph("tokens-\(exporter)"), "--input", input, "--target", "1", "--method", "gradient",
        "--output", "map.npy")
      expectClose(try result("map.npy"), try number("tokens/gradient"), within: 1e-5)
      #expect(outcome.errors.contains("holds integers, so attributions are at"), "\(outcome.errors)")
    }
    let padded = ["attribute", "--model", graph("tokens-padded-\(exporter)"), "--target", "1", "--method", "gradient"]
    let outcome = try CommandLineTests.pullbacks.run(
      padded + ["--input", "one.npy", "--output", "one-map.npy"], in: folder.url.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    expectClose(try result("one-map.npy"), try number("tokens-padded/gradient").image(1), within: 1e-5)
    try refused(padded + ["--input", "ids.npy", "--output", "two.npy"], 64, "explain them one at a time")
    try write(Tensor(shape: [1, 2], [0.5, 1]), "halves.npy")
    try refused(padded + ["--input", "halves.npy", "--output", "two.npy"], 65, "expected whole numbers")
    let plain = ["attribute", "--model", graph("tokens-\(exporter)"), "--target", "1", "--method", "gradient"]
    try write(Tensor(shape: ids.shape, repeating: 1000), "far.npy")
    try refused(plain + ["--input", "far.npy", "--output", "two.npy"], 65, "holds 1000 at index 0, expected 0 to")
  }

  /// A picture is preprocessed within the network: the values are those of the normalised array, and the map is at the
  /// picture.
  @Test func picturesArePreprocessed() throws {
    try writePicture("cat.png")
    let picture = try ImageLoader(size: 24, framing: .covering).image(at: folder.path("cat.png"))
    let (mean, std): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    let places = 24 * 24
    func each(_ order: [Int], _ make: (Int, Float) -> Float) -> Tensor {
      Tensor(
        shape: picture.shape,
        (0..<3 * places).map { make($0 / places, picture.scalars[order[$0 / places] * places + $0 % places]) })
    }
    try write(each([0, 1, 2]) { ($1 / 2 + 0.5 - mean[$0]) / std[$0] }, "imagenet.npy")
    try write(each([0, 1, 2]) { $1 }, "signed.npy")
    try write(each([2, 1, 0]) { ($1 / 2 + 0.5) * 255 - [100, 110, 120][$0] }, "caffe.npy")
    try write(
      #"{"mean": [0.39215686, 0.43137255, 0.47058824], "std": 0.00392156863, "channels": "BGR"}"#
        .replacing("0.00392156863", with: "[0.00392156863, 0.00392156863, 0.00392156863]"), "caffe.json")
    let model = graph("plain-torchscript-17")
    for (name, preprocess) in [
      ("imagenet", nil), ("imagenet", "imagenet"), ("signed", "signed"), ("caffe", "caffe.json"),
    ] {
      let option = preprocess.map { ["--preprocess", $0] } ?? []
      let told = try CommandLineTests.pullbacks.run(
        ["predict", "--model", model, "--input", "cat.png", "--output", "a.npy", "--force"] + option,
        in: folder.url.path)
      #expect(told.status == 0 && told.errors.contains("note: pictures: the middle 7/8"), "\(told.errors)")
      #expect(told.errors.contains("--preprocess changes that") == (preprocess == nil), "\(told.errors)")
      _ = try succeed("predict", "--model", model, "--input", "\(name).npy", "--output", "b.npy", "--force")
      expectClose(try result("a.npy"), try result("b.npy"), within: 2e-5, "\(name)")
    }
    let attribute = ["attribute", "--model", model, "--target", "3", "--method", "gradient"]
    for arguments in [
      ["--input", "cat.png", "--preprocess", "signed", "--output", "a.npy"],
      ["--input", "signed.npy", "--output", "b.npy"],
      ["--input", "cat.png", "--output", "c.npy", "--figure", "c.png", "--report", "c.html"],
      ["--input", "imagenet.npy", "--output", "d.npy"],
    ] {
      let outcome = try CommandLineTests.pullbacks.run(attribute + arguments + ["--force"], in: folder.url.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    expectClose(try result("a.npy"), try result("b.npy"), within: 1e-5)
    let inner = try result("d.npy").scalars
    let outer = Tensor(shape: picture.shape, inner.indices.map { inner[$0] / (2 * std[$0 / places]) })
    expectClose(try result("c.npy"), outer, within: 1e-4)
    #expect(try String(contentsOfFile: folder.path("c.html"), encoding: .utf8).contains("plain-torchscript-17.onnx"))
    #expect(try Photograph(contentsOf: folder.path("c.png")).picture.width > 100)
    try refused(["predict", "--model", model, "--input", "cat.png", "--preprocess", "nothing"], 64, "neither a name")
    try refused(["predict", "--model", graph("channels-dynamo-20"), "--input", "cat.png"], 64, "1, 3 or 4 channels")
    try refused(
      attribute + ["--input", "signed.npy", "--baseline", "cat.png", "--output", "e.npy"], 64, "taken as it is")
  }

  /// A graph of rows, columns and channels is given pictures all the same.
  @Test func channelsLast() throws {
    try writePicture("cat.png")
    let picture = try ImageLoader(height: 5, width: 4, framing: .covering).image(at: folder.path("cat.png"))
    let last = Tensor(shape: [1, 5, 4, 3], (0..<60).map { picture.scalars[$0 % 3 * 20 + $0 / 3] })
    try write(last, "last.npy")
    _ = try succeed(
      "predict", "--model", graph("halves"), "--input", "cat.png", "--preprocess", "signed", "--output", "a.npy")
    _ = try succeed("predict", "--model", graph("halves"), "--input", "last.npy", "--output", "b.npy")
    expectClose(try result("a.npy"), try result("b.npy"), within: 2e-6)
    _ = try succeed(
      "attribute", "--model", graph("halves"), "--input", "cat.png", "--preprocess", "signed", "--output", "map.npy")
    #expect(try result("map.npy").shape == [1, 3, 5, 4])
  }

  /// The README's command, on what its lines of Python export.
  @Test func readmesCommand() throws {
    let readme = try String(contentsOf: Fixture.root.appendingPathComponent("README.md"), encoding: .utf8)
    let line = try #require(
      readme.split(separator: "\n").first { $0.hasPrefix("swift run pullbacks attribute --model mine.onnx") })
    try FileManager.default.copyItem(atPath: graph("mine"), toPath: folder.path("mine.onnx"))
    try writePicture("cat.jpg")
    let outcome = try CommandLineTests.pullbacks.shell(
      line.replacingOccurrences(of: "swift run ", with: ""), in: folder.url.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let page = try String(contentsOfFile: folder.path("mine.html"), encoding: .utf8)
    #expect(page.contains("What mine.onnx saw") && page.contains("(p / 255 - (0.485, 0.456, 0.406))"))
  }

  // MARK: Targets

  /// What numpy's indices select, classes by name, inside a mask, and weights for all, are the same sums.
  @Test func targetsOfSeveralAxes() throws {
    try write(number("segmenter/x").image(0), "x.npy")
    try write("ground\ndog\ncat\n", "labels.txt")
    let shape = [3, 12, 12]
    func weights(_ isInside: (_ channel: Int, _ row: Int, _ column: Int) -> Bool) -> Tensor {
      Tensor(shape: shape, (0..<432).map { isInside($0 / 144, $0 / 12 % 12, $0 % 12) ? 1 : 0 })
    }
    // White in the left half; of 24 pixels the middle 7/8 are shown of pictures, and all where arrays go in.
    let white = (0..<24 * 24).flatMap { [UInt8](repeating: $0 % 24 < 12 ? 255 : 0, count: 3) }
    try Picture(width: 24, height: 24, pixels: white).writePNG(to: folder.path("mask.png"))
    try write(weights { _, _, column in column < 6 }.image(0), "unused.npy")
    try write(Tensor(shape: [12, 12], (0..<144).map { $0 % 12 < 6 ? 1 : 0 }), "mask.npy")
    let cases: [([String], Tensor)] = [
      (["--target", "1"], weights { channel, _, _ in channel == 1 }),
      (["--target", "1,:"], weights { channel, _, _ in channel == 1 }),
      (["--target", "dog", "--labels", "labels.txt"], weights { channel, _, _ in channel == 1 }),
      (["--target", "2,8:10,4:"], weights { $0 == 2 && (8..<10).contains($1) && $2 >= 4 }),
      (["--target", "...,-1"], weights { $2 == 11 }),
      (["--target", "dog", "--labels", "labels.txt", "--within", "mask.png"], weights { $0 == 1 && $2 < 6 }),
      (["--target", "2", "--within", "mask.npy"], weights { $0 == 2 && $2 < 6 }),
    ]
    let attribute = [
      "attribute", "--model", graph("segmenter-torchscript-18"), "--input", "x.npy", "--method", "soft-pullback",
    ]
    for (arguments, expected) in cases {
      try write(expected, "u.npy")
      for (option, output) in [(arguments, "a.npy"), (["--selector", "u.npy"], "b.npy")] {
        let outcome = try CommandLineTests.pullbacks.run(
          attribute + option + ["--output", output], in: folder.url.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      #expect(try result("a.npy") == result("b.npy"), "\(arguments)")
    }
    let several = try CommandLineTests.pullbacks.run(
      attribute + ["--target", "2,8:10,4:;0", "--output", "c.npy"], in: folder.url.path)
    #expect(several.status == 0 && several.output.contains("target 2,8:10,4:, value"), "\(several)")
    #expect(try result("c.npy").shape == [1, 2, 2, 12, 12])
    for (arguments, status, mention) in [
      ([], 64, "an output of shape [3, 12, 12]"), (["--target", "3"], 64, "3 is not in axis 0"),
      (["--target", "top-2"], 64, "top-2"), (["--target", "0,0,0,0"], 64, "has 4 parts"),
      (["--target", "1,4:4"], 64, "selects nothing"), (["--target", "horse"], 64, "neither a class"),
      (["--target", "3", "--within", "mask.png"], 64, "none of the 3 classes"),
      (["--within", "mask.png"], 64, "--within: is about a class; name it as the target"),
      (["--target", "1", "--within", "x.npy"], 65, "expected a mask of shape [12, 12]"),
      (["--selector", "x.npy"], 65, "x.npy"), (["--target", "1", "--selector", "u.npy"], 64, "replaces --target"),
      (["--target", "1", "--labels", "mask.npy"], 65, "mask.npy"),
      (["--target", "1", "--figure", "f.png"], 64, "--figure"),
    ] as [([String], Int32, String)] {
      try refused(attribute + arguments + ["--output", "d.npy"], status, mention)
    }
    try refused(
      ["predict", "--model", graph("segmenter-torchscript-18"), "--input", "x.npy"], 64, "as in --target 0,0,0")
  }

  @Test func labelsOfEveryKind() throws {
    try write(number("plain/x").image(0), "x.npy")
    let names = ["tench", "a, b", "church", "French horn", "zebra"]
    try write(names.joined(separator: "\r\n") + "\r\n", "a.txt")
    try write(#"["tench", "a, b", "church", "French horn", "zebra"]"#, "b.json")
    try write(
      #"{"id2label": {"1": "a, b", "0": "tench", "3": "French horn", "2": "church", "4": "zebra"}, "layers": 2}"#,
      "c.json")
    try write(
      #"{"0": ["n0", "tench"], "1": ["n1", "a, b"], "2": ["n2", "church"], "3": ["n3", "French horn"], "#
        + #""4": ["n4", "zebra"]}"#,
      "d.json")
    try write("index,name\n4,zebra\n0,tench\n1,\"a, b\"\n2,church\n3,French horn\n", "e.csv")
    let predict = ["predict", "--model", graph("plain-torchscript-17"), "--input", "x.npy"]
    for file in ["a.txt", "b.json", "c.json", "d.json", "e.csv"] {
      let outcome = try CommandLineTests.pullbacks.run(predict + ["--labels", file], in: folder.url.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let found = outcome.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
      #expect(found.count == 5 && found.allSatisfy { $0[2] == names[Int($0[1])!] }, "\(file): \(outcome.output)")
    }
    try write("tench\nzebra\n", "short.txt")
    try write("index,name\n4,zebra\n0,tench\n", "gap.csv")
    try write(#"{"tench": 0}"#, "turned.json")
    try write("\u{FEFF}" + names.joined(separator: "\n"), "marked.txt")
    let marked = try CommandLineTests.pullbacks.run(
      [
        "attribute", "--model", graph("plain-torchscript-17"), "--input", "x.npy", "--labels", "marked.txt", "--target",
        "a, b",
        "--output", "a.npy",
      ], in: folder.url.path)
    #expect(marked.status == 0 && marked.output.contains("target 1, a, b, "), "\(marked)")
    try write("tench\na\u{1B}[31m\nb\nc\nd\n", "coloured.txt")
    for (file, status, mention) in [
      ("coloured.txt", 65, "the name of class 1 holds a control character"), ("short.txt", 64, "there are 2"),
      ("gap.csv", 65, "each of the classes 0 to 1 once"), ("turned.json", 65, "JSON"),
      ("none.txt", 66, "none.txt"),
    ] as [(String, Int32, String)] {
      try refused(predict + ["--labels", file], status, mention)
    }
    try refused(["predict", "--model", "vgg-scenes", "--input", "x.npy", "--labels", "a.txt"], 64, "exported graph")
  }
}
