import Pullbacks

/// A reader of a random stream, number after number.
struct Dice {
  private let stream: RandomStream
  private var position = 0

  /// The dice for one purpose in the scene `index`.
  init(seed: UInt64, _ purpose: String, index: Int, draw: Int = 0) {
    stream = RandomStream(seed: seed, purpose, image: index, draw: draw)
  }

  /// A number of the uniform distribution on `[low, high)`.
  mutating func number(_ low: Double, _ high: Double) -> Double {
    defer { position += 1 }
    return low + (high - low) * Double(stream[position]) * 0x1p-32
  }

  /// A whole number of `range`, each alike.
  mutating func whole(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(number(0, Double(range.count)))
  }

  mutating func chance(_ probability: Double) -> Bool { number(0, 1) < probability }

  mutating func pick<Value>(_ values: [Value]) -> Value { values[whole(0...values.count - 1)] }

  /// A colour of the given ranges of hue (in turns), saturation and value.
  mutating func tint(
    _ hue: (Double, Double) = (0, 1), _ saturation: (Double, Double) = (0.3, 0.9),
    _ value: (Double, Double) = (0.35, 0.95)
  ) -> Tint {
    Tint(
      hue: number(hue.0, hue.1), saturation: number(saturation.0, saturation.1), value: number(value.0, value.1))
  }
}
