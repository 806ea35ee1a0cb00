import Foundation
import Pullbacks

/// A seed's noise, normal deviates in 1/2048. A picture takes each of its rows from a random place in it: a million
/// pictures need no fresh deviates, and no two pictures have the same noise.
final class NoiseBank: Sendable {
  static let size = 1 << 16

  let seed: UInt64
  let normals: [Int16]

  init(seed: UInt64) {
    self.seed = seed
    normals = RandomStream(seed: seed, "scenes: noise").normals([Self.size]).scalars.map { Int16($0 * 2048) }
  }
}

/// The camera: blur, then noise, then bytes.
final class Sensor {
  private let size: Int
  private var padded: [UInt8] = []
  private var sums: [UInt16]
  private var bank: NoiseBank?

  init(size: Int, bank: NoiseBank?) {
    (self.size, self.bank) = (size, bank)
    sums = Array(repeating: 0, count: size * 4)
  }

  /// The bytes of an RGB picture from Cairo's pixels, which are left blurred.
  func expose(_ data: UnsafeMutablePointer<UInt8>, stride: Int, _ scene: Scene) -> [UInt8] {
    blur(data, stride: stride, sigma: scene.difficulty.blur * Double(size) / 96)
    let gain = Int32(scene.difficulty.noise * 255 * 256)
    let normals = bank(of: scene.seed).normals
    let row = 3 * size
    let starts = RandomStream(seed: scene.seed, "scenes: noise", image: scene.index)
      .integers(below: NoiseBank.size - row, count: size)
    return [UInt8](unsafeUninitializedCapacity: row * size) { pixels, count in
      count = row * size
      normals.withUnsafeBufferPointer { normals in
        guard let out = pixels.baseAddress, let first = normals.baseAddress else { return }
        for y in 0..<size {
          unpack(UnsafeRawPointer(data + y * stride).assumingMemoryBound(to: UInt32.self), to: out + y * row)
          add(first + starts[y], gain, to: out + y * row)
        }
      }
    }
  }

  private func unpack(_ line: UnsafePointer<UInt32>, to target: UnsafeMutablePointer<UInt8>) {
    for x in 0..<size {
      target[3 * x] = UInt8(truncatingIfNeeded: line[x] >> 16)
      target[3 * x + 1] = UInt8(truncatingIfNeeded: line[x] >> 8)
      target[3 * x + 2] = UInt8(truncatingIfNeeded: line[x])
    }
  }

  private func add(_ noise: UnsafePointer<Int16>, _ gain: Int32, to target: UnsafeMutablePointer<UInt8>) {
    for i in 0..<3 * size {
      let level = Int32(target[i]) &<< 8 &+ ((Int32(noise[i]) &* gain) &>> 11) &+ 128
      target[i] = UInt8(truncatingIfNeeded: max(0, min(255, level &>> 8)))
    }
  }

  private func bank(of seed: UInt64) -> NoiseBank {
    if let bank, bank.seed == seed { return bank }
    let fresh = NoiseBank(seed: seed)
    bank = fresh
    return fresh
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
