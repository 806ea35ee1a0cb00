import Imaging
import Plotting

extension ColorBar {
  /// The key of heat maps.
  public static let heatMaps = ColorBar(
    .seismic, labels: ["−max", "0", "+max"],
    note: "Mean over the colour channels; positive and negative parts each divided by their own extreme.")
}
