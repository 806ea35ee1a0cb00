import ExperimentKit

/// A plot of measurements of networks under the four conditions of their training: a point for each seed, a line
/// through their means.
struct ConditionPlot {
  /// The names of the conditions on axes, in the order of their table.
  static let letters = ["A", "B", "C", "D"]

  private var series: [LinePlot.Series] = []

  /// Adds what was measured under each condition, by seed.
  ///
  /// - Parameters:
  ///   - label: for the legend; empty for none.
  ///   - look: the look of marks and line.
  ///   - offset: from the condition's place, so that marks of several do not cover each other.
  mutating func add(_ label: String, _ values: [[Double]], _ look: ExplainerLook, offset: Double = 0) throws {
    let places = values.indices.map { Double($0 + 1) + offset }
    var line = try LinePlot.Series("", x: places, y: values.map(\.average))
    (line.style, line.color, line.dashes) = (.line, look.color, look.dashes)
    var points = try LinePlot.Series(
      label, x: zip(places, values).flatMap { place, seeds in seeds.map { _ in place } }, y: values.flatMap { $0 })
    (points.style, points.color, points.marker, points.dashes) = (.points, look.color, look.marker, look.dashes)
    series += [line, points]
  }

  func plot(_ y: Axis, title: String?) -> LinePlot {
    let ticks = Self.letters.enumerated().map { Tick(Double($0 + 1), $1) }
    return LinePlot(
      series, x: Axis(range: 0.5...Double(ticks.count) + 0.5, ticks: ticks), y: y, title: title,
      size: Looks.Plot.conditions, showsLegend: false)
  }
}

/// An explainer and how its scores look: in grey the gradient, and the temperatures apart by colour, mark and dashes.
struct ExplainerLook {
  let explainer: String
  let title: String
  let color: Color
  let marker: Marker
  let dashes: [Double]

  static let gradient = ExplainerLook(
    explainer: VariantExplainer.gradient, title: "gradient", color: Theme.paper.mutedInk, marker: .triangle,
    dashes: [1, 1.5])
  static let fixed = ExplainerLook(
    explainer: VariantExplainer.fixed, title: "soft pullback, τ = 0.6", color: Color(0xD55E00), marker: .disc,
    dashes: [3, 1.5])
  static let relative = ExplainerLook(
    explainer: VariantExplainer.relative, title: "soft pullback, c = 1.5", color: Color(0x0072B2), marker: .square,
    dashes: [])

  static let all = [gradient, fixed, relative]
}
