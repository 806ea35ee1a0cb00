import ArgumentParser
import Imaging
import Plotting
import Pullbacks

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
