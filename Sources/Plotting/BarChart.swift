import Failures

/// Groups of bars from zero, with error bars where intervals are known.
///
/// ```swift
/// let chart = BarChart(
///   categories: ["SfP", "Grad"],
///   [try .init("ResNet-50", [0.61, 0.32], low: [0.58, 0.30], high: [0.64, 0.35])],
///   y: Axis("energy inside the object"))
/// try Figure(chart).write(to: "focus.pdf")
/// ```
public struct BarChart: Framed {
  /// Bars of one colour, one in each group.
  public struct Series: Equatable, Sendable {
    public let label: String
    public let values: [Double]
    /// The ends of each bar's interval as values of the axis, empty if there are none.
    public let low: [Double]
    public let high: [Double]
    public var color: Color?

    /// - Throws: `PullbackError` unless all lists are of one length (`low` and `high` may both be empty).
    public init(_ label: String, _ values: [Double], low: [Double] = [], high: [Double] = []) throws {
      guard (low.isEmpty && high.isEmpty) || (low.count == values.count && high.count == values.count) else {
        throw PullbackError(
          .usage, "series \(label)",
          "\(values.count) values, \(low.count) lower and \(high.count) upper ends of intervals",
          advice: "pass lists of equal length")
      }
      (self.label, self.values, self.low, self.high) = (label, values, low, high)
    }
  }

  /// One name per group; a group without a value in some series leaves that place free.
  public var categories: [String]
  public var series: [Series]
  public var xLabel: String
  public var y: Axis
  public var title: String?
  public var size: Size
  public var showsLegend: Bool

  /// Bars side by side; `y` is a linear axis, which includes zero unless its range says otherwise.
  public init(
    categories: [String], _ series: [Series], xLabel: String = "", y: Axis, title: String? = nil,
    size: Size = Size(240, 160), showsLegend: Bool? = nil
  ) {
    self.categories = categories
    self.series = series
    self.xLabel = xLabel
    self.y = y
    self.y.scale = .linear
    self.title = title
    self.size = size
    self.showsLegend = showsLegend ?? (series.count > 1)
  }

  public func size(in theme: Theme) -> Size { size }

  /// One entry per series in the colours of `theme`.
  public func legendEntries(in theme: Theme = .paper) -> [Legend.Key] {
    series.indices.map { Legend.Key(series[$0].label, .swatch(color(of: $0, theme))) }
  }

  func margins(in theme: Theme) -> Margins { frame(theme).margins(in: theme) }

  func draw(on canvas: inout Canvas, in rect: Rect, margins: Margins) {
    let (theme, area, axis) = (canvas.theme, rect.inset(by: margins), yAxis)
    frame(theme).draw(on: &canvas, in: rect, area: area)
    guard !categories.isEmpty, !series.isEmpty, let zero = axis.position(of: 0) else { return }
    let slot = area.width / Double(categories.count)
    // Bars of a group touch and fill three quarters of its slot, but stay slim in charts of few.
    let bar = min(0.75 * slot / Double(series.count), 28)
    func height(_ position: Double) -> Double { area.maxY - min(1, max(0, position)) * area.height }

    for (index, series) in series.enumerated() {
      for (group, value) in series.values.prefix(categories.count).enumerated() {
        guard let top = axis.position(of: value) else { continue }
        let offset = (Double(index) - Double(self.series.count) / 2) * bar
        let left = area.minX + (Double(group) + 0.5) * slot + offset
        let (upper, lower) = (min(height(top), height(zero)), max(height(top), height(zero)))
        let gap = min(0.5, bar * 0.05)
        canvas.fill(
          Rect(x: left + gap, y: upper, width: bar - 2 * gap, height: lower - upper), color(of: index, theme))
        guard !series.low.isEmpty, let low = axis.position(of: series.low[group]),
          let high = axis.position(of: series.high[group])
        else { continue }
        drawInterval(on: &canvas, at: left + bar / 2, from: height(low), to: height(high), cap: min(2, bar * 0.25))
      }
    }
    canvas.line(from: Point(area.minX, height(zero)), to: Point(area.maxX, height(zero)), theme.rule)
  }

  private func drawInterval(
    on canvas: inout Canvas, at x: Double, from low: Double, to high: Double, cap: Double
  ) {
    let rule = canvas.theme.rule
    canvas.line(from: Point(x, low), to: Point(x, high), rule)
    for end in [low, high] { canvas.line(from: Point(x - cap, end), to: Point(x + cap, end), rule) }
  }

  private var yAxis: FittedAxis {
    y.fitted(to: series.flatMap { $0.values + $0.low + $0.high }, padding: 0.06, including: true)
  }

  private func frame(_ theme: Theme) -> PlotFrame {
    let legend = showsLegend ? Legend(legendEntries(in: theme), width: size.width) : nil
    return PlotFrame(title: title, legend: legend, x: .names(categories, label: xLabel), y: yAxis, size: size)
  }

  private func color(of index: Int, _ theme: Theme) -> Color {
    series[index].color ?? theme.color(ofSeries: index)
  }
}
