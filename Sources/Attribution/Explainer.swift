import Pullbacks

/// A way to explain what in an image speaks for a class: where the network is evaluated, by which rules a selector of its
/// output is pulled back, and how the results are combined.
public protocol Explainer: Sendable {
  /// The name on the command line: `soft-pullback`.
  var name: String { get }

  /// Every setting, by name, as records and the command line write them.
  var settings: [String: String] { get }

  /// The attribution of each image.
  ///
  /// - Parameters:
  ///   - x: images `(N, C, H, W)` in `[-1, 1]`.
  ///   - selector: what of each image's output is explained.
  /// - Returns: signed values of the shape of `x`, in the units of the output per unit of the input unless the explainer
  ///   says otherwise.
  func attribute(_ x: Tensor, _ selector: Selector, of network: Network) throws(PullbackError) -> Tensor
}

/// What of a network's output is explained: a cotangent for each image.
public enum Selector: Sendable {
  /// One logit per image, the class's: a one-hot cotangent.
  case classes([Int])

  /// One class for every image of a batch.
  public static func oneClass(_ target: Int, images: Int) -> Selector {
    .classes([Int](repeating: target, count: images))
  }

  /// The cotangent at which the network is pulled back.
  ///
  /// - Throws: ``PullbackError`` for a class the network does not have, or another number of classes than of images.
  func cotangent(_ network: Network, images: Int) throws(PullbackError) -> Tensor {
    switch self {
    case .classes(let classes):
      guard classes.count == images else {
        throw PullbackError(.usage, "target", "expected one class for each of \(images) images, found \(classes.count)")
      }
      return try network.oneHot(classes)
    }
  }
}
