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
    let (width, height) = extents(canvas.size, canvas.theme)
    let renderer = PixelRenderer(
      target: try CairoSurface(try newImageSurface(width: width, height: height)), scale: canvas.theme.pixelsPerPoint)
    renderer.target.set(canvas.theme.background)
    cairo_paint(renderer.target.context)
    try renderer.draw(canvas.marks)
    try renderer.target.check()
    return Picture(cairo: renderer.target.surface)
  }

  /// Throws if a canvas of this size has too many pixels.
  static func check(_ size: Size, _ theme: Theme) throws {
    let (width, height) = extents(size, theme)
    try checkExtent(width: width, height: height)
  }

  private static func extents(_ size: Size, _ theme: Theme) -> (width: Int, height: Int) {
    // Sizes beyond Int (or NaN) become zero and are refused with the rest.
    func pixels(_ points: Double) -> Int { Int(exactly: (points * theme.pixelsPerPoint).rounded()) ?? 0 }
    return (pixels(size.width), pixels(size.height))
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

/// A Cairo surface and its drawing context; whoever draws asks ``check()`` afterwards, since Cairo remembers its first
/// failure and ignores what follows.
final class CairoSurface {
  let surface: OpaquePointer?
  let context: OpaquePointer?
  /// The destination of a stream surface; kept alive as long as Cairo may write.
  private let sink: ByteSink?

  init(_ surface: OpaquePointer?, sink: ByteSink? = nil) throws {
    self.surface = surface
    self.sink = sink
    context = cairo_create(surface)
    let options = unhintedFontOptions()
    cairo_set_font_options(context, options)
    cairo_font_options_destroy(options)
    cairo_set_antialias(context, CAIRO_ANTIALIAS_GRAY)
    try check()
  }

  deinit {
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  /// - Throws: `PullbackError` with Cairo's own message, if anything has failed on this surface so far.
  func check() throws {
    try Self.check(cairo_status(context))
    try Self.check(cairo_surface_status(surface))
  }

  static func check(_ status: cairo_status_t) throws {
    guard status != CAIRO_STATUS_SUCCESS else { return }
    throw PullbackError(.cannotCreate, "cairo", String(cString: cairo_status_to_string(status)))
  }

  /// Ends the page and the document.
  func finish() throws {
    cairo_show_page(context)
    try check()
    cairo_surface_finish(surface)
    try Self.check(cairo_surface_status(surface))
  }

  func set(_ color: Color) {
    cairo_set_source_rgba(context, color.red, color.green, color.blue, color.opacity)
  }

  /// Makes `path` the current path, each of its points moved by `place`.
  func trace(_ path: Path, _ place: (Point) -> Point = { $0 }) {
    cairo_new_path(context)
    for step in path.map(place).steps {
      switch step {
      case .move(let p): cairo_move_to(context, p.x, p.y)
      case .line(let p): cairo_line_to(context, p.x, p.y)
      case .curve(let a, let b, let p): cairo_curve_to(context, a.x, a.y, b.x, b.y, p.x, p.y)
      case .close: cairo_close_path(context)
      }
    }
  }

  /// Frames and rules have square corners and ends; curves have round corners and end where their data end.
  func stroke(_ path: Path, _ pen: Pen, _ place: (Point) -> Point = { $0 }) {
    cairo_set_line_join(context, path.isUpright ? CAIRO_LINE_JOIN_MITER : CAIRO_LINE_JOIN_ROUND)
    cairo_set_line_cap(context, path.isUpright ? CAIRO_LINE_CAP_SQUARE : CAIRO_LINE_CAP_BUTT)
    set(pen.color)
    cairo_set_line_width(context, pen.width)
    cairo_set_dash(context, pen.dashes, Int32(pen.dashes.count), 0)
    trace(path, place)
    cairo_stroke(context)
  }

  func selectFont(_ run: TextRun) {
    cairo_select_font_face(context, Fonts.family, CAIRO_FONT_SLANT_NORMAL, run.weight.cairo)
    cairo_set_font_size(context, run.size)
  }
}

/// Collects what Cairo writes.
final class ByteSink {
  var bytes: [UInt8] = []

  /// Cairo's write callback; its closure argument is an unretained sink.
  static let write: cairo_write_func_t = { closure, data, count in
    guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
    let sink = Unmanaged<ByteSink>.fromOpaque(closure).takeUnretainedValue()
    sink.bytes.append(contentsOf: UnsafeBufferPointer(start: data, count: Int(count)))
    return CAIRO_STATUS_SUCCESS
  }

  var closure: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
}

extension Picture {
  /// A Cairo image surface with the picture's pixels; the caller destroys it.
  func cairoSurface() throws -> OpaquePointer? {
    let surface = try newImageSurface(width: width, height: height)
    let stride = Int(cairo_image_surface_get_stride(surface))
    cairo_surface_flush(surface)
    guard let data = cairo_image_surface_get_data(surface) else { return surface }
    pixels.withUnsafeBufferPointer { pixels in
      for row in 0..<height {
        (data + row * stride).withMemoryRebound(to: UInt32.self, capacity: width) { line in
          for column in 0..<width {
            let at = (row * width + column) * 3
            line[column] = UInt32(pixels[at]) << 16 | UInt32(pixels[at + 1]) << 8 | UInt32(pixels[at + 2])
          }
        }
      }
    }
    cairo_surface_mark_dirty(surface)
    return surface
  }

  /// The pixels of an RGB24 image surface.
  init(cairo surface: OpaquePointer?) {
    let (width, height) = (
      Int(cairo_image_surface_get_width(surface)), Int(cairo_image_surface_get_height(surface))
    )
    let stride = Int(cairo_image_surface_get_stride(surface))
    cairo_surface_flush(surface)
    guard let data = cairo_image_surface_get_data(surface) else {
      self.init(width: 0, height: 0, pixels: [])
      return
    }
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { pixels, count in
      count = width * height * 3
      for row in 0..<height {
        (data + row * stride).withMemoryRebound(to: UInt32.self, capacity: width) { line in
          for column in 0..<width {
            let at = (row * width + column) * 3
            pixels[at] = UInt8(truncatingIfNeeded: line[column] >> 16)
            pixels[at + 1] = UInt8(truncatingIfNeeded: line[column] >> 8)
            pixels[at + 2] = UInt8(truncatingIfNeeded: line[column])
          }
        }
      }
    }
    self.init(width: width, height: height, pixels: pixels)
  }
}

/// Refuses what Cairo or memory cannot bear: more than 32,767 pixels a side or 2^27 in all.
func checkExtent(width: Int, height: Int) throws {
  guard (1...32_767).contains(width), (1...32_767).contains(height), width * height <= 1 << 27 else {
    throw PullbackError(
      .usage, "figure", "\(width) x \(height) pixels, where 1 to 32,767 a side and 2^27 in all can be drawn",
      advice: "choose a smaller size or fewer pixels per point")
  }
}

/// An opaque image surface; the caller destroys it.
func newImageSurface(width: Int, height: Int) throws -> OpaquePointer? {
  try checkExtent(width: width, height: height)
  let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height))
  let status = cairo_surface_status(surface)
  if status != CAIRO_STATUS_SUCCESS { cairo_surface_destroy(surface) }
  try CairoSurface.check(status)
  return surface
}
