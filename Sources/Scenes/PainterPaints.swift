import CCairo
import Foundation

/// Paints, each of which consumes the current path.
extension Painter {
  private func set(_ tint: Tint) { cairo_set_source_rgba(context, tint.red, tint.green, tint.blue, tint.alpha) }

  /// Fills or strokes the path as a mask does; false if there is a picture to paint.
  private func isMasked(outline: Double, stroked: Bool) -> Bool {
    guard let effect else {
      cairo_new_path(context)
      return true
    }
    switch effect {
    case .paint: return false
    case .measure:
      measure(outline / 2)
      cairo_new_path(context)
    case .cover, .erase:
      cairo_set_operator(context, effect == .cover ? CAIRO_OPERATOR_OVER : CAIRO_OPERATOR_DEST_OUT)
      set(.black)
      if !stroked { cairo_fill_preserve(context) }
      if outline > 0 {
        cairo_set_line_width(context, outline)
        cairo_stroke_preserve(context)
      }
      cairo_new_path(context)
    }
    return true
  }

  private var outlineWidth: Double { style.outline * 96 * pixel }

  private func outline(of tint: Tint) {
    set(style.isInked ? Tint(0.07, 0.06, 0.1) : tint.dark(0.62).faded(1))
    cairo_set_line_width(context, outlineWidth)
    cairo_stroke(context)
  }

  /// Fills with a gradient stop after stop along a line.
  private func pour(_ pattern: OpaquePointer?, _ stops: [(Double, Tint)]) {
    for (offset, tint) in stops {
      cairo_pattern_add_color_stop_rgba(pattern, offset, tint.red, tint.green, tint.blue, tint.alpha)
    }
    cairo_set_source(context, pattern)
    cairo_pattern_destroy(pattern)
    cairo_fill_preserve(context)
  }

  private var pathBox: Box {
    var box = Box.nothing
    cairo_path_extents(context, &box.left, &box.top, &box.right, &box.bottom)
    return box
  }

  // MARK: Solids

  /// One plain tint.
  func flat(_ tint: Tint, outlined: Bool = false) {
    let width = outlined ? outlineWidth : 0
    if isMasked(outline: width, stroked: false) { return }
    set(tint)
    cairo_fill_preserve(context)
    if width > 0 { outline(of: tint) }
    cairo_new_path(context)
  }

  /// Rounded by the light: brighter towards it, darker away.
  func solid(_ tint: Tint, depth: Double = 1, outlined: Bool = true) {
    let width = outlined ? outlineWidth : 0
    if isMasked(outline: width, stroked: false) { return }
    let box = pathBox
    let (x, y) = box.center
    let reach = (abs(light.x) * box.width + abs(light.y) * box.height) / 2
    let (dx, dy) = (light.x * reach, light.y * reach)
    let strength = style.contrast * depth
    pour(
      cairo_pattern_create_linear(x + dx, y + dy, x - dx, y - dy),
      [(0, tint.lit(0.42 * strength)), (0.45, tint), (1, tint.dark(0.52 * strength))])
    if width > 0 { outline(of: tint) }
    cairo_new_path(context)
  }

  /// A gradient from `start` to `end`.
  func linear(_ start: Point, _ end: Point, _ stops: [(Double, Tint)], outlined: Bool = true) {
    let width = outlined ? outlineWidth : 0
    if isMasked(outline: width, stroked: false) { return }
    pour(cairo_pattern_create_linear(start.x, start.y, end.x, end.y), stops)
    if width > 0, let tint = stops.last?.1 { outline(of: tint) }
    cairo_new_path(context)
  }

  /// A ball's shading: the highlight lies towards the light.
  func ball(_ tint: Tint, gloss: Double = 0.7) {
    if isMasked(outline: outlineWidth, stroked: false) { return }
    let box = pathBox
    let (x, y) = box.center
    let r = max(box.width, box.height) / 2
    let c = style.contrast
    pour(
      cairo_pattern_create_radial(x + light.x * r * 0.48, y + light.y * r * 0.48, 0, x, y, r * 1.05),
      [(0, tint.lit(gloss)), (0.38, tint), (0.75, tint.dark(0.3 * c)), (1, tint.dark(0.62 * c))])
    if style.outline > 0 { outline(of: tint) }
    cairo_new_path(context)
  }

