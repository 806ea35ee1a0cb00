import ArgumentParser
import Attribution
import Faithfulness
import Imaging
import Plotting
import Pullbacks
import Subjects

/// An image of a subject, what its network thinks of it, and its attributions under several methods.
public struct ExplainedImage: Sendable {
  public let image: Sample
  /// The name of the image's class.
  public let className: String
  /// The prediction for the image's own class.
  public let prediction: Prediction
  public let attributions: [(entrant: Entrant, map: Tensor)]

  /// The image's class and its probability, as a row's title.
  public var title: String { prediction.title(className) }

  public subscript(method: Method) -> Tensor? { attributions.first { $0.entrant.name == method.rawValue }?.map }

  /// The numbers that are written beside a figure.
  public var numbers: Numbers {
    Numbers(
      image: image.name, target: image.target, name: className, logit: prediction.logit,
      probability: prediction.probability,
      attributions: Dictionary(
        uniqueKeysWithValues: attributions.map {
          ($0.entrant.name, AttributionNumbers($0.map, mask: image.mask))
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
    let settings = MethodSettings().fitting(network.graph)
    return methods.filter { (try? $0.explainer(settings, for: network.graph)) != nil }
  }

  /// Every image with the attributions of its own class; the methods share what passes they can.
  public func explained(
    by methods: [Method], settings: MethodSettings = MethodSettings(), in context: Context
  ) throws -> [ExplainedImage] {
    try explained(by: methods.map { Entrant($0, settings) }, in: context)
  }

  /// The same by methods with settings of their own.
  public func explained(by entrants: [Entrant], in context: Context) throws -> [ExplainedImage] {
    let images = try images
    let batch = Tensor(batching: images.map(\.image))
    let targets = images.map(\.target)
    let explainers = try entrants.map { try $0.explainer(for: network) }
    let explained = try explainers.explain(batch, of: network, in: context) { _, images in
      [.classes(Array(targets[images]))]
    }
    return images.indices.map { index in
      ExplainedImage(
        image: images[index], className: className(targets[index]),
        prediction: Prediction.ranking(explained.output.image(index).scalars).first { $0.target == targets[index] }!,
        attributions: zip(entrants, explained.maps).map { ($0, $1[0].image(index)) })
    }
  }
}

extension Experiment {
  /// The heat map of an attribution in the colours of `--color-map`; see ``heatMap(_:colorMap:)``.
  public func heatMap(_ attribution: Tensor) throws -> Picture {
    try Imaging.heatMap(attribution, colorMap: options.colorMap)
  }

  /// The key of heat maps.
  public var heatMapKey: ColorBar {
    ColorBar(
      options.colorMap, labels: ["−max", "0", "+max"],
      note: "Mean over the colour channels; positive and negative parts each divided by their own extreme.")
  }
}

/// A diverging map by its name.
extension ColorMap: ExpressibleByArgument {
  public init?(argument: String) {
    guard let map = Self.diverging.first(where: { $0.name == argument }) else { return nil }
    self = map
  }

  public var defaultValueDescription: String { name }

  public static var allValueStrings: [String] { diverging.map(\.name) }
}

extension Graph {
  /// The memory that activations may take unless somebody says otherwise, in bytes.
  public static let memoryForActivations = 1 << 29

  /// The number of images that go through the network at once, 1 to 64: the activations of each may all be kept, with
  /// as much again for cotangents.
  ///
  /// - Parameter bytes: the memory that activations may take.
  public func batchSize(within bytes: Int = Graph.memoryForActivations) -> Int {
    min(64, max(1, bytes / (2 * 4 * activationCount)))
  }
}
