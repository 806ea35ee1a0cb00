import CCairo
import Failures
import Imaging

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
