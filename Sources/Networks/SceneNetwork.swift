import Checkpoints
import Foundation
import Pullbacks

/// The networks that come with this package, trained by it on its own procedural scenes: one of each of the paper's
/// families, for pictures of 96 x 96 and ten classes.
///
/// ```swift
/// let network = try SceneNetwork.vgg.network()
/// let logits = try network(SceneGenerator(seed: 314).batch([0]).pictures)
/// ```
/// The raw value is the architecture's name. Beside each checkpoint lie the log of its training and what became of it.
public enum SceneNetwork: String, CaseIterable, Sendable {
  /// A plain convolutional network.
  case vgg = "vgg-scenes"
  /// A residual network.
  case resnet = "resnet-scenes"
  /// A pyramid of transformers.
  case pvt = "pvt-scenes"

  /// The name for people.
  public var title: String {
    switch self {
    case .vgg: "VGG11-BN"
    case .resnet: "ResNet"
    case .pvt: "PVT-v2"
    }
  }

  /// The architecture that builds its graph.
  public var architecture: Architecture { get throws(PullbackError) { try .named(rawValue) } }

  /// The parameters, in a file of the package.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` if the package was taken apart and its resources are elsewhere.
  public func checkpoint() throws -> Checkpoint { try Checkpoint(contentsOf: path(ending: "safetensors")) }

  /// The trained network.
  ///
  /// - Throws: as ``checkpoint()``.
  public func network() throws -> Network { try Network(architecture, checkpoint: checkpoint()) }

  /// The path of a file of the network: its checkpoint `safetensors`, the log of its training `csv`, or its report
  /// `json`.
  ///
  /// - Throws: as ``checkpoint()``.
  public func path(ending: String) throws -> String {
    try pathOfResource("scenes/\(rawValue).\(ending)", of: "Networks", besideSource: #filePath)
  }
}
