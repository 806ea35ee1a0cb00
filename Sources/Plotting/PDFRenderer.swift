import CCairo
import Failures
import Imaging

/// Draws the marks of a canvas as a PDF of one page: lines and letters as such, pictures pixel by pixel. There is no
/// date in it, so that equal drawings are equal files.
struct PDFRenderer {
  private let target: CairoSurface

  static func render(_ canvas: Canvas, title: String?) throws -> [UInt8] {
    let (width, height) = (canvas.size.width, canvas.size.height)
    // Acrobat shows pages of up to 14,400 points.
    guard width > 0, height > 0, width <= 14_400, height <= 14_400 else {
      throw PullbackError(.usage, "figure", "\(width) x \(height) points, where a PDF page has 1 to 14,400 a side")
    }
    let sink = ByteSink()
    let surface = cairo_pdf_surface_create_for_stream(ByteSink.write, sink.closure, width, height)
    let target = try CairoSurface(surface, sink: sink)
    cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_4)
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "")
    if let title { cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, Fonts.printable(title)) }
    target.set(canvas.theme.background)
    cairo_paint(target.context)
    try PDFRenderer(target: target).draw(canvas.marks)
    try target.finish()
    return sink.bytes
  }

  private func draw(_ marks: [Mark]) throws {
    let context = target.context
    for mark in marks {
      switch mark {
      case .fill(let path, let color):
        target.set(color)
        target.trace(path)
        cairo_fill(context)
      case .stroke(let path, let pen):
        target.stroke(path, pen)
      case .text(let run):
        cairo_save(context)
        cairo_translate(context, run.start.x, run.start.y)
        cairo_rotate(context, run.turn)
        target.selectFont(run)
        target.set(run.color)
        cairo_move_to(context, 0, 0)
        cairo_show_text(context, run.string)
        cairo_restore(context)
      case .image(let picture, let rect):
        try draw(picture, in: rect)
      case .clip(let rect, let inner):
        cairo_save(context)
        target.trace(Path(rect))
        cairo_clip(context)
        try draw(inner)
        cairo_restore(context)
      }
    }
  }

  private func draw(_ picture: Picture, in rect: Rect) throws {
    let source = try picture.cairoSurface()
    defer { cairo_surface_destroy(source) }
    cairo_save(target.context)
    cairo_translate(target.context, rect.minX, rect.minY)
    cairo_scale(target.context, rect.width / Double(picture.width), rect.height / Double(picture.height))
    cairo_set_source_surface(target.context, source, 0, 0)
    // Written into the file as "do not interpolate".
    cairo_pattern_set_filter(cairo_get_source(target.context), CAIRO_FILTER_NEAREST)
    cairo_rectangle(target.context, 0, 0, Double(picture.width), Double(picture.height))
    cairo_fill(target.context)
    cairo_restore(target.context)
  }
}
