/// A drawable with a plotting area inside its labels, which panels side by side can line up.
protocol Framed: Drawable {
  /// The room that titles, labels and legend take around the plotting area.
  func margins(in theme: Theme) -> Margins

  /// Draws itself with the plotting area set in from `rect` by `margins`, which are at least its own.
  func draw(on canvas: inout Canvas, in rect: Rect, margins: Margins)
}

extension Framed {
  public func draw(on canvas: inout Canvas, in rect: Rect) {
    draw(on: &canvas, in: rect, margins: margins(in: canvas.theme))
  }
}

/// The parts that plots share: title, legend, grid, axes with ticks and labels around a plotting area.
struct PlotFrame {
  /// The marks along x: values of an axis, or names in equal slots.
  enum Abscissa {
    case values(FittedAxis)
    case names([String], label: String)
  }

  let title: String?
  let legend: Legend?
  let x: Abscissa
  let y: FittedAxis
  let size: Size

  private let tickLength = 2.5
  /// Labels of ordinates about every 20 points, of abscissae every 34.
  private let ySpacing = 20.0
  private let xSpacing = 34.0

  func margins(in theme: Theme) -> Margins {
    let gap = theme.spacing
    var margins = Margins()
    if let title {
      let lines = theme.title().lines(of: title, within: size.width)
      margins.top += theme.title().height(ofLines: lines.count, spacing: theme.lineSpacing) + gap
    }
    if let legend { margins.top += legend.height(within: size.width - 24, in: theme) + gap }
    margins.top = max(margins.top, theme.small.capHeight)
    let yLabels = y.ticks(along: size.height - 40, spacing: ySpacing).map { theme.small.width(of: $0.label) }
    margins.left = (yLabels.max() ?? 0) + tickLength + gap
    if !y.axis.label.isEmpty { margins.left += theme.labelSize + gap }

    let plotWidth = size.width - margins.left
    switch x {
    case .values(let axis):
      let last = xTicks(axis, width: plotWidth, theme).last
      margins.right = max(theme.ruleWidth, last.map { theme.small.width(of: $0.label) / 2 } ?? 0)
      margins.bottom = tickLength + gap + theme.small.capHeight
    case .names(let names, _):
      let height = slantedHeight(names, width: plotWidth, theme)
      margins.bottom = tickLength + gap + (height ?? nameHeight(names, width: plotWidth, theme))
    }
    margins.bottom += xLabel.isEmpty ? theme.small.descent : gap + theme.labelSize
    return margins
  }

  /// Draws everything around `area`, and the grid inside it.
  func draw(on canvas: inout Canvas, in rect: Rect, area: Rect) {
    let theme = canvas.theme
    if let title {
      let lines = theme.title().lines(of: title, within: size.width)
      canvas.text(lines: lines, at: Point(area.minX, rect.minY), theme.title())
    }
    if let legend {
      let height = legend.height(within: size.width - 24, in: theme)
      let top = area.minY - theme.spacing - height
      legend.draw(on: &canvas, in: Rect(x: area.minX, y: top, width: rect.maxX - area.minX, height: height))
    }
    drawOrdinates(on: &canvas, in: rect, area: area)
    switch x {
    case .values(let axis): drawAbscissae(axis, on: &canvas, area: area)
    case .names(let names, _): drawNames(names, on: &canvas, area: area)
    }
    canvas.line(from: Point(area.minX, area.minY), to: Point(area.minX, area.maxY), theme.rule)
    canvas.line(from: Point(area.minX, area.maxY), to: Point(area.maxX, area.maxY), theme.rule)
    canvas.text(
      xLabel, at: Point(area.center.x, area.maxY + margins(in: theme).bottom - theme.label().descent), theme.label(),
      .center)
  }

