import ExperimentKit
import Foundation
import TestKit
import Testing

/// What a picture becomes on its way into a checkpoint of the user's: torchvision's evaluation transform, unless
/// something else is said, and it is said which.
@Suite(.serialized) struct PreprocessingTests {
  static let pullbacks = CommandLineTests.pullbacks

  /// A small network with ImageNet's size and weights by formula, saved as somebody else's.
  struct Made {
    let folder: TemporaryFolder
    let checkpoint: Checkpoint

    init() throws {
      folder = try TemporaryFolder()
      let network = try Formula.network(Architecture.named("resnet18").graph(classes: 10))
      try SafeTensors.write(network.parameters.map { (name: $0, tensor: $1) }, to: folder.path("own.safetensors"))
      checkpoint = try Checkpoint(contentsOf: folder.path("own.safetensors"))
      for (name, width) in [("square.png", 300), ("wide.png", 400)] {
        let pixels = (0..<3 * width * 300).map { UInt8(truncatingIfNeeded: $0 / 7 + ($0 * $0) / 40_000) }
        try Picture(width: width, height: 300, pixels: pixels).writePNG(to: folder.path(name))
      }
    }
  }

  static let made = try! Made()

  private func logits(_ image: String, _ arguments: String...) throws -> (values: Tensor, outcome: Program.Outcome) {
    let outcome = try Self.pullbacks.run(
      ["predict", "--checkpoint", "own.safetensors", "--input", image, "--output", "logits.npy", "--force"] + arguments,
      in: Self.made.folder.url.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return (try NPY.read(Self.made.folder.path("logits.npy")), outcome)
  }

  /// The logits of an architecture with another first layer, for a picture shown in another way.
  private func expected(
    _ image: String, _ framing: ImageLoader.Framing, _ normalisation: ChannelAffine = .imageNet, size: Int = 224
  ) throws -> Tensor {
    let architecture = try Architecture.named("resnet18").normalising(by: normalisation)
    let network = try Network(architecture, checkpoint: Self.made.checkpoint, resolution: size)
    return try network(ImageLoader(size: size, framing: framing).image(at: Self.made.folder.path(image)))
  }

  @Test func ownCheckpointsGetTorchvisionsTransform() throws {
    for image in ["square.png", "wide.png"] {
      let (values, outcome) = try logits(image)
      #expect(relativeErrors(values, try expected(image, .shorterSide(256))).largest < 1e-4)
      #expect(
        outcome.errors.contains("the middle 7/8 of the picture's shorter side, cropped to 224 x 224"),
        "\(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count { $0.hasPrefix("note: pictures: ") } == 1)
      #expect(try logits(image, "--preprocess", "torchvision-default").values == values)
      #expect(try logits(image, "--preprocess", "imagenet").values == values)
    }
    let record = try String(contentsOfFile: Self.made.folder.path("logits.json"), encoding: .utf8)
    #expect(record.contains("(p / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)"))
  }

  @Test func others() throws {
    let half = [0.5, 0.5, 0.5]
    let cases: [(String, Tensor)] = [
      ("release", try expected("square.png", .release)),
      ("signed", try expected("square.png", .covering, .normalisation(mean: half, std: half))),
      ("unit", try expected("square.png", .covering, .normalisation(mean: [0, 0, 0], std: [1, 1, 1]))),
    ]
    for (name, expected) in cases {
      #expect(relativeErrors(try logits("square.png", "--preprocess", name).values, expected).largest < 1e-4, "\(name)")
    }
    let json = #"{"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25], "size": 160, "crop": 128}"#
    try Data(json.utf8).write(to: Self.made.folder.url.appendingPathComponent("own.json"))
    let expected = try expected(
      "wide.png", .shorterSide(160), .normalisation(mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25]), size: 128)
    #expect(relativeErrors(try logits("wide.png", "--preprocess", "own.json").values, expected).largest < 1e-4)
  }

