import ArgumentParser
import ExperimentKit
import Failures
import Foundation

/// The preprocessing: how files become inputs of a network.
struct PictureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      How pictures become inputs. \
      torchvision-default or imagenet: resize the shorter side to 256, crop the centre 224 x 224 (other network sizes \
      in proportion), ImageNet's mean and std; the default of exported graphs. \
      signed: the same with values in [-1, 1]. \
      unit: the same with values in [0, 1]. \
      release: a square picture is resized whole, any other is cropped to the middle 7/8 of its shorter side, as in \
      the experiments; the default of the networks in the package and of fetched ones. \
      FILE.json: mean and std (for values in [0, 1]), size (shorter side, or rows and columns), crop, and for exported \
      graphs layout (NCHW or NHWC) and channels (RGB or BGR). \
      The default for a checkpoint of yours is torchvision's resize and crop with the architecture's own \
      normalisation. Photographs are first turned upright by their EXIF orientation; transparent pixels become mid grey.
      """, valueName: "name or file.json"),
    completion: .list(Preprocessing.Named.allCases.map(\.rawValue)))
  var preprocess: String?

  @Option(
    help: ArgumentHelp(
      """
      The range of the values in an .npy: signed, [-1, 1]; unit, [0, 1]; byte, [0, 255]; any, unchanged. By default \
      signed; any for an exported graph without --preprocess.
      """, valueName: "range"))
  var range: ArrayRange?

  @Flag(
    help: "Stop at the first unreadable picture of a folder. By default skip unreadable pictures with a warning.")
  var strict = false

  /// The preprocessing that --preprocess names; nil without the option.
  func preprocessing() throws -> Preprocessing? { try preprocess.map { try Preprocessing($0) } }

  /// Prints a note on the preprocessing of pictures if it is not the release's, and on suspicious values of an array.
  func announce(_ images: InputImages, for model: Subject) {
    if let text = images.remark { remark(text) }
    guard images.arePictures, preprocess != nil || model.preprocessing != .release else { return }
    remark(
      "pictures: \(model.preprocessing.inWords(model.graph.inputShape))"
        + (preprocess == nil ? "; --preprocess changes that" : ""))
  }

  /// The preprocessing in words, for records.
  func description(_ images: InputImages, for model: Subject) -> String {
    images.arePictures
      ? model.preprocessing.inWords(model.graph.inputShape) : "arrays, range \((range ?? model.usualRange).rawValue)"
  }

  /// Throws at the end of a command that skipped unreadable files, after a line for each if there are several.
  func finish(_ unreadable: UnreadableFiles, of total: Int) throws {
    guard let failure = unreadable.failure(of: total) else { return }
    for error in unreadable.errors where unreadable.errors.count > 1 {
      writeToStandardError("pullbacks: \(error)\n")
    }
    throw failure
  }
}

/// The images to work on.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A PNG, JPEG or WebP; a folder of them (masks such as cat-object.png of cat.jpg are skipped); a float32 .npy "
        + "of one input or of a batch; or - for a file on standard input. If an exported graph has several inputs, "
        + "give the option once for each, for example table=t.npy.",
      valueName: "[name=]file or folder"),
    completion: .file(extensions: ["png", "jpg", "jpeg", "webp", "npy"]))
  var input: [String]

  @OptionGroup var pictures: PictureOptions

  /// Loads the network and its input images.
  func load(_ model: ModelOptions) throws -> (model: Subject, images: InputImages) {
    let (subject, content) = try model.load(input, preprocessing: pictures.preprocessing())
    guard let content else {
      throw subject.givenNothing
    }
    return (subject, try subject.inputs(content, range: pictures.range))
  }

  /// The inputs as given, for records.
  var inWords: String { input.map(PathText.shown).joined(separator: ", ") }
}

/// Values of the inputs of an exported graph that are not explained.
struct HeldInputOptions: ParsableArguments {
  @Option(
    name: .customLong("input"),
    help: ArgumentHelp(
      "The value of an exported graph's input that is not explained, for example table=t.npy; may be given several "
        + "times.",
      valueName: "name=file.npy"))
  var inputs: [String] = []
}

extension ArrayRange: ExpressibleByArgument {}
