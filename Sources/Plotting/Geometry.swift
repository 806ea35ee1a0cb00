/// A place on a canvas, in points (1/72 inch): x to the right, y down from the top.
public struct Point: Equatable, Sendable {
  public var x: Double
  public var y: Double

  public init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }
}

/// An extent in points.
public struct Size: Equatable, Sendable {
  public var width: Double
  public var height: Double

  public init(_ width: Double, _ height: Double) {
    self.width = width
    self.height = height
  }
}

/// An upright rectangle in points.
public struct Rect: Equatable, Sendable {
  public var minX: Double
  public var minY: Double
  public var width: Double
  public var height: Double

  public init(x: Double, y: Double, width: Double, height: Double) {
    minX = x
    minY = y
    self.width = width
    self.height = height
  }

  public init(at origin: Point, _ size: Size) {
    self.init(x: origin.x, y: origin.y, width: size.width, height: size.height)
  }

  public var maxX: Double { minX + width }
  public var maxY: Double { minY + height }
  public var center: Point { Point(minX + width / 2, minY + height / 2) }

  /// The rectangle that remains when `margins` are taken off the four sides.
  public func inset(by margins: Margins) -> Rect {
    Rect(
      x: minX + margins.left, y: minY + margins.top,
      width: width - margins.left - margins.right, height: height - margins.top - margins.bottom)
  }

  /// The largest centred rectangle of the proportions width to height that fits inside.
  public func fitting(width proportionalWidth: Double, height proportionalHeight: Double) -> Rect {
    let scale = min(width / proportionalWidth, height / proportionalHeight)
    let size = Size(proportionalWidth * scale, proportionalHeight * scale)
    return Rect(at: Point(center.x - size.width / 2, center.y - size.height / 2), size)
  }
}

/// Distances kept free at the four sides of a rectangle, in points.
public struct Margins: Equatable, Sendable {
  public var top: Double
  public var left: Double
  public var bottom: Double
  public var right: Double

  public init(top: Double = 0, left: Double = 0, bottom: Double = 0, right: Double = 0) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }
}

/// A line drawn from point to point; its steps are applied in order.
public struct Path: Equatable, Sendable {
  /// A piece of a path.
  public enum Step: Equatable, Sendable {
    /// Begins anew elsewhere.
    case move(Point)
    /// A straight line to there.
    case line(Point)
    /// A cubic Bezier curve: two control points, then the end.
    case curve(Point, Point, Point)
    /// A straight line back to where the path began.
    case close
  }

  public private(set) var steps: [Step]

  public init(_ steps: [Step]) {
    self.steps = steps
  }

  /// The open line through `points`, or the polygon when `closed`.
  public init(through points: [Point], closed: Bool = false) {
    steps = points.enumerated().map { $0.offset == 0 ? .move($0.element) : .line($0.element) }
    if closed { steps.append(.close) }
  }

  public init(_ rect: Rect) {
    self.init(
      through: [
        Point(rect.minX, rect.minY), Point(rect.maxX, rect.minY),
        Point(rect.maxX, rect.maxY), Point(rect.minX, rect.maxY),
      ], closed: true)
  }

  /// A circle of four cubic arcs; its radius errs by at most 0.03 %.
  public init(circleAt c: Point, radius r: Double) {
    let k = r * 0.5522847498
    steps = [
      .move(Point(c.x + r, c.y)),
      .curve(Point(c.x + r, c.y + k), Point(c.x + k, c.y + r), Point(c.x, c.y + r)),
      .curve(Point(c.x - k, c.y + r), Point(c.x - r, c.y + k), Point(c.x - r, c.y)),
      .curve(Point(c.x - r, c.y - k), Point(c.x - k, c.y - r), Point(c.x, c.y - r)),
      .curve(Point(c.x + k, c.y - r), Point(c.x + r, c.y - k), Point(c.x + r, c.y)),
      .close,
    ]
  }

  /// The path with every point replaced.
  func map(_ transform: (Point) -> Point) -> Path {
    Path(
      steps.map { step in
        switch step {
        case .move(let p): .move(transform(p))
        case .line(let p): .line(transform(p))
        case .curve(let a, let b, let p): .curve(transform(a), transform(b), transform(p))
        case .close: .close
        }
      })
  }

  /// Every point of the path, control points included.
  var points: [Point] {
    steps.flatMap { step -> [Point] in
      switch step {
      case .move(let p), .line(let p): [p]
      case .curve(let a, let b, let p): [a, b, p]
      case .close: []
      }
    }
  }
}
