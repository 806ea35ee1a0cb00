import Networks
import Pullbacks

/// What an experiment looks at: a network, and images of known classes.
public struct Subject: Sendable {
  /// The network's name for people: `EfficientNet-Lite0`.
  public let title: String
  public let network: Network
  public let images: [LabelledImage]
  /// Where the images come from, for a figure's credit line.
  public let credit: String
}

/// An image and what it shows.
public struct LabelledImage: Sendable {
  public let name: String
  /// Its class, the data set's label.
  public let target: Int
  /// `(1, 3, H, W)` in `[-1, 1]`.
  public let image: Tensor
  /// `(1, 1, H, W)`, 1 on the object and 0 off it; nil where nobody drew one.
  public let mask: Tensor?

  /// The class's name.
  public var className: String { ImageNetClasses.all[target].name }
}
