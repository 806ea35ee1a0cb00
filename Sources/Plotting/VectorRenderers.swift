import CCairo
import Failures
import Foundation
import Imaging

/// Writes the marks of a canvas as SVG 1.1.
///
/// Not by Cairo, whose SVG turns every letter into an outline: here text stays text, to be searched, read aloud and
/// edited. `textLength` keeps its width where the reader's machine lacks the font.
struct SVGRenderer {
  private var body = ""
  private var clips = 0
  private let pixelsPerPoint: Double

  static func render(_ canvas: Canvas, title: String?) throws -> [UInt8] {
    guard canvas.size.width.isFinite, canvas.size.height.isFinite else {
      throw PullbackError(.usage, "figure", "\(canvas.size.width) x \(canvas.size.height) points cannot be drawn")
    }
    let (width, height) = (number(canvas.size.width), number(canvas.size.height))
    var renderer = SVGRenderer(pixelsPerPoint: canvas.theme.pixelsPerPoint)
    if let title { renderer.body += "<title>\(escaped(Fonts.printable(title)))</title>\n" }
    renderer.body += "<rect width=\"\(width)\" height=\"\(height)\"\(paint("fill", canvas.theme.background))/>\n"
    try renderer.write(canvas.marks)
    let head = """
      <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" \
      width="\(width)pt" height="\(height)pt" viewBox="0 0 \(width) \(height)" \
      font-family="\(Fonts.family), Verdana, sans-serif">

      """
    return Array((head + renderer.body + "</svg>\n").utf8)
  }

  private init(pixelsPerPoint: Double) {
    self.pixelsPerPoint = pixelsPerPoint
  }

  private mutating func write(_ marks: [Mark]) throws {
    for mark in marks {
      switch mark {
      case .fill(let path, let color):
        body += "<path d=\"\(Self.data(path))\"\(Self.paint("fill", color))/>\n"
      case .stroke(let path, let pen):
        let dashes = pen.dashes.map(Self.number).joined(separator: " ")
        body += "<path d=\"\(Self.data(path))\" fill=\"none\"\(Self.paint("stroke", pen.color))"
        body += " stroke-width=\"\(Self.number(pen.width))\""
        body += path.isUpright ? " stroke-linecap=\"square\"" : " stroke-linejoin=\"round\""
        body += dashes.isEmpty ? "/>\n" : " stroke-dasharray=\"\(dashes)\"/>\n"
      case .text(let run):
        write(run)
      case .image(let picture, let rect):
        let png = Data(try sharp(picture, in: rect).pngBytes()).base64EncodedString()
        body += "<image\(Self.attributes(rect)) preserveAspectRatio=\"none\""
        body += " xlink:href=\"data:image/png;base64,\(png)\"/>\n"
      case .clip(let rect, let inner):
        clips += 1
        body += "<clipPath id=\"clip\(clips)\"><rect\(Self.attributes(rect))/></clipPath>\n"
        body += "<g clip-path=\"url(#clip\(clips))\">\n"
        try write(inner)
        body += "</g>\n"
      }
    }
  }

  /// Viewers blur what they enlarge, some whatever they are told: such pictures are enlarged here.
  private func sharp(_ picture: Picture, in rect: Rect) throws -> Picture {
    func extent(_ points: Double, _ pixels: Int) -> Int {
      max(pixels, Int(exactly: (points * pixelsPerPoint).rounded()) ?? pixels)
    }
    let (width, height) = (extent(rect.width, picture.width), extent(rect.height, picture.height))
    try checkExtent(width: width, height: height)
    return picture.displayed(width: width, height: height)
  }

  private mutating func write(_ run: TextRun) {
    let (x, y) = (Self.number(run.start.x), Self.number(run.start.y))
    body += "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(Self.number(run.size))\""
    body += run.weight == .bold ? " font-weight=\"bold\"" : ""
    body += run.turn == 0 ? "" : " transform=\"rotate(\(Self.number(run.turn * 180 / .pi)) \(x) \(y))\""
    body += " textLength=\"\(Self.number(run.width))\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\""
    body += "\(Self.paint("fill", run.color))>\(Self.escaped(run.string))</text>\n"
  }

  /// A number with up to three decimals: a thousandth of a point is a third of a micrometre.
  private static func number(_ value: Double) -> String {
    let text = String(format: "%.3f", value)
    guard let end = text.lastIndex(where: { $0 != "0" }) else { return text }
    let trimmed = text[end] == "." ? text[..<end] : text[...end]
    return trimmed == "-0" ? "0" : String(trimmed)
  }

  private static func data(_ path: Path) -> String {
    func pair(_ p: Point) -> String { "\(number(p.x)) \(number(p.y))" }
    return path.steps.map { step in
      switch step {
      case .move(let p): "M\(pair(p))"
      case .line(let p): "L\(pair(p))"
      case .curve(let a, let b, let p): "C\(pair(a)) \(pair(b)) \(pair(p))"
      case .close: "Z"
      }
    }.joined()
  }

  private static func attributes(_ rect: Rect) -> String {
    " x=\"\(number(rect.minX))\" y=\"\(number(rect.minY))\""
      + " width=\"\(number(rect.width))\" height=\"\(number(rect.height))\""
  }

  private static func paint(_ property: String, _ color: Color) -> String {
    let hex = "#" + color.bytes.map { String(format: "%02x", $0) }.joined()
    return " \(property)=\"\(hex)\""
      + (color.opacity < 1 ? " \(property)-opacity=\"\(number(max(0, color.opacity)))\"" : "")
  }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;")
  }
}

/// Draws the marks of a canvas as a PDF of one page: lines and letters as such, pictures pixel by pixel. There is no
/// date in it, so that equal drawings are equal files.
struct PDFRenderer {
  private let target: CairoSurface

  static func render(_ canvas: Canvas, title: String?) throws -> [UInt8] {
    let (width, height) = (canvas.size.width, canvas.size.height)
    try check(canvas.size)
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

  /// Acrobat shows pages of up to 14,400 points.
  static func check(_ size: Size) throws {
    guard size.width > 0, size.height > 0, size.width <= 14_400, size.height <= 14_400 else {
      throw PullbackError(
        .usage, "figure", "\(size.width) x \(size.height) points, where a PDF page has 1 to 14,400 a side")
    }
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
