import CCairo
import Imaging
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
