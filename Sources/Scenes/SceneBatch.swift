import Imaging
import Kernels
import Pullbacks

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
