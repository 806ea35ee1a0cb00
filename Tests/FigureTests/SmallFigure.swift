import ExperimentKit
import Foundation
import TestKit

/// A figure in the manner of fig3, small enough to be made in a moment, with all that a golden comparison must notice.
struct SmallFigure {
  var temperature: Float = 0.6
  var colorMap = ColorMap.seismic
  var seed: UInt64 = 314
  var label = "SmoothPb"
  /// A relative change of every parameter, at random up or down: what the rounding of another processor's kernels
  /// amounts to.
  var rounding: Float = 0

  static let methods: [Method] = [.softPullback, .pullbackAscent, .gradient, .gradientAscent, .smoothPullback]

  func result() throws -> FigureResult {
    let gallery = Gallery(photographs: [], scenes: SceneSamples.clearScenes(2))
    let subject = try Tier.scenes.subject("vgg-scenes", showing: .shown(gallery))
    let images = try subject.images
    let parameters = Dictionary(
      uniqueKeysWithValues: subject.network.parameters.map { name, tensor in
        let noise = RandomStream(seed: 1, name).uniforms(tensor.shape)
        return (name, tensor + rounding * (tensor * (2 * noise + Tensor(shape: tensor.shape, repeating: -1))))
      })
    let network = try Network(subject.network.graph, parameters: parameters)
    var settings = MethodSettings()
    settings.temperatures[.relu] = temperature
    settings.smoothGrad = NoisyImages(count: 5, deviation: 0.15)
    let batch = Tensor(batching: images.map(\.image))
    let targets = Selector.classes(images.map(\.target))
    let maps = try Self.methods.map {
      try $0.explainer(settings.fitting(network.graph), for: network.graph).attribute(
        batch, targets, of: network, in: Context(noise: .streams(seed: seed)))
    }
    let titles = Self.methods.map { $0 == .smoothPullback ? label : $0.abbreviation }
    let grid = ImageGrid(
      columns: ["Image"] + titles,
      try images.enumerated().map { row, image in
        ImageGrid.Row(
          subject.className(image.target),
          [try Picture(image.image)] + (try maps.map { try heatMap($0.image(row), colorMap: colorMap) }))
      }, width: 300)
    let numbers = maps.flatMap { map in
      images.indices.map { AttributionNumbers(map.image($0), mask: images[$0].mask) }
    }
    return FigureResult(
      picture: try Figure(grid).picture(),
      numbers: try JSONDecoder().decode(JSONTree.self, from: JSONEncoder().encode(numbers)))
  }
}
