/// A reader of a random stream, number after number.
package struct Dice {
  private let stream: RandomStream
  private var position = 0

  /// The dice for one purpose in the scene, text or other item `index`.
  package init(seed: UInt64, _ purpose: String, index: Int, draw: Int = 0) {
    stream = RandomStream(seed: seed, purpose, image: index, draw: draw)
  }

  /// A number of the uniform distribution on `[low, high)`.
  package mutating func number(_ low: Double, _ high: Double) -> Double {
    defer { position += 1 }
    return low + (high - low) * Double(stream[position]) * 0x1p-32
  }

  /// A whole number of `range`, each alike.
  package mutating func whole(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(number(0, Double(range.count)))
  }

  package mutating func chance(_ probability: Double) -> Bool { number(0, 1) < probability }

  package mutating func pick<Value>(_ values: [Value]) -> Value { values[whole(0...values.count - 1)] }
}
