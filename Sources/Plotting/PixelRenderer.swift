import CCairo
import Failures
import Imaging

/// Draws the marks of a canvas as pixels.
///
/// Upright lines, rectangles and pictures are moved to whole pixels, so that frames are sharp and equal. Letters are
/// filled outlines: Cairo's glyph caches place letters on whole pixels in some versions and not in others.
struct PixelRenderer {
  private let target: CairoSurface
  private let scale: Double

  static func render(_ canvas: Canvas) throws -> Picture {
    let scale = canvas.theme.pixelsPerPoint
    // Sizes beyond Int (or NaN) become zero and are refused with the rest.
    let width = Int(exactly: (canvas.size.width * scale).rounded()) ?? 0
    let height = Int(exactly: (canvas.size.height * scale).rounded()) ?? 0
    let renderer = PixelRenderer(
      target: try CairoSurface(try newImageSurface(width: width, height: height)), scale: scale)
    renderer.target.set(canvas.theme.background)
    cairo_paint(renderer.target.context)
    try renderer.draw(canvas.marks)
    try renderer.target.check()
    return Picture(cairo: renderer.target.surface)
  }

  private func draw(_ marks: [Mark]) throws {
    let context = target.context
    for mark in marks {
      switch mark {
      case .fill(let path, let color):
        target.set(color)
        target.trace(path) { path.isUpright ? snapped($0) : scaled($0) }
        cairo_fill(context)
      case .stroke(let path, let pen):
        stroke(path, pen.scaled(by: scale))
      case .text(let run):
        draw(run)
      case .image(let picture, let rect):
        try draw(picture, in: rect)
      case .clip(let rect, let inner):
        cairo_save(context)
        target.trace(Path(rect), snapped)
        cairo_clip(context)
        try draw(inner)
        cairo_restore(context)
      }
    }
  }

  private func stroke(_ path: Path, _ pen: Pen) {
    guard path.isUpright else { return target.stroke(path, pen, scaled) }
    // A line of an odd number of pixels is sharp when its middle is the middle of a pixel.
    var pen = pen
    pen.width = max(1, pen.width.rounded())
    let shift = pen.width.truncatingRemainder(dividingBy: 2) / 2
    target.stroke(path, pen) { Point(snapped($0).x + shift, snapped($0).y + shift) }
  }

  private func draw(_ run: TextRun) {
    let context = target.context
    let start = scaled(run.start)
    cairo_save(context)
    // Level text sits on whole pixels: all letters of a line have an equally sharp foot.
    cairo_translate(context, start.x, run.turn == 0 ? start.y.rounded() : start.y)
    cairo_rotate(context, run.turn)
    var run = run
    run.size *= scale
    target.selectFont(run)
    target.set(run.color)
    cairo_new_path(context)
    cairo_move_to(context, 0, 0)
    cairo_text_path(context, run.string)
    cairo_fill(context)
    cairo_restore(context)
  }

  private func draw(_ picture: Picture, in rect: Rect) throws {
    let (start, end) = (snapped(Point(rect.minX, rect.minY)), snapped(Point(rect.maxX, rect.maxY)))
    // Coordinates are bounded by the canvas, and scaled ones by the extent of the surface: both fit an Int.
    let (width, height) = (Int(max(1, end.x - start.x)), Int(max(1, end.y - start.y)))
    try checkExtent(width: width, height: height)
    let source = try picture.displayed(width: width, height: height).cairoSurface()
    defer { cairo_surface_destroy(source) }
    cairo_set_source_surface(target.context, source, start.x, start.y)
    cairo_pattern_set_filter(cairo_get_source(target.context), CAIRO_FILTER_NEAREST)
    cairo_rectangle(target.context, start.x, start.y, Double(width), Double(height))
    cairo_fill(target.context)
  }

  private func scaled(_ point: Point) -> Point { Point(point.x * scale, point.y * scale) }
  private func snapped(_ point: Point) -> Point { Point((point.x * scale).rounded(), (point.y * scale).rounded()) }
}

extension Path {
  /// Whether every step runs along one axis: a rule, a frame, a bar.
  var isUpright: Bool {
    var (start, last) = (Point(0, 0), Point(0, 0))
    for step in steps {
      switch step {
      case .move(let p):
        (start, last) = (p, p)
      case .line(let p):
        guard p.x == last.x || p.y == last.y else { return false }
        last = p
      case .curve:
        return false
      case .close:
        guard start.x == last.x || start.y == last.y else { return false }
        last = start
      }
    }
    return true
  }
}
