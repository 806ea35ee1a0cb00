import CCairo
import Failures
import Imaging
import Kernels
import Pullbacks

/// A scene in pixels, with what is where.
public struct RenderedScene: Sendable {
  public let label: SceneClass
  public let picture: Picture
  /// Visible coverage of the object, `(1, 1, H, W)` in 0...1; antialiased. Noise and blur do not enter.
  public let objectMask: Tensor
  /// Visible coverage of each part the scene shows, `(1, 1, H, W)` in 0...1. Their sum is the object's mask, up to
  /// antialiasing where they meet.
  public let partMasks: [(part: Part, mask: Tensor)]

  /// The picture as network input, `(1, 3, H, W)` in -1...1.
  public var tensor: Tensor { Tensor(picture) }
}

/// Turns scenes into pixels, one after the other, on surfaces of its own: one renderer per thread.
///
/// The pixels depend on the scene and the size alone (and on the release of Cairo, in the last bits of edges).
public final class SceneRenderer {
  public let size: Int
  private let canvas: Canvas
  private let ruler: Ruler
  private let sensor: Sensor
  private var maskCanvas: Canvas?

  /// - Parameter size: pixels a side, 8 to 4096.
  /// - Throws: `PullbackError` if the size is another or Cairo has no memory.
  public convenience init(size: Int = 96) throws { try self.init(size: size, bank: nil) }

  /// A renderer that shares a seed's noise with others.
  init(size: Int, bank: NoiseBank?) throws {
    self.size = size
    canvas = try Canvas(size: size, CAIRO_FORMAT_RGB24)
    ruler = Ruler(canvas.context)
    sensor = Sensor(size: size, bank: bank)
  }

  /// The scene's picture.
  ///
  /// - Throws: `PullbackError` if Cairo fails.
  public func picture(_ scene: Scene) throws -> Picture {
    let composition = Composition(scene, ruler: ruler)
    try canvas.draw {
      composition.draw(on: Painter(canvas.context, .picture, composition.style))
    }
    let pixels = try canvas.withPixels { sensor.expose($0, stride: $1, scene) }
    return Picture(width: size, height: size, pixels: pixels)
  }

  /// The scene's picture and masks.
  ///
  /// - Throws: `PullbackError` if Cairo fails.
  /// - Complexity: as many drawings as the scene has parts, and two.
  public func render(_ scene: Scene) throws -> RenderedScene {
    let parts = scene.parts
    return RenderedScene(
      label: scene.label, picture: try picture(scene), objectMask: try mask(parts, of: scene),
      partMasks: try parts.map { ($0, try mask([$0], of: scene)) })
  }

  /// Visible coverage of `parts` together, `(1, 1, H, W)` in 0...1.
  ///
  /// - Throws: `PullbackError` if Cairo fails.
  public func mask(_ parts: [Part], of scene: Scene) throws -> Tensor {
    let canvas = try maskCanvas ?? Canvas(size: size, CAIRO_FORMAT_A8)
    maskCanvas = canvas
    let composition = Composition(scene, ruler: ruler)
    try canvas.draw {
      composition.draw(on: Painter(canvas.context, .mask(of: parts), composition.style))
    }
    return try canvas.withPixels { data, stride in
      Tensor(shape: [1, 1, size, size]) { mask in
        for y in 0..<size {
          for x in 0..<size { mask[y * size + x] = Float(data[y * stride + x]) / 255 }
        }
      }
    }
  }
}

extension Scene {
  /// The picture and masks; see ``SceneRenderer`` for many scenes in a row.
  ///
  /// - Parameter size: pixels a side, 8 to 4096.
  /// - Throws: `PullbackError` if the size is another or Cairo fails.
  public func render(size: Int = 96) throws -> RenderedScene { try SceneRenderer(size: size).render(self) }
}

extension SceneGenerator {
  /// The pictures of many scenes as network input, drawn on several threads; the numbers do not depend on how many.
  ///
  /// - Parameters:
  ///   - indices: the scenes, in the order wanted.
  ///   - size: pixels a side, 8 to 4096.
  /// - Returns: pictures `(N, 3, H, W)` in -1...1, and labels in 0...9.
  /// - Throws: `PullbackError` if the size is another or Cairo fails.
  public func batch(_ indices: [Int], size: Int = 96) throws -> (pictures: Tensor, labels: [Int]) {
    let failure = Locked<PullbackError?>(nil)
    let plane = size * size
    let bank = NoiseBank(seed: seed)
    _ = try SceneRenderer(size: size, bank: bank)
    let pictures = Tensor(shape: [indices.count, 3, size, size]) { target in
      Parallel.forEachBlock(of: indices.count, size: 16) { range in
        do {
          let renderer = try SceneRenderer(size: size, bank: bank)
          for i in range {
            let pixels = try renderer.picture(scene(indices[i])).pixels
            for channel in 0..<3 {
              let out = target.baseAddress! + (i * 3 + channel) * plane
              for pixel in 0..<plane { out[pixel] = 2 * (Float(pixels[3 * pixel + channel]) / 255) - 1 }
            }
          }
        } catch let error as PullbackError {
          failure.withLock { $0 = $0 ?? error }
        } catch {}
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    return (pictures, indices.map { label($0).rawValue })
  }
}

extension SceneGenerator {
  /// The first scenes side by side, ten in a row; a row of ten has each class once, in the order of the classes.
  ///
  /// - Throws: `PullbackError` if `size` is not 8 to 4096, the sheet has more than 2^27 pixels, or Cairo fails.
  public func sheet(count: Int, size: Int = 96) throws -> Picture {
    let renderer = try SceneRenderer(size: size)
    let gap = max(1, size / 48)
    let rows = (min(max(count, 0), 1 << 24) + 9) / 10
    let (width, height) = (10 * (size + gap) + gap, rows * (size + gap) + gap)
    guard (1...1 << 24).contains(count), width * height <= 1 << 27 else {
      throw PullbackError(.usage, "count \(count)", "a sheet has one scene or more, and 2^27 pixels at most")
    }
    var pixels = [UInt8](repeating: 255, count: width * height * 3)
    for index in 0..<count {
      let scene = scene(index)
      let picture = try renderer.picture(scene)
      let column = count - index / 10 * 10 < 10 ? index % 10 : scene.label.rawValue
      let left = gap + column * (size + gap)
      let top = gap + index / 10 * (size + gap)
      for y in 0..<size {
        let at = ((top + y) * width + left) * 3
        pixels.replaceSubrange(at..<at + size * 3, with: picture.pixels[y * size * 3..<(y + 1) * size * 3])
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}

extension Picture {
  /// A mask of shape `(1, 1, H, W)` in 0...1 as grey levels, white where it is 1.
  public init(mask: Tensor) {
    let levels = mask.scalars.map { UInt8((255 * min(1, max(0, $0))).rounded()) }
    self.init(width: mask.shape[3], height: mask.shape[2], pixels: levels.flatMap { [$0, $0, $0] })
  }
}

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
