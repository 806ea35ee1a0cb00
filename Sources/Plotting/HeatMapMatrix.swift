import Failures
import Imaging

/// A matrix as coloured cells with the numbers in them: confusion matrices, correlations between explainers.
///
/// ```swift
/// let matrix = try HeatMapMatrix(
///   [[0.9, 0.1], [0.2, 0.8]], rows: ["church", "ball"], columns: ["church", "ball"],
///   range: 0...1, rowAxis: "true class", columnAxis: "predicted class")
/// try Figure(matrix).write(to: "confusion.pdf")
/// ```
public struct HeatMapMatrix: Drawable {
  /// Row by row.
  public let values: [[Double]]
  public let rows: [String]
  public let columns: [String]
  /// The values that take the ends of the colour map.
  public var range: ClosedRange<Double>
  public var colorMap: ColorMap
  /// Digits after the decimal point.
  public var places: Int
  public var rowAxis: String
  public var columnAxis: String
  public var title: String?
  /// The side of a cell in points; columns are wider where a number needs it.
  public var cellSize: Double

  /// A matrix of values under names; without a range, the least and the greatest finite value take the map's ends.
  ///
  /// - Throws: `PullbackError` unless `values` has one row per row name and one value per column name in each.
  public init(
    _ values: [[Double]], rows: [String], columns: [String], range: ClosedRange<Double>? = nil,
    colorMap: ColorMap = .blues, places: Int = 2, rowAxis: String = "", columnAxis: String = "", title: String? = nil,
    cellSize: Double = 22
  ) throws {
    guard values.count == rows.count, values.allSatisfy({ $0.count == columns.count }) else {
      throw PullbackError(
        .usage, "matrix", "\(rows.count) x \(columns.count) names for rows of \(values.map(\.count)) values",
        advice: "pass one row of values per row name and one value per column name")
    }
    let finite = values.joined().filter(\.isFinite)
    (self.values, self.rows, self.columns) = (values, rows, columns)
    self.range = range ?? (finite.min() ?? 0)...(finite.max() ?? 1)
    (self.colorMap, self.places) = (colorMap, places)
    (self.rowAxis, self.columnAxis, self.title) = (rowAxis, columnAxis, title)
    self.cellSize = cellSize
  }

  public func size(in theme: Theme) -> Size {
    let (area, cell) = (margins(theme), cell(theme))
    return Size(
      area.left + cell.width * Double(columns.count) + area.right,
      area.top + cell.height * Double(rows.count) + area.bottom)
  }

  public func draw(on canvas: inout Canvas, in rect: Rect) {
    let (theme, cell, margins) = (canvas.theme, cell(canvas.theme), margins(canvas.theme))
    let area = Rect(
      x: rect.minX + margins.left, y: rect.minY + margins.top,
      width: cell.width * Double(columns.count), height: cell.height * Double(rows.count))
    for (row, line) in values.enumerated() {
      let y = area.minY + Double(row) * cell.height
      canvas.text(
        rows[row], at: Point(area.minX - theme.spacing, y + cell.height / 2), theme.small, .right, vertical: .middle)
      for (column, value) in line.enumerated() {
        let place = Rect(x: area.minX + Double(column) * cell.width, y: y, width: cell.width, height: cell.height)
        let color = value.isNaN ? theme.gridColor : Color(colorMap.color(at: position(value)))
        canvas.fill(place, color)
        canvas.text(
          decimal(value, places: places), at: place.center, TextStyle(theme.smallSize, .regular, color.readableInk),
          .center, vertical: .middle)
      }
    }
    for (column, name) in columns.enumerated() {
      let x = area.minX + (Double(column) + 0.5) * cell.width
      if isSlanted(theme) {
        canvas.text(name, at: Point(x, area.minY - theme.spacing), theme.small, .left, angle: 40)
      } else {
        canvas.text(
          name, at: Point(x, area.minY - theme.spacing - theme.small.descent), theme.small, .center)
      }
    }
    canvas.stroke(area, theme.rule)
    canvas.text(
      columnAxis, at: Point(area.center.x, area.maxY + theme.spacing), theme.label(), .center, vertical: .top)
    canvas.text(rowAxis, at: Point(rect.minX, area.center.y), theme.label(), .center, vertical: .top, angle: 90)
    canvas.text(title ?? "", at: Point(area.center.x, rect.minY), theme.title(), .center, vertical: .top)
  }

  /// The position of `value` in the range of the colour map.
  private func position(_ value: Double) -> Double {
    let span = range.upperBound - range.lowerBound
    let share = span > 0 ? (value - range.lowerBound) / span : 0.5
    return colorMap.range.lowerBound + share * (colorMap.range.upperBound - colorMap.range.lowerBound)
  }

  private func cell(_ theme: Theme) -> Size {
    let widest = values.joined().map { theme.small.width(of: decimal($0, places: places)) }.max() ?? 0
    return Size(max(cellSize, widest + 2 * theme.spacing), cellSize)
  }

  /// Column names are turned by 40 degrees where one is wider than its column.
  private func isSlanted(_ theme: Theme) -> Bool {
    columns.contains { theme.small.width(of: $0) > cell(theme).width - 2 }
  }

  private func margins(_ theme: Theme) -> Margins {
    let names = columns.map(theme.small.width)
    var margins = Margins(
      left: (rows.map(theme.small.width).max() ?? 0) + theme.spacing, right: theme.ruleWidth)
    if !rowAxis.isEmpty { margins.left += theme.labelSize + 2 * theme.spacing }
    if isSlanted(theme) {
      margins.top = (names.max() ?? 0) * 0.643 + theme.small.capHeight + theme.spacing
      // The last name leans out to the right of its column.
      let lean = names.enumerated().map { index, width in
        width * 0.766 - (Double(columns.count - index) - 0.5) * cell(theme).width
      }
      margins.right = max(theme.ruleWidth, lean.max() ?? 0)
    } else {
      margins.top = theme.small.capHeight + theme.small.descent + theme.spacing
    }
    if title != nil { margins.top += theme.title().capHeight + 2 * theme.spacing }
    margins.bottom = columnAxis.isEmpty ? theme.ruleWidth : theme.spacing + theme.labelSize
    return margins
  }
}
