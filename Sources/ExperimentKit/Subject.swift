import Checkpoints
import Networks
import Pullbacks

/// What an experiment looks at: a network, and images of known classes.
public struct Subject: Sendable {
  /// The network's name for people: `EfficientNet-Lite0`.
  public let title: String
  public let architecture: Architecture
  public let network: Network
  /// Of the file that the network's parameters were read from.
  public let checkpointSHA256: String
  /// The names of the network's classes, in the order of the logits.
  public let classNames: [String]
  public let images: [LabelledImage]
  /// Where the images come from, for a figure's credit line.
  public let credit: String

  init(
    _ title: String, _ architecture: Architecture, _ checkpoint: Checkpoint, classNames: [String],
    credit: String, images: (_ size: Int) throws -> [LabelledImage]
  ) throws {
    self.title = title
    self.architecture = architecture
    network = try Network(architecture, checkpoint: checkpoint)
    checkpointSHA256 = try checkpoint.sha256
    self.classNames = classNames
    self.images = try images(network.graph.inputShape[1])
    self.credit = credit
  }

  /// The network with the same parameters for square images of another size.
  ///
  /// - Throws: `PullbackError` if the architecture is fixed to one size, or `resolution` is too small for it.
  public func network(resolution: Int) throws -> Network {
    try Network(
      architecture.graph(resolution: resolution, classes: classNames.count), parameters: network.parameters)
  }

  /// What the network thinks of one image's class.
  public func prediction(of target: Int, in image: Tensor) throws -> Prediction {
    try Prediction.ranking(network(image).scalars).first { $0.target == target }!
  }
}

/// An image and what it shows.
public struct LabelledImage: Sendable {
  public let name: String
  /// Its class, the data set's label.
  public let target: Int
  /// The class's name.
  public let className: String
  /// `(1, 3, H, W)` in `[-1, 1]`.
  public let image: Tensor
  /// `(1, 1, H, W)`, 1 on the object and 0 off it; nil where nobody drew one.
  public let mask: Tensor?
}
