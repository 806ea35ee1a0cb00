import Failures

/// Curves over a common abscissa, with confidence intervals where they are known.
///
/// ```swift
/// let taus = [0.1, 0.3, 0.6, 1.0]
/// let plot = LinePlot(
///   [try .init("SfP", x: taus, y: mean, low: lower, high: upper)],
///   x: Axis("τ", scale: .logarithmic), y: Axis("infidelity"), title: "ResNet-50")
/// try Figure(plot).write(to: "tau.svg")
/// ```
/// A curve is interrupted where a value is not a number, or not positive on a logarithmic axis.
public struct LinePlot: Framed {
  /// One curve.
  public struct Series: Equatable, Sendable {
    /// The style of the points.
    public enum Style: Sendable {
      /// Joined, and marked where they are not too many for it.
      case curve
      /// Joined only: for what was computed, not measured.
      case line
      /// Marked only.
      case points
    }

    /// The look of the intervals.
    public enum Interval: Sendable {
      /// A band between the lower and the upper edges.
      case band
      /// A bar at each abscissa: for several series whose bands would hide each other.
      case bars
    }

    /// The label in the legend, which leaves out series without one.
    public let label: String
    /// The abscissae.
    public let x: [Double]
    /// The ordinates, one for each abscissa.
    public let y: [Double]
    /// The lower and upper end of each ordinate's interval, empty if there is none.
    public let low: [Double]
    public let high: [Double]
    /// The colour of line and marker; nil takes the theme's by the series' place.
    public var color: Color?
    /// At the points; nil takes one by the series' place.
    public var marker: Marker?
    /// Lengths of dashes and gaps in points; none for a whole line.
    public var dashes: [Double] = []
    public var style = Style.curve
    public var interval = Interval.band
    /// The distance in points by which all that is drawn lies to the right of its abscissa, so that bars of several
    /// series stand side by side.
    public var shift = 0.0

    /// - Throws: `PullbackError` unless all lists are of one length (`low` and `high` may both be empty).
    public init(_ label: String, x: [Double], y: [Double], low: [Double] = [], high: [Double] = []) throws {
      let hasBand = !(low.isEmpty && high.isEmpty)
      guard x.count == y.count, !hasBand || (low.count == x.count && high.count == x.count) else {
        throw PullbackError(
          .usage, "series \(label)",
          "\(x.count) abscissae, \(y.count) ordinates, \(low.count) lower and \(high.count) upper ends of intervals",
          advice: "pass lists of equal length")
      }
      (self.label, self.x, self.y, self.low, self.high) = (label, x, y, low, high)
    }
  }

  public var series: [Series]
  public var x: Axis
  public var y: Axis
  public var title: String?
  public var size: Size
  public var showsLegend: Bool
  /// Values marked by a dashed line across the plot, such as chance level, with a label above its right end.
  public var levels: [Tick] = []
  /// Abscissae marked by a dashed line from bottom to top, such as a default.
  public var marks: [Double] = []

  public init(
    _ series: [Series], x: Axis, y: Axis, title: String? = nil, size: Size = Size(240, 160), showsLegend: Bool = true
  ) {
    self.series = series
    self.x = x
    self.y = y
    self.title = title
    self.size = size
    self.showsLegend = showsLegend
  }

  public func size(in theme: Theme) -> Size { size }

  /// One entry per labelled series in the colours of `theme`.
  public func legendEntries(in theme: Theme = .paper) -> [Legend.Key] {
    series.enumerated().filter { !$1.label.isEmpty }
      .map { Legend.Key($1.label, .curve(pen(of: $0, theme), marker(of: $0))) }
  }

  func margins(in theme: Theme) -> Margins { frame(theme).margins(in: theme) }

  func draw(on canvas: inout Canvas, in rect: Rect, margins: Margins) {
    let (theme, area) = (canvas.theme, rect.inset(by: margins))
    let (xAxis, yAxis) = axes
    frame(theme).draw(on: &canvas, in: rect, area: area)

    func place(_ x: Double, _ y: Double, _ series: Series) -> Point? {
      guard let across = xAxis.position(of: x), let up = yAxis.position(of: y) else { return nil }
      return Point(area.minX + across * area.width + series.shift, area.maxY - up * area.height)
    }
    // Discs and line ends may reach a little beyond the area; what lies farther out is not shown.
    let rim = 2.5
    let window = area.inset(by: Margins(top: -rim, left: -rim, bottom: -rim, right: -rim))
    canvas.clipped(to: window) { canvas in
      for (index, series) in series.enumerated() where !series.low.isEmpty {
        let places = series.x.indices.map { at -> (low: Point, high: Point)? in
          guard let low = place(series.x[at], series.low[at], series),
            let high = place(series.x[at], series.high[at], series)
          else { return nil }
          return (low, high)
        }
        let color = pen(of: index, theme).color
        switch series.interval {
        case .band:
          for run in Self.runs(places) {
            canvas.fillBand(lower: run.map(\.low), upper: run.map(\.high), color.opacity(theme.bandOpacity))
          }
        case .bars:
          for bar in places.compactMap(\.self) {
            canvas.line(from: bar.low, to: bar.high, Pen(color, width: theme.ruleWidth))
          }
        }
      }
      for mark in marks {
        guard let across = xAxis.position(of: mark) else { continue }
        let x = area.minX + across * area.width
        canvas.line(
          from: Point(x, area.minY), to: Point(x, area.maxY),
          Pen(theme.mutedInk, width: theme.ruleWidth, dashes: [3, 2]))
      }
      for level in levels {
        guard let up = yAxis.position(of: level.value) else { continue }
        let height = area.maxY - up * area.height
        canvas.line(
          from: Point(area.minX, height), to: Point(area.maxX, height),
          Pen(theme.mutedInk, width: theme.ruleWidth, dashes: [3, 2]))
        canvas.text(level.label, at: Point(area.maxX, height - 2), theme.note, .right)
      }
      for (index, series) in series.enumerated() {
        let places = zip(series.x, series.y).map { place($0, $1, series) }
        if series.style != .points {
          for run in Self.runs(places) { canvas.stroke(Path(through: run), pen(of: index, theme)) }
        }
        for point in places.compactMap({ $0 }) {
          marker(of: index)?.draw(on: &canvas, at: point, pen(of: index, theme).color)
        }
      }
    }
  }

  private var axes: (FittedAxis, FittedAxis) {
    (
      x.fitted(to: series.flatMap(\.x), padding: 0.03),
      y.fitted(to: series.flatMap { $0.y + $0.low + $0.high } + levels.map(\.value), padding: 0.06)
    )
  }

  private func frame(_ theme: Theme) -> PlotFrame {
    let legend = showsLegend ? Legend(legendEntries(in: theme), width: size.width) : nil
    return PlotFrame(title: title, legend: legend, x: .values(axes.0), y: axes.1, size: size)
  }

  private func pen(of index: Int, _ theme: Theme) -> Pen {
    Pen(series[index].color ?? theme.color(ofSeries: index), width: theme.curveWidth, dashes: series[index].dashes)
  }

  /// Markers show where something was measured; on dense curves they would only hide it.
  private func marker(of index: Int) -> Marker? {
    switch series[index].style {
    case .curve where series[index].x.count <= 25, .points:
      series[index].marker ?? Marker.allCases[index % Marker.allCases.count]
    case .curve, .line: nil
    }
  }

  /// The uninterrupted stretches of a list.
  static func runs<Element>(_ elements: [Element?]) -> [[Element]] {
    elements.split { $0 == nil }.map { $0.compactMap { $0 } }
  }
}
