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

  /// Where in the stack of the scene the drawing is.
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

  /// What follows belongs to `part`.
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

  /// How a solid enters the mask or extent; nil if not at all.
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