  /// The map is that of the network with the same first layer, and the record says how its input was made.
  @Test func attributionsToo() throws {
    let folder = Self.made.folder
    let outcome = try Self.pullbacks.run(
      [
        "attribute", "--checkpoint", "own.safetensors", "--input", "square.png", "--target", "3", "--method",
        "gradient",
        "--preprocess", "unit", "--output", "map.npy",
      ], in: folder.url.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let architecture = try Architecture.named("resnet18")
      .normalising(by: .normalisation(mean: [0, 0, 0], std: [1, 1, 1]))
    let network = try Network(architecture, checkpoint: Self.made.checkpoint)
    let image = try ImageLoader(framing: .covering).image(at: folder.path("square.png"))
    let expected = try Method.gradient.explainer(for: network.graph).attribute(image, .classes([3]), of: network)
    #expect(relativeErrors(try NPY.read(folder.path("map.npy")), expected).largest < 1e-4)
    #expect(try String(contentsOfFile: folder.path("map.json"), encoding: .utf8).contains("(p / 255 - 0.0) / 1.0"))
  }

  /// Networks that come with the package keep the release's transform, and a calibration is good for its own.
  @Test func calibrationsAreOfOneNormalisation() throws {
    let folder = Self.made.folder
    try makeScenes(in: folder)
    func run(_ arguments: [String]) throws -> Program.Outcome {
      try Self.pullbacks.run(arguments, in: folder.url.path)
    }
    let made = try run([
      "calibrate", "--model", "vgg-scenes", "--images", "scenes", "--preprocess", "unit", "--output", "unit.json",
    ])
    #expect(made.status == 0, "\(made.errors)")
    let attribute = [
      "attribute", "--model", "vgg-scenes", "--input", "scenes/00000.png", "--temperature", "relative=1",
      "--calibration",
      "unit.json", "--output", "soft.npy",
    ]
    let refused = try run(attribute)
    #expect(refused.status == 65 && refused.errors.contains("the same --preprocess"), "\(refused.errors)")
    #expect(try run(attribute + ["--preprocess", "unit"]).status == 0)
    let quiet = try run(["predict", "--model", "vgg-scenes", "--input", "scenes/00000.png"])
    #expect(quiet.status == 0 && quiet.errors.isEmpty, "\(quiet.errors)")
  }

  private func makeScenes(in folder: TemporaryFolder) throws {
    #expect(try Self.pullbacks.run(["scenes", "--export", folder.path("scenes"), "--count", "2"]).status == 0)
  }

  @Test(arguments: [
    ("imagnet", 64, "the names are torchvision-default"), ("none.json", 66, "none.json"),
    (#"{"mean": [0, 0, 0]}"#, 65, "belong together"), (#"{"std": [1, 1], "mean": [0]}"#, 65, "as many means"),
    (#"{"layout": "NHWC"}"#, 64, "takes channels first"), (#"{"size": 0}"#, 65, "size"),
    (#"{"image_mean": [0], "size": {"height": 224}}"#, 65, #""image_mean" is not understood"#),
    (#"{"size": "large"}"#, 65, "one or two numbers for size"), (#"{"layout": "HWC"}"#, 65, "NCHW or NHWC as layout"),
    (#"{"channels": "BGR"}"#, 64, "red, green and blue"),
    ("[]", 65, "JSON object"),
    (#"{"size": 100, "crop": 224}"#, 64, "resize to more"),
    (#"{"mean": [0, 0], "std": [1, 1]}"#, 64, "inputs of 3 channels"),
    (#"{"mean": [123.7, 116.3, 103.5], "std": [58.4, 57.1, 57.4]}"#, 65, "divide mean and std of values in [0, 255]"),
    (#"{"mean": -1, "std": 2}"#, 65, "found -1.0"),
    (#"{"crop": 20000}"#, 65, "crop from 1"), (#"{"mean": [0], "std": [0]}"#, 65, "positive deviations"),
  ])
  func whatIsNotUnderstood(_ text: String, _ status: Int, _ mention: String) throws {
    var name = text
    if text.hasPrefix("{") || text.hasPrefix("[") {
      name = "odd.json"
      try Data(text.utf8).write(to: Self.made.folder.url.appendingPathComponent(name))
    }
    let outcome = try Self.pullbacks.run(
      ["predict", "--checkpoint", "own.safetensors", "--input", "square.png", "--preprocess", name],
      in: Self.made.folder.url.path)
    #expect(outcome.status == Int32(status) && outcome.errors.contains(mention), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count { !$0.hasPrefix("note: ") } == 1)
  }

  /// Folders labelled by number for classes that are not ImageNet's, and a class beyond the network's.
  @Test func labelsBeyondImageNet() throws {
    let folder = try TemporaryFolder()
    let picture = Picture(width: 96, height: 96, pixels: [UInt8](repeating: 90, count: 27_648))
    try picture.writePNG(to: folder.path("a.png"))
    let classes = ClassList(count: 8142)
    try Data("file,class\na.png,5000\n".utf8).write(to: folder.url.appendingPathComponent("labels.csv"))
    #expect(try LabelledFile.inFolder(folder.url.path, of: classes).map(\.target) == [5000])
    #expect(throws: (any Error).self) { try LabelledFile.inFolder(folder.url.path) }
    let evaluate = [
      "evaluate", "--checkpoint", Self.made.folder.path("own.safetensors"), "--images", folder.url.path, "--methods",
      "gradient", "--metrics", "sparseness", "--output", folder.path("out"),
    ]
    let refused = try Self.pullbacks.run(evaluate)
    #expect(refused.status == 65 && refused.errors.contains("one of the classes 0 to 9"), "\(refused.errors)")
    try Data("file,class\na.png,7\n".utf8).write(to: folder.url.appendingPathComponent("labels.csv"))
    let outcome = try Self.pullbacks.run(evaluate)
    #expect(outcome.status == 0 && outcome.errors.contains("the middle 7/8"), "\(outcome.errors)")
  }
}
