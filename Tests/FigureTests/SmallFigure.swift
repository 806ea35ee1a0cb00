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
    let subject = try ScenesTier.subject(.vgg, scenes: ScenesTier.clearScenes(2))
    let parameters = Dictionary(
      uniqueKeysWithValues: subject.network.parameters.map { name, tensor in
        let noise = RandomStream(seed: 1, name).uniforms(tensor.shape)
        return (name, tensor + rounding * (tensor * (2 * noise + Tensor(shape: tensor.shape, repeating: -1))))
      })
    let network = try Network(subject.network.graph, parameters: parameters)
    var settings = MethodSettings()
    settings.temperatures[.relu] = temperature
    settings.smoothGrad = NoisyImages(count: 5, deviation: 0.15)
    let batch = Tensor(batching: subject.images.map(\.image))
    let targets = Selector.classes(subject.images.map(\.target))
    let maps = try Self.methods.map {
      try $0.explainer(settings.fitting(network.graph), for: network.graph).attribute(
        batch, targets, of: network, in: Context(noise: .streams(seed: seed)))
    }
    let titles = Self.methods.map { $0 == .smoothPullback ? label : $0.abbreviation }
    let grid = ImageGrid(
      columns: ["Image"] + titles,
      try subject.images.enumerated().map { row, image in
        ImageGrid.Row(
          image.className,
          [try Picture(image.image)] + (try maps.map { try heatMap($0.image(row), colorMap: colorMap) }))
      }, width: 300)
    let numbers = maps.flatMap { map in
      subject.images.indices.map { AttributionNumbers(map.image($0), mask: subject.images[$0].mask) }
    }
    return FigureResult(
      picture: try Figure(grid).picture(),
      numbers: try JSONDecoder().decode(JSONTree.self, from: JSONEncoder().encode(numbers)))
  }
}