  private func drawOrdinates(on canvas: inout Canvas, in rect: Rect, area: Rect) {
    let theme = canvas.theme
    let ticks = y.ticks(along: size.height - 40, spacing: ySpacing)
    for tick in ticks {
      guard let height = y.position(of: tick.value) else { continue }
      let level = area.maxY - height * area.height
      canvas.line(
        from: Point(area.minX, level), to: Point(area.maxX, level), Pen(theme.gridColor, width: theme.hairline))
      canvas.line(from: Point(area.minX - tickLength, level), to: Point(area.minX, level), theme.rule)
      canvas.text(
        tick.label, at: Point(area.minX - tickLength - theme.spacing * 0.6, level), theme.small, .right,
        vertical: .middle)
    }
    for value in y.minorTicks {
      guard let height = y.position(of: value) else { continue }
      let level = area.maxY - height * area.height
      canvas.line(from: Point(area.minX - tickLength * 0.6, level), to: Point(area.minX, level), theme.rule)
    }
    canvas.text(
      y.axis.label, at: Point(rect.minX, area.center.y), theme.label(), .center, vertical: .top, angle: 90)
  }

  private func drawAbscissae(_ axis: FittedAxis, on canvas: inout Canvas, area: Rect) {
    let theme = canvas.theme
    for tick in xTicks(axis, width: area.width, theme) {
      guard let share = axis.position(of: tick.value) else { continue }
      let place = area.minX + share * area.width
      canvas.line(
        from: Point(place, area.minY), to: Point(place, area.maxY), Pen(theme.gridColor, width: theme.hairline))
      canvas.line(from: Point(place, area.maxY), to: Point(place, area.maxY + tickLength), theme.rule)
      canvas.text(
        tick.label, at: Point(place, area.maxY + tickLength + theme.spacing * 0.6), theme.small, .center,
        vertical: .top)
    }
    for value in axis.minorTicks {
      guard let share = axis.position(of: value) else { continue }
      let place = area.minX + share * area.width
      canvas.line(from: Point(place, area.maxY), to: Point(place, area.maxY + tickLength * 0.6), theme.rule)
    }
  }

  private func drawNames(_ names: [String], on canvas: inout Canvas, area: Rect) {
    let theme = canvas.theme
    let slot = area.width / Double(max(1, names.count))
    let isSlanted = slantedHeight(names, width: area.width, theme) != nil
    let top = area.maxY + tickLength + theme.spacing * 0.6
    for (index, name) in names.enumerated() {
      let middle = area.minX + (Double(index) + 0.5) * slot
      if isSlanted {
        canvas.text(
          name, at: Point(middle + theme.small.capHeight / 2, top), theme.small, .right, vertical: .top, angle: 40)
      } else {
        canvas.text(lines: theme.small.lines(of: name, within: slot), at: Point(middle, top), theme.small, .center)
      }
    }
  }

  private var xLabel: String {
    switch x {
    case .values(let axis): axis.axis.label
    case .names(_, let label): label
    }
  }

  private func xTicks(_ axis: FittedAxis, width: Double, _ theme: Theme) -> [Tick] {
    axis.ticks(along: width, spacing: xSpacing, width: theme.small.width)
  }

  private func nameHeight(_ names: [String], width: Double, _ theme: Theme) -> Double {
    let slot = width / Double(max(1, names.count))
    let lines = names.map { theme.small.lines(of: $0, within: slot).count }.max() ?? 0
    return theme.small.height(ofLines: lines, spacing: theme.lineSpacing) - theme.small.descent
  }

  /// The height of names turned by 40 degrees, where a word is wider than its slot; nil where they stay level.
  private func slantedHeight(_ names: [String], width: Double, _ theme: Theme) -> Double? {
    let slot = width / Double(max(1, names.count)) - theme.spacing
    let words = names.flatMap { $0.split(separator: " ") }.map { theme.small.width(of: String($0)) }
    guard let widest = words.max(), widest > slot else { return nil }
    let longest = names.map(theme.small.width).max() ?? 0
    return longest * 0.643 + theme.small.capHeight * 0.766
  }
}
