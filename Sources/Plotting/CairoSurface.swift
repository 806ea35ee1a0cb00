import CCairo
import Failures

/// A Cairo surface and its drawing context; whoever draws asks ``check()`` afterwards, since Cairo remembers its first
/// failure and ignores what follows.
final class CairoSurface {
  let surface: OpaquePointer?
  let context: OpaquePointer?
  /// Where a stream surface writes; kept alive as long as Cairo may write.
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
