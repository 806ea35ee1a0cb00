import CCairo
import Failures

/// A square Cairo surface that is used again and again.
final class Canvas {
  let size: Int
  let surface: OpaquePointer
  let context: OpaquePointer

  init(size: Int, _ format: cairo_format_t) throws {
    guard (8...4096).contains(size) else {
      throw PullbackError(.usage, "size \(size)", "a scene has 8 to 4096 pixels a side")
    }
    guard let surface = cairo_image_surface_create(format, Int32(size), Int32(size)),
      let context = cairo_create(surface)
    else { throw PullbackError(.cannotCreate, "cairo", "no surface of \(size) x \(size) pixels") }
    (self.size, self.surface, self.context) = (size, surface, context)
    cairo_set_antialias(context, CAIRO_ANTIALIAS_FAST)
    cairo_set_tolerance(context, 0.2)
    try check()
  }

  deinit {
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  /// Draws on the empty frame 0...1 and finishes.
  func draw(_ body: () -> Void) throws {
    clear()
    cairo_save(context)
    cairo_scale(context, Double(size), Double(size))
    body()
    cairo_restore(context)
    try check()
    cairo_surface_flush(surface)
  }

  private func clear() {
    cairo_save(context)
    cairo_set_operator(context, CAIRO_OPERATOR_CLEAR)
    cairo_paint(context)
    cairo_restore(context)
  }

  private func check() throws {
    let status = cairo_status(context)
    guard status != CAIRO_STATUS_SUCCESS else { return }
    throw PullbackError(.cannotCreate, "cairo", String(cString: cairo_status_to_string(status)))
  }

  /// Calls `body` with the pixels and the bytes from row to row.
  func withPixels<Result>(_ body: (UnsafeMutablePointer<UInt8>, Int) throws -> Result) throws -> Result {
    guard let data = cairo_image_surface_get_data(surface) else {
      throw PullbackError(.software, "cairo", "an image surface without pixels")
    }
    defer { cairo_surface_mark_dirty(surface) }
    return try body(data, Int(cairo_image_surface_get_stride(surface)))
  }
}
