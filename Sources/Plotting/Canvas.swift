import Foundation
import Imaging

/// A sheet of fixed size that remembers what is drawn on it, in points from the top left corner.
///
/// A canvas holds plain data, replayed as pixels, PDF or SVG by ``Figure``: the three come from one drawing, and
/// drawing itself cannot fail. Marks with a coordinate that is not a number are left out.
///
/// ```swift
/// var canvas = Canvas(size: Size(100, 40))
/// canvas.fill(Rect(x: 10, y: 10, width: 20, height: 20), .okabeIto[0])
/// canvas.text("hello", at: Point(35, 20), TextStyle(8), vertical: .middle)
/// ```
public struct Canvas: Sendable {
  /// Width and height in points.
  public let size: Size
  public let theme: Theme
  private(set) var marks: [Mark] = []
  private var origin = Point(0, 0)
  private var scale = 1.0

  /// An empty canvas.
  public init(size: Size, theme: Theme = .paper) {
    self.size = size
    self.theme = theme
  }

  /// Fills what the path encloses.
  public mutating func fill(_ path: Path, _ color: Color) {
    record(path) { .fill($0, color) }
  }

  /// Fills a rectangle.
  public mutating func fill(_ rect: Rect, _ color: Color) {
    fill(Path(rect), color)
  }

  /// Draws along the path.
  public mutating func stroke(_ path: Path, _ pen: Pen) {
    let placed = pen.scaled(by: scale)
    record(path) { .stroke($0, placed) }
  }

  /// Draws around a rectangle.
  public mutating func stroke(_ rect: Rect, _ pen: Pen) {
    stroke(Path(rect), pen)
  }

  /// Draws a straight line.
  public mutating func line(from start: Point, to end: Point, _ pen: Pen) {
    stroke(Path(through: [start, end]), pen)
  }

  /// Fills between two curves over the same abscissae: out along `upper`, back along `lower`.
  public mutating func fillBand(lower: [Point], upper: [Point], _ color: Color) {
    fill(Path(through: upper + lower.reversed(), closed: true), color)
  }

  /// One line of text: `horizontal` and `vertical` align it to `point`, about which it is then turned by `angle`
  /// degrees anticlockwise; 90 reads upwards.
  public mutating func text(
    _ string: String, at point: Point, _ style: TextStyle, _ horizontal: HorizontalAlignment = .left,
    vertical: VerticalAlignment = .baseline, angle: Double = 0
  ) {
    let printable = Fonts.printable(string)
    let (width, turn) = (style.width(of: printable), -angle * .pi / 180)
    let (along, across) = (-width * horizontal.share, vertical.baselineOffset(style))
    let start = Point(
      point.x + along * cos(turn) - across * sin(turn), point.y + along * sin(turn) + across * cos(turn))
    guard !printable.isEmpty, start.isFinite, style.size > 0, style.size.isFinite else { return }
    marks.append(
      .text(
        TextRun(
          string: printable, start: place(start), size: style.size * scale, weight: style.weight, color: style.color,
          turn: turn, width: width * scale)))
  }

  /// Several lines of text, the block as a whole aligned to `point`.
  public mutating func text(
    lines: [String], at point: Point, _ style: TextStyle, _ horizontal: HorizontalAlignment = .left,
    vertical: VerticalAlignment = .top
  ) {
    let step = style.size * theme.lineSpacing
    let below = Double(lines.count - 1) * step
    let first: Double =
      switch vertical {
      case .top: 0
      case .middle: -below / 2
      case .baseline, .bottom: -below
      }
    for (index, line) in lines.enumerated() {
      text(line, at: Point(point.x, point.y + first + Double(index) * step), style, horizontal, vertical: vertical)
    }
  }

  /// A picture stretched over `rect`: enlarged by repeating pixels, reduced by averaging them.
  public mutating func image(_ picture: Picture, in rect: Rect) {
    guard picture.width > 0, picture.height > 0, rect.width > 0, rect.height > 0, rect.isFinite else { return }
    marks.append(.image(picture.inColor, place(rect)))
  }

  /// Draws `content` and shows only what falls into `rect`.
  public mutating func clipped(to rect: Rect, _ content: (inout Canvas) -> Void) {
    guard rect.isFinite else { return }
    let outside = marks
    marks = []
    content(&self)
    marks = outside + [.clip(place(rect), marks)]
  }

  /// Draws `content` with its origin at `point` and everything, type and lines included, enlarged by `scale`.
  public mutating func placed(at point: Point, scale factor: Double = 1, _ content: (inout Canvas) -> Void) {
    let before = (origin, scale)
    origin = place(point)
    scale *= factor
    content(&self)
    (origin, scale) = before
  }

  private mutating func record(_ path: Path, _ mark: (Path) -> Mark) {
    guard !path.steps.isEmpty, path.points.allSatisfy(\.isFinite) else { return }
    marks.append(mark(path.map(place)))
  }

  /// Cairo's coordinates end at 2^23 pixels; what lies far outside the sheet is brought nearer, unseen.
  private func place(_ point: Point) -> Point {
    func bounded(_ value: Double) -> Double { min(1e5, max(-1e5, value)) }
    return Point(bounded(origin.x + point.x * scale), bounded(origin.y + point.y * scale))
  }

  private func place(_ rect: Rect) -> Rect {
    let (a, b) = (place(Point(rect.minX, rect.minY)), place(Point(rect.maxX, rect.maxY)))
    return Rect(x: a.x, y: a.y, width: b.x - a.x, height: b.y - a.y)
  }
}

/// The pen of a line: colour, width in points and, for broken lines, the lengths of dashes and gaps.
public struct Pen: Equatable, Sendable {
  public var color: Color
  public var width: Double
  public var dashes: [Double]

  public init(_ color: Color, width: Double, dashes: [Double] = []) {
    self.color = color
    self.width = width
    self.dashes = dashes
  }

  func scaled(by factor: Double) -> Pen {
    Pen(color, width: width * factor, dashes: dashes.map { $0 * factor })
  }
}

/// The end of a text that lies at its point.
public enum HorizontalAlignment: Equatable, Sendable {
  case left, center, right

  var share: Double {
    switch self {
    case .left: 0
    case .center: 0.5
    case .right: 1
    }
  }
}

/// The height of a text that lies at its point: the top of its capitals, half of their height, the baseline or the foot
/// of its descenders.
public enum VerticalAlignment: Equatable, Sendable {
  case top, middle, baseline, bottom

  func baselineOffset(_ style: TextStyle) -> Double {
    switch self {
    case .top: style.capHeight
    case .middle: style.capHeight / 2
    case .baseline: 0
    case .bottom: -style.descent
    }
  }
}

/// One remembered act of drawing, its coordinates in points of the sheet.
enum Mark: Equatable, Sendable {
  case fill(Path, Color)
  case stroke(Path, Pen)
  case text(TextRun)
  case image(Picture, Rect)
  case clip(Rect, [Mark])
}

/// A line of text from the start of its baseline, turned clockwise by `turn` radians.
struct TextRun: Equatable, Sendable {
  var string: String
  var start: Point
  var size: Double
  var weight: TextStyle.Weight
  var color: Color
  var turn: Double
  var width: Double
}

extension Point {
  var isFinite: Bool { x.isFinite && y.isFinite }
}

extension Rect {
  var isFinite: Bool { minX.isFinite && minY.isFinite && maxX.isFinite && maxY.isFinite }
}
