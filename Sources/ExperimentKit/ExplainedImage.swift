import Attribution
import Pullbacks

/// An image of a subject, what its network thinks of it, and its attributions under several methods.
public struct ExplainedImage: Sendable {
  public let image: LabelledImage
  /// For the image's own class.
  public let prediction: Prediction
  public let attributions: [(method: Method, map: Tensor)]

  /// The image's class and its probability, as a row's title.
  public var title: String { "\(image.className)\np = \(decimal(prediction.probability, places: 2))" }

  public subscript(method: Method) -> Tensor? { attributions.first { $0.method == method }?.map }

  /// What is written beside a figure.
  public var numbers: Numbers {
    Numbers(
      image: image.name, target: image.target, name: image.className, logit: prediction.logit,
      probability: prediction.probability,
      attributions: Dictionary(
        uniqueKeysWithValues: attributions.map {
          ($0.method.rawValue, AttributionNumbers($0.map, mask: image.mask))
        }))
  }

  public struct Numbers: Codable, Sendable {
    let image: String
    let target: Int
    let name: String
    let logit: Float
    let probability: Double
    let attributions: [String: AttributionNumbers]
  }
}

extension Subject {
  /// The methods among `methods` that are defined for the network: a pyramid of transformers has no class activation
  /// map.
  public func defined(_ methods: [Method]) -> [Method] {
    methods.filter { (try? $0.explainer(MethodSettings().completed(for: network.graph), for: network.graph)) != nil }
  }

  /// Every image with the attributions of its own class; the methods share what passes they can.
  public func explained(
    by methods: [Method], settings: MethodSettings = MethodSettings(), in context: Context
  ) throws -> [ExplainedImage] {
    let batch = Tensor(batching: images.map(\.image))
    let targets = images.map(\.target)
    let settings = settings.completed(for: network.graph)
    let explainers = try methods.map { try $0.explainer(settings, for: network.graph) }
    let explained = try explainers.explain(batch, of: network, in: context) { _, images in
      [.classes(Array(targets[images]))]
    }
    return images.indices.map { index in
      ExplainedImage(
        image: images[index],
        prediction: Prediction.ranking(explained.output.image(index).scalars).first { $0.target == targets[index] }!,
        attributions: zip(methods, explained.maps).map { ($0, $1[0].image(index)) })
    }
  }
}
