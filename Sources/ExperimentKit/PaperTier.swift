import Checkpoints
import Foundation
import Networks
import Pullbacks

/// The paper's own networks, with the official ImageNet checkpoints that `make paper-weights` fetches, on the user's
/// images.
public enum PaperTier {
  /// One of the three networks; the raw value is the architecture's name.
  public enum Model: String, CaseIterable, Sendable {
    case resnet50
    case vgg11BN = "vgg11_bn"
    case pvtV2B1 = "pvt_v2_b1"

    var file: String {
      switch self {
      case .resnet50: "resnet50-0676ba61.pth"
      case .vgg11BN: "vgg11_bn-6002323d.pth"
      case .pvtV2B1: "pvt_v2_b1.safetensors"
      }
    }

    var title: String {
      switch self {
      case .resnet50: "ResNet-50"
      case .vgg11BN: "VGG11-BN"
      case .pvtV2B1: "PVT-v2-B1"
      }
    }
  }

  /// Checks that the weights of every network were fetched.
  static func check() throws {
    for model in Model.allCases { _ = try checkpointPath(of: model) }
  }

  /// One of the networks, and the first `count` images of different classes in a folder.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` if the weights have not been fetched, others if the folder is not
  ///   as ``ImageFolder`` wants it.
  public static func subject(_ model: Model, images folder: String?, count: Int) throws -> Subject {
    guard let folder else {
      throw PullbackError(
        .usage, "--images", "the paper's networks need images",
        advice: "name a folder of ImageNet or Imagenette validation images")
    }
    return try Subject(
      model.title, .named(model.rawValue), Checkpoint(contentsOf: checkpointPath(of: model)),
      classNames: ImageNetClasses.all.map(\.name),
      credit: "Images: \(folder)"
    ) { try ImageFolder(folder).load(count, size: $0) }
  }

  /// Where a network's checkpoint lies.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` if it has not been fetched.
  public static func checkpointPath(of model: Model) throws -> String {
    let path = Cache.folder + "/paper/" + model.file
    try Cache.check(path, madeBy: "make paper-weights")
    return path
  }
}
