import Kernels

/// Random numbers by name: a function of seed, purpose, image, draw and position, and of nothing else.
///
/// ```swift
/// let noise = RandomStream(seed: 314, "smoothgrad", image: 12, draw: 3).normals([3, 224, 224])
/// ```
/// Whoever asks for these numbers gets the same ones, whatever was drawn before, on however many threads, in a batch
/// of whatever size: results do not depend on order, and a run that is cut in pieces or resumed agrees with one that is
/// not. The generator is Philox4x32-10, a function of a key, which holds seed and purpose, and of a counter, which
/// holds image, draw and position: word 12 million costs what the first one costs.
public struct RandomStream: Sendable {
  private let key: UInt64
  private let image: UInt32
  private let draw: UInt32

  /// - Parameters:
  ///   - seed: the seed of all streams of a run.
  ///   - purpose: the purpose of the numbers; streams of different purposes are independent.
  ///   - image: the image's number, of which the lower 32 bits count; 0 for what all images share. A scene has its
  ///     number, an image that is explained its ``Tensor/contentKey``.
  ///   - draw: the index among several draws.
  public init(seed: UInt64, _ purpose: String, image: Int = 0, draw: Int = 0) {
    // FNV-1a of the name, then the finaliser of SplitMix64 on both parts, so that close seeds and names part widely.
    let name = purpose.utf8.reduce(Self.hashStart) { ($0 ^ UInt64($1)) &* Self.hashPrime }
    key = Self.mixed(Self.mixed(seed) ^ name)
    self.image = UInt32(truncatingIfNeeded: image)
    self.draw = UInt32(truncatingIfNeeded: draw)
  }

  fileprivate static let hashStart: UInt64 = 0xCBF2_9CE4_8422_2325
  fileprivate static let hashPrime: UInt64 = 0x100_0000_01B3

  fileprivate static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Word `index` of the stream, each of the 2^32 values alike.
  public subscript(index: Int) -> UInt32 {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4) { words in
      Arrays.philox(key, image, draw, UInt64(index / 4), 1, words.baseAddress!)
      return words[index % 4]
    }
  }

  /// Numbers of the uniform distribution on `[0, 1)`, multiples of 2^-24; number i takes word i.
  public func uniforms(_ shape: [Int]) -> Tensor {
    numbers(shape, Arrays.uniforms)
  }

  /// Numbers of the standard normal distribution, by its quantile: number i takes word i. No magnitude exceeds 6.3.
  public func normals(_ shape: [Int]) -> Tensor {
    numbers(shape, Arrays.normals)
  }

  /// Integers below `bound`; number i takes word i. Their probabilities differ by less than `bound` times 2^-32.
  ///
  /// - Precondition: `bound` is positive.
  public func integers(below bound: Int, count: Int) -> [Int] {
    precondition(bound > 0 && bound <= UInt32.max, "no integers below \(bound)")
    return (0..<count).map { Int((UInt64(self[$0]) * UInt64(bound)) >> 32) }
  }

  private func numbers(
    _ shape: [Int], _ distribution: (UnsafePointer<UInt32>, Int, UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    Tensor(shape: shape) { numbers in
      // Words of a piece stay in the first-level cache.
      Parallel.forEachBlock(of: numbers.count, size: 2048) { range in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 2048) { words in
          let first = words.baseAddress!
          Arrays.philox(key, image, draw, UInt64(range.lowerBound / 4), (range.count + 3) / 4, first)
          distribution(first, range.count, numbers.baseAddress! + range.lowerBound)
        }
      }
    }
  }
}

extension Tensor {
  /// A number that equal values have in common, whatever the shape: FNV-1a over the bits of the values, mixed and cut
  /// to 32 bits. It seeds the random numbers that belong to an image.
  public var contentKey: Int {
    func hashed(_ words: some Sequence<UInt64>) -> UInt64 {
      words.reduce(RandomStream.hashStart) { ($0 ^ $1) &* RandomStream.hashPrime }
    }
    let hash =
      switch type {
      case .float32: withUnsafeBuffer { hashed($0.lazy.map { UInt64($0.bitPattern) }) }
      case .int64: hashed(integers.lazy.map { UInt64(bitPattern: $0) })
      }
    return Int(RandomStream.mixed(hash) >> 32)
  }
}
