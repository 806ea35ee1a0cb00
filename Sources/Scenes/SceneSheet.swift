import Imaging
import Pullbacks

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
