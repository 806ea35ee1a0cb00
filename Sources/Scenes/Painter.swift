import CCairo
import Foundation

/// The light and line of one scene.
struct Style {
  /// Unit vector towards the light on the frame, y downwards.
  var light: (x: Double, y: Double)
  /// Strength of the gradients that round the shapes, 0 to 1.
  var contrast: Double
  /// Width of outlines as a share of the frame; 0 draws none.
  var outline: Double
  /// Whether outlines are ink, or a darker tone of what they enclose.
  var isInked: Bool

  init(_ dice: inout Dice) {
    let angle = dice.number(-2.7, -0.45)
    light = (cos(angle), sin(angle))
    contrast = dice.number(0.55, 1)
    outline = dice.chance(0.5) ? dice.number(0.005, 0.0115) : 0
    isInked = dice.chance(0.45)
  }
}

/// Draws by Cairo, and draws the same again as a mask or as an extent.
///
/// Shapes are added to the current path (see PainterPaths) and consumed by one of the paints (see PainterPaints). A
/// *solid* paint covers what is below and makes up the masks; a *shade* only tints what is there.
final class Painter {
  enum Purpose {
    case picture
    /// Coverage of the parts given by what remains visible of them, on an A8 surface.
    case mask(of: [Part])
    /// The box around the solids of one part, or of the whole object, in device units.
    case extent(of: Part?)
  }

  /// The layer of the scene that is being drawn.
  enum Layer { case ground, object, occluder }

  let context: OpaquePointer
  let purpose: Purpose
  var style: Style
  var layer = Layer.ground
  /// The length of a ninety-sixth of the frame in the units of the drawing at hand.
  private(set) var pixel = 1.0 / 96
  /// Towards the light in the units of the drawing at hand.
  private(set) var light: (x: Double, y: Double)
  private(set) var extent = Box.nothing

  private var current: Part?
  private var isHidden = false
  private var isHiding: ((Part) -> Bool)?

  init(_ context: OpaquePointer, _ purpose: Purpose, _ style: Style) {
    (self.context, self.purpose, self.style) = (context, purpose, style)
    light = style.light
  }

  // MARK: What is drawn

  /// Assigns the shapes drawn from now on to `part`.
  func begin(_ part: Part) {
    current = part
    isHidden = isHiding?(part) ?? false
  }

  /// Draws an object without the parts for which `isHiding` holds.
  func object(_ drawing: any ObjectDrawing.Type, _ dice: inout Dice, hiding: ((Part) -> Bool)? = nil) {
    isHiding = hiding
    begin(drawing.parts[0])
    drawing.draw(self, &dice)
    (isHiding, isHidden, current) = (nil, false, nil)
  }

  var isPicture: Bool {
    guard !isHidden, case .picture = purpose else { return false }
    return true
  }

  /// The effect of a solid on the mask or extent; nil if there is none.
  enum Effect { case paint, cover, erase, measure }

  var effect: Effect? {
    if isHidden { return nil }
    switch purpose {
    case .picture: return .paint
    case .extent(let part): return layer == .object && (part == nil || part == current) ? .measure : nil
    case .mask(let parts):
      if layer == .ground { return nil }
      guard layer == .object, let current else { return .erase }
      return parts.contains(current) ? .cover : .erase
    }
  }

  /// Grows the extent by the current path, `margin` beyond it in drawing units.
  func measure(_ margin: Double) {
    var matrix = cairo_matrix_t()
    cairo_get_matrix(context, &matrix)
    cairo_identity_matrix(context)
    var box = Box.nothing
    cairo_path_extents(context, &box.left, &box.top, &box.right, &box.bottom)
    cairo_set_matrix(context, &matrix)
    let outset = margin * (matrix.xx * matrix.xx + matrix.yx * matrix.yx).squareRoot()
    extent = extent.union(box.outset(by: outset))
  }

  // MARK: Where it is drawn

  /// Draws `body` in coordinates moved, turned, mirrored and scaled.
  func place(
    x: Double = 0, y: Double = 0, scale: Double = 1, stretch: Double = 1, turn: Double = 0, mirrored: Bool = false,
    _ body: () -> Void
  ) {
    let (oldPixel, oldLight) = (pixel, light)
    cairo_save(context)
    cairo_translate(context, x, y)
    cairo_rotate(context, turn)
    let horizontal = mirrored ? -scale : scale
    cairo_scale(context, horizontal, scale * stretch)
    pixel /= scale
    let turned = (x: light.x * cos(turn) + light.y * sin(turn), y: light.y * cos(turn) - light.x * sin(turn))
    light = (mirrored ? -turned.x : turned.x, turned.y)
    body()
    cairo_restore(context)
    (pixel, light) = (oldPixel, oldLight)
  }

  /// Draws `body` within the current path, which is consumed.
  func inside(_ body: () -> Void) {
    cairo_save(context)
    cairo_clip(context)
    body()
    cairo_restore(context)
  }
}

/// An upright rectangle.
struct Box: Equatable, Sendable {
  var left, top, right, bottom: Double

  static let nothing = Box(left: .infinity, top: .infinity, right: -.infinity, bottom: -.infinity)

  var width: Double { right - left }
  var height: Double { bottom - top }
  var center: (x: Double, y: Double) { ((left + right) / 2, (top + bottom) / 2) }

  func union(_ other: Box) -> Box {
    Box(
      left: min(left, other.left), top: min(top, other.top), right: max(right, other.right),
      bottom: max(bottom, other.bottom))
  }

  func outset(by margin: Double) -> Box {
    Box(left: left - margin, top: top - margin, right: right + margin, bottom: bottom + margin)
  }
}

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
