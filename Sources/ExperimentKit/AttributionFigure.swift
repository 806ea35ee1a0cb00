import Attribution
import Imaging
import Plotting

extension Figure {
  /// Images beside their attributions: per method and target a heat map and raw colours.
  ///
  /// - Parameters:
  ///   - rows: for each image its title, itself, and per method and target the two pictures.
  ///   - methods: the explainers.
  ///   - settings: the settings of the explainers.
  ///   - labels: the names of the targets.
  ///   - name: the name of the network.
  ///   - colorMap: the colour map of the heat maps.
  public static func attributions(
    _ rows: [ImageGrid.Row], by methods: [Method], _ settings: MethodSettings, of labels: [String],
    network name: String, colorMap: ColorMap = .seismic
  ) -> Figure {
    let perTarget = labels.count == 1 ? [""] : labels.map { "\($0) " }
    let titles = methods.flatMap { method in
      let name = methods.count == 1 ? "" : "\(method.abbreviation) "
      return perTarget.flatMap { target in
        ["\(name)\(target)heat map", "\(name)\(target)raw colour"].map { $0.prefix(1).uppercased() + $0.dropFirst() }
      }
    }
    let note = methods.lazy.compactMap { $0.extensionNote(settings) }.first
    return Figure(
      ImageGrid(
        columns: ["Image"] + titles, rows, colorBars: [ColorBar(colorMap, labels: ["−max", "0", "+max"])],
        width: 120 * Double(1 + titles.count)),
      credit: """
        \(methods.map(\.rawValue).joined(separator: ", ")), \(name)\(note.map { "; \($0)" } ?? ""). Red speaks for the \
        target, blue against it; each side is divided by its own extreme.
        """)
  }
}

extension Prediction {
  /// A class's name with its probability below, as the title of a picture.
  public func title(_ name: String) -> String { "\(name)\np = \(decimal(probability, places: 2))" }
}