  /// A line of the width given, no thinner than four fifths of a pixel of 96.
  func stroke(_ tint: Tint, _ width: Double, square: Bool = false) {
    let width = max(width, 0.8 * pixel)
    cairo_set_line_cap(context, square ? CAIRO_LINE_CAP_BUTT : CAIRO_LINE_CAP_ROUND)
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    if isMasked(outline: width, stroked: true) { return }
    set(tint)
    cairo_set_line_width(context, width)
    cairo_stroke(context)
  }

  /// A round tube along the path: dark edges, the tint, and a highlight towards the light.
  func tube(_ tint: Tint, _ width: Double, gloss: Double = 0.75) {
    cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND)
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    if isMasked(outline: width, stroked: true) { return }
    for (shade, share) in [(tint.dark(0.6), 1), (tint, 0.66), (tint.lit(gloss), 0.2)] {
      set(shade)
      cairo_set_line_width(context, width * share)
      cairo_stroke_preserve(context)
    }
    cairo_new_path(context)
  }

  // MARK: Shades, which are no part of a mask

  /// A tint over what is there.
  func shade(_ tint: Tint) {
    if isPicture {
      set(tint)
      cairo_fill(context)
    }
    cairo_new_path(context)
  }

  /// A line over what is there.
  func mark(_ tint: Tint, _ width: Double) {
    if isPicture {
      set(tint)
      cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND)
      cairo_set_line_width(context, max(width, 0.6 * pixel))
      cairo_stroke(context)
    }
    cairo_new_path(context)
  }

  /// A tint that runs out from the middle of an ellipse.
  func glow(_ x: Double, _ y: Double, _ rx: Double, _ ry: Double, _ tint: Tint, core: Double = 0) {
    guard isPicture else { return }
    cairo_save(context)
    cairo_translate(context, x, y)
    cairo_scale(context, rx, ry)
    cairo_rectangle(context, -1, -1, 2, 2)
    pour(cairo_pattern_create_radial(0, 0, core, 0, 0, 1), [(0, tint), (1, tint.faded(0))])
    cairo_new_path(context)
    cairo_restore(context)
  }

  /// A gradient over what is there, from `start` to `end`.
  func wash(_ start: Point, _ end: Point, _ stops: [(Double, Tint)]) {
    if isPicture { pour(cairo_pattern_create_linear(start.x, start.y, end.x, end.y), stops) }
    cairo_new_path(context)
  }
}

/// A colour with opacity, components in 0...1.
struct Tint {
  var red, green, blue: Double
  var alpha = 1.0

  init(_ red: Double, _ green: Double, _ blue: Double, alpha: Double = 1) {
    (self.red, self.green, self.blue, self.alpha) = (red, green, blue, alpha)
  }

  init(grey: Double, alpha: Double = 1) { self.init(grey, grey, grey, alpha: alpha) }

  /// Hue in turns, of any size.
  init(hue: Double, saturation: Double, value: Double) {
    let sector = (hue - hue.rounded(.down)) * 6
    func component(_ offset: Double) -> Double {
      let k = (offset + sector).truncatingRemainder(dividingBy: 6)
      return value - value * saturation * max(0, min(k, 4 - k, 1))
    }
    self.init(component(5), component(3), component(1))
  }

  static let black = Tint(grey: 0)
  static let white = Tint(grey: 1)

  func mixed(_ other: Tint, _ share: Double) -> Tint {
    Tint(
      red + (other.red - red) * share, green + (other.green - green) * share, blue + (other.blue - blue) * share,
      alpha: alpha + (other.alpha - alpha) * share)
  }

  /// Towards warm white.
  func lit(_ share: Double) -> Tint { mixed(Tint(1, 0.99, 0.94, alpha: alpha), share) }
  /// Towards a cool black.
  func dark(_ share: Double) -> Tint { mixed(Tint(0.05, 0.04, 0.11, alpha: alpha), share) }
  func faded(_ alpha: Double) -> Tint { Tint(red, green, blue, alpha: alpha) }
}
