import ArgumentParser
import ExperimentKit
import Failures
import Foundation

/// How files become inputs of a network.
struct PictureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      How pictures become inputs: torchvision-default (Resize 256 and CenterCrop 224, or in proportion to the \
      network's size, and ImageNet's normalisation); imagenet, signed, unit (the same with ImageNet's normalisation, values in \
      [-1, 1], or in [0, 1]); release (square pictures whole, as the experiments do it); or a .json of mean and std \
      (for values in [0, 1]), size (shorter side, or rows and columns), crop, and for exported graphs layout (NCHW or \
      NHWC) and channels (RGB or BGR). Photographs are turned upright by their EXIF orientation before, and what is \
      transparent shows mid grey. By default an exported graph gets torchvision-default; a checkpoint of yours \
      torchvision's Resize and CenterCrop with its architecture's normalisation, and the networks that come with the \
      package or are fetched get release.
      """, valueName: "name or file.json"),
    completion: .list(Preprocessing.Named.allCases.map(\.rawValue)))
  var preprocess: String?

  @Option(
    help: ArgumentHelp(
      """
      The values in an .npy: signed, in [-1, 1]; unit, in [0, 1]; byte, in [0, 255]; any, taken as they are. By \
      default signed; any for an exported graph without --preprocess.
      """, valueName: "range"))
  var range: ArrayRange?

  @Flag(
    help: "Stop at the first picture of a folder that cannot be read. By default the others are done, and it is said.")
  var strict = false

  /// What is asked for; nil if nothing is.
  func preprocessing() throws -> Preprocessing? { try preprocess.map { try Preprocessing($0) } }

  /// Says how pictures became inputs where that is not the release's way, and what is odd about an array.
  func announce(_ images: InputImages, for model: Subject) {
    if let text = images.remark { remark(text) }
    guard images.arePictures, preprocess != nil || model.preprocessing != .release else { return }
    remark(
      "pictures: \(model.preprocessing.inWords(model.graph.inputShape))"
        + (preprocess == nil ? "; --preprocess changes that" : ""))
  }

  /// What records say of it.
  func description(_ images: InputImages, for model: Subject) -> String {
    images.arePictures
      ? model.preprocessing.inWords(model.graph.inputShape) : "arrays, range \((range ?? model.usualRange).rawValue)"
  }

  /// Ends a command that went on without files that could not be read: a line for each, where there are several.
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
      "A PNG, JPEG or WebP; a folder of them, without the masks beside them, as cat-object.png of cat.jpg; a "
        + "float32 .npy of the shape of one input or of several; or - for one of these on standard input. For an "
        + "exported graph of several inputs several times, as table=t.npy.",
      valueName: "[name=]file or folder"),
    completion: .file(extensions: ["png", "jpg", "jpeg", "webp", "npy"]))
  var input: [String]

  @OptionGroup var pictures: PictureOptions

  /// The network with what it is given.
  func load(_ model: ModelOptions) throws -> (model: Subject, images: InputImages) {
    let (subject, content) = try model.load(input, preprocessing: pictures.preprocessing())
    guard let content else {
      throw subject.givenNothing
    }
    return (subject, try subject.inputs(content, range: pictures.range))
  }

  /// For records.
  var inWords: String { input.map(PathText.shown).joined(separator: ", ") }
}

/// Values of the inputs of an exported graph that are not explained.
struct HeldInputOptions: ParsableArguments {
  @Option(
    name: .customLong("input"),
    help: ArgumentHelp(
      "For an exported graph of several inputs: the value of one that is not explained, as table=t.npy; may be given "
        + "several times.",
      valueName: "name=file.npy"))
  var inputs: [String] = []
}

extension ArrayRange: ExpressibleByArgument {}
