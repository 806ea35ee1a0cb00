import Foundation
import Pullbacks

/// The camera: blur, then noise, then bytes.
final class Sensor {
  private let size: Int
  private var padded: [UInt8] = []
  private var sums: [UInt16]

  init(size: Int) {
    self.size = size
    sums = Array(repeating: 0, count: size * 4)
  }

  /// The standard normal's quantiles at the middles of 256 equal shares, in 1/256.
  private static let quantiles: [Double] = (0..<256).map { i in
    let p = (Double(i) + 0.5) / 256
    var (low, high) = (-4.0, 4.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if erfc(-middle / 2.0.squareRoot()) / 2 < p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The bytes of an RGB picture from Cairo's pixels, which are left blurred.
  func expose(_ data: UnsafeMutablePointer<UInt8>, stride: Int, _ scene: Scene) -> [UInt8] {
    blur(data, stride: stride, sigma: scene.difficulty.blur * Double(size) / 96)
    let count = size * size
    let deviation = scene.difficulty.noise * 255 * 256
    let table = Self.quantiles.map { Int32($0 * deviation) }
    let words = RandomStream(seed: scene.seed, "scenes: noise", image: scene.index).uniforms([count])
    return words.withUnsafeBuffer { words in
      [UInt8](unsafeUninitializedCapacity: 3 * count) { pixels, initialized in
        initialized = 3 * count
        table.withUnsafeBufferPointer { table in
          for y in 0..<size {
            let line = UnsafeRawPointer(data + y * stride).assumingMemoryBound(to: UInt32.self)
            for x in 0..<size {
              let at = y * size + x
              // 24 random bits, eight for each channel.
              let (rgb, word) = (line[x], UInt32(words[at] * 0x1p24))
              for channel in 0..<3 {
                let shift = UInt32(16 - 8 * channel)
                let level = Int32(truncatingIfNeeded: (rgb >> shift) & 255) &<< 8
                let noisy = (level &+ table[Int((word >> shift) & 255)] &+ 128) >> 8
                pixels[3 * at + channel] = UInt8(truncatingIfNeeded: max(0, min(255, noisy)))
              }
            }
          }
        }
      }
    }
  }

  /// A Gaussian, cut at two and a half deviations, along rows and then columns; edges repeat.
  private func blur(_ data: UnsafeMutablePointer<UInt8>, stride: Int, sigma: Double) {
    guard sigma > 0.05 else { return }
    let radius = min(size / 2, max(1, Int((2.5 * sigma).rounded(.up))))
    let weights = Self.weights(radius, sigma)
    let row = size * 4
    padded.withUnsafeMutableBufferPointerGrown(to: (size + 2 * radius) * row) { padded in
      for y in 0..<size {
        let line = data + y * stride
        for k in 0..<radius {
          for byte in 0..<4 {
            padded[k * 4 + byte] = line[byte]
            padded[(radius + size + k) * 4 + byte] = line[row - 4 + byte]
          }
        }
        (padded + radius * 4).update(from: line, count: row)
        convolve(weights, from: padded, step: 4, to: line)
      }
      for y in -radius..<size + radius {
        (padded + (y + radius) * row).update(from: data + min(max(y, 0), size - 1) * stride, count: row)
      }
      for y in 0..<size { convolve(weights, from: padded + y * row, step: row, to: data + y * stride) }
    }
  }

  private func convolve(
    _ weights: [UInt16], from source: UnsafePointer<UInt8>, step: Int, to target: UnsafeMutablePointer<UInt8>
  ) {
    let count = size * 4
    sums.withUnsafeMutableBufferPointer { sums in
      for i in 0..<count { sums[i] = 128 }
      for (k, weight) in weights.enumerated() {
        let line = source + k * step
        for i in 0..<count { sums[i] = sums[i] &+ weight &* UInt16(line[i]) }
      }
      for i in 0..<count { target[i] = UInt8(truncatingIfNeeded: sums[i] >> 8) }
    }
  }

  /// Weights in 1/256 that sum to 256: white and the rounding half stay below 2^16.
  private static func weights(_ radius: Int, _ sigma: Double) -> [UInt16] {
    let raw = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (sigma * sigma)) }
    let sum = raw.reduce(0, +)
    var weights = raw.map { UInt16(($0 / sum * 256).rounded()) }
    let total = weights.reduce(0) { $0 + Int($1) }
    weights[radius] = UInt16(Int(weights[radius]) + 256 - total)
    return weights
  }
}

extension Array where Element == UInt8 {
  /// Calls `body` with at least `count` elements' memory.
  fileprivate mutating func withUnsafeMutableBufferPointerGrown(
    to count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void
  ) {
    if self.count < count { append(contentsOf: repeatElement(0, count: count - self.count)) }
    withUnsafeMutableBufferPointer { if let base = $0.baseAddress { body(base) } }
  }
}
