import CCairo
import Foundation
import Imaging
import Pullbacks

/// PNG files by Cairo: a second implementation beside the package's own, so that a fault in one does not hide itself.
enum PNGCodec {
  static func decode(_ path: String) throws -> Picture {
    let surface = cairo_image_surface_create_from_png(path)
    defer { cairo_surface_destroy(surface) }
    let status = cairo_surface_status(surface)
    guard status == CAIRO_STATUS_SUCCESS, let data = cairo_image_surface_get_data(surface) else {
      throw PullbackError(.data, path, "no readable PNG file: \(String(cString: cairo_status_to_string(status)))")
    }
    let (width, height) = (
      Int(cairo_image_surface_get_width(surface)), Int(cairo_image_surface_get_height(surface))
    )
    let stride = Int(cairo_image_surface_get_stride(surface))
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * 3)
    for row in 0..<height {
      // Blue, green, red and a fourth byte, on every machine that Swift runs on.
      for column in 0..<width { for channel in [2, 1, 0] { pixels.append(data[row * stride + column * 4 + channel]) } }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  static func encode(_ picture: Picture) throws -> [UInt8] {
    guard
      let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(picture.width), Int32(picture.height)),
      let data = cairo_image_surface_get_data(surface)
    else { throw PullbackError(.software, "cairo", "cannot hold \(picture.width) x \(picture.height) pixels") }
    defer { cairo_surface_destroy(surface) }
    let stride = Int(cairo_image_surface_get_stride(surface))
    for row in 0..<picture.height {
      for column in 0..<picture.width {
        for channel in 0..<3 {
          data[row * stride + column * 4 + 2 - channel] = picture.pixels[(row * picture.width + column) * 3 + channel]
        }
      }
    }
    cairo_surface_mark_dirty(surface)
    let bytes = NSMutableData()
    let status = cairo_surface_write_to_png_stream(
      surface,
      { closure, data, count in
        guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
        Unmanaged<NSMutableData>.fromOpaque(closure).takeUnretainedValue().append(data, length: Int(count))
        return CAIRO_STATUS_SUCCESS
      }, Unmanaged.passUnretained(bytes).toOpaque())
    guard status == CAIRO_STATUS_SUCCESS else {
      throw PullbackError(.software, "cairo", String(cString: cairo_status_to_string(status)))
    }
    return [UInt8](bytes as Data)
  }
}
