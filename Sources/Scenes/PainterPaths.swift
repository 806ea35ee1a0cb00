import CCairo
import Foundation

typealias Point = (x: Double, y: Double)

/// Shapes, each added to the current path.
extension Painter {
  func move(_ x: Double, _ y: Double) { cairo_move_to(context, x, y) }
  func line(_ x: Double, _ y: Double) { cairo_line_to(context, x, y) }
  func curve(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ x: Double, _ y: Double) {
    cairo_curve_to(context, x1, y1, x2, y2, x, y)
  }
  func close() { cairo_close_path(context) }

  func ellipse(_ x: Double, _ y: Double, _ rx: Double, _ ry: Double, turn: Double = 0) {
    let (c, s) = (cos(turn), sin(turn))
    let k = 0.5523
    func at(_ u: Double, _ v: Double) -> Point { (x + u * rx * c - v * ry * s, y + u * rx * s + v * ry * c) }
    func arc(_ a: Point, _ b: Point, _ end: Point) { curve(a.x, a.y, b.x, b.y, end.x, end.y) }
    let start = at(1, 0)
    move(start.x, start.y)
    arc(at(1, k), at(k, 1), at(0, 1))
    arc(at(-k, 1), at(-1, k), at(-1, 0))
    arc(at(-1, -k), at(-k, -1), at(0, -1))
    arc(at(k, -1), at(1, -k), at(1, 0))
    close()
  }

  func circle(_ x: Double, _ y: Double, _ r: Double) { ellipse(x, y, r, r) }

  /// A rectangle from its left top corner, its corners rounded by `radius`.
  func box(_ x: Double, _ y: Double, _ width: Double, _ height: Double, radius: Double = 0) {
    guard radius > 0 else { return cairo_rectangle(context, x, y, width, height) }
    let r = min(radius, width / 2, height / 2)
    let k = r * 0.4477
    let (right, bottom) = (x + width, y + height)
    move(x + r, y)
    line(right - r, y)
    curve(right - k, y, right, y + k, right, y + r)
    line(right, bottom - r)
    curve(right, bottom - k, right - k, bottom, right - r, bottom)
    line(x + r, bottom)
    curve(x + k, bottom, x, bottom - k, x, bottom - r)
    line(x, y + r)
    curve(x, y + k, x + k, y, x + r, y)
    close()
  }

  func polygon(_ points: [Point]) {
    trace(points)
    close()
  }

  func trace(_ points: [Point]) {
    guard let first = points.first else { return }
    move(first.x, first.y)
    for point in points.dropFirst() { line(point.x, point.y) }
  }

  /// A closed curve through the points (Catmull-Rom).
  func blob(_ points: [Point]) {
    guard let first = points.first else { return }
    move(first.x, first.y)
    for i in points.indices {
      segment(points, i) { points[($0 + points.count) % points.count] }
    }
    close()
  }

  /// An open curve through the points (Catmull-Rom).
  func path(_ points: [Point]) {
    guard let first = points.first else { return }
    move(first.x, first.y)
    for i in points.indices.dropLast() {
      segment(points, i) { points[min(max($0, 0), points.count - 1)] }
    }
  }

  private func segment(_ points: [Point], _ i: Int, _ at: (Int) -> Point) {
    let (before, from, to, after) = (at(i - 1), at(i), at(i + 1), at(i + 2))
    curve(
      from.x + (to.x - before.x) / 6, from.y + (to.y - before.y) / 6, to.x - (after.x - from.x) / 6,
      to.y - (after.y - from.y) / 6, to.x, to.y)
  }
}
