import Pullbacks

/// The value that a perturbed place is set to.
public enum Replacement: String, Sendable {
  /// Mid grey.
  case zero
  /// The image's smallest value.
  case minimum

  func value(for image: Tensor) -> Float {
    switch self {
    case .zero: 0
    case .minimum: image.scalars.min() ?? 0
    }
  }
}

extension Tensor {
  var doubles: [Double] { withUnsafeBuffer { $0.map(Double.init) } }

  /// Every value, or its distance from zero.
  func values(magnitudes: Bool) -> [Double] {
    withUnsafeBuffer { buffer in magnitudes ? buffer.map { Double(abs($0)) } : buffer.map(Double.init) }
  }

  /// The mean over the channels of one image `(1, C, H, W)`, `H W` values.
  var channelMeans: [Double] {
    let (channels, plane) = (shape[1], shape[2] * shape[3])
    return withUnsafeBuffer { values in
      (0..<plane).map { place in
        var sum = 0.0
        for channel in 0..<channels { sum += Double(values[channel * plane + place]) }
        return sum / Double(channels)
      }
    }
  }

  /// The sum over the channels of each input of a batch, the same in every channel; axis 1 is the channels, and inputs
  /// without other axes have one.
  var channelsSummed: Tensor {
    let channels = rank > 2 ? shape[1] : 1
    let plane = count / (shape[0] * channels)
    return withUnsafeBuffer { values in
      Tensor(shape: shape) { result in
        for image in 0..<shape[0] {
          for place in 0..<plane {
            var sum = 0.0
            for channel in 0..<channels { sum += Double(values[(image * channels + channel) * plane + place]) }
            for channel in 0..<channels { result[(image * channels + channel) * plane + place] = Float(sum) }
          }
        }
      }
    }
  }

  var isFinite: Bool { withUnsafeBuffer { $0.allSatisfy(\.isFinite) } }
  var isZero: Bool { withUnsafeBuffer { $0.allSatisfy { $0 == 0 } } }

  /// The reason why metrics are undefined for this map (all zero, or not finite); nil if it is usable.
  var emptiness: Undefined? {
    withUnsafeBuffer { values in
      guard values.allSatisfy(\.isFinite) else { return .notFinite }
      guard values.allSatisfy({ $0 == values[0] }) else { return nil }
      return values[0] == 0 ? .zeroAttribution : .constantAttribution
    }
  }
}

/// An image of shape `(C, H, W)` cut into cells x cells rectangles, row by row; where a side does not divide, the
/// cells' sides differ by one.
struct Grid: Sendable {
  let shape: [Int]
  let cells: Int

  var count: Int { cells * cells }

  /// Calls `body` with every run of neighbouring flat indices that belongs to a cell, over all channels.
  func forEachRun(ofCell cell: Int, _ body: (Range<Int>) -> Void) {
    let (height, width) = (shape[1], shape[2])
    let rows = range(cell / cells, height)
    let columns = range(cell % cells, width)
    for channel in 0..<shape[0] {
      for row in rows {
        let line = (channel * height + row) * width
        body(line + columns.lowerBound..<line + columns.upperBound)
      }
    }
  }

  private func range(_ index: Int, _ extent: Int) -> Range<Int> {
    index * extent / cells..<(index + 1) * extent / cells
  }

  /// The sum of `value` over each cell's flat indices.
  func sums(_ value: (Int) -> Double) -> [Double] {
    (0..<count).map { cell in
      var sum = 0.0
      forEachRun(ofCell: cell) { run in
        for index in run { sum += value(index) }
      }
      return sum
    }
  }
}

/// Flat indices in the order of their values.
///
/// - Parameter ties: the order of equal values is a random one, by these numbers; nil is the order of the indices, for
///   what does not depend on it.
func ranking(of values: [Double], ascending: Bool, ties: RandomStream?) -> [Int32] {
  var order = ranking(of: values, ascending: ascending)
  guard let ties else { return order }
  var first = 0
  while first < order.count {
    var last = first + 1
    while last < order.count, values[Int(order[last])] == values[Int(order[first])] { last += 1 }
    if last - first > 1 {
      let shuffled = order[first..<last].map { (ties[Int($0)], $0) }.sorted { $0 < $1 }
      order.replaceSubrange(first..<last, with: shuffled.map(\.1))
    }
    first = last
  }
  return order
}

/// Flat indices in the order of their values; ties in the order of the indices.
func ranking(of values: [Double], ascending: Bool) -> [Int32] {
  var order = [Int32](unsafeUninitializedCapacity: values.count) { buffer, count in
    for index in values.indices { buffer[index] = Int32(index) }
    count = values.count
  }
  values.withUnsafeBufferPointer { values in
    if ascending {
      order.sort { a, b in
        let (x, y) = (values[Int(a)], values[Int(b)])
        return x != y ? x < y : a < b
      }
    } else {
      order.sort { a, b in
        let (x, y) = (values[Int(a)], values[Int(b)])
        return x != y ? x > y : a < b
      }
    }
  }
  return order
}

extension Sample {
  /// The order of equal values: one fixed random order, the same for every explainer, instead of the mean over all
  /// orders. Index order would favour maps whose ties happen to lie on the object.
  func ties(seed: UInt64) -> RandomStream { RandomStream(seed: seed, "ties", image: key) }
}

/// The values of an image taken in order of importance, in equal steps; the last may be shorter.
struct Steps: Sendable {
  let order: [Int32]
  let size: Int

  /// - Parameters:
  ///   - steps: the number of steps; fewer if there are fewer values.
  ///   - ties: the order of equal values.
  init(_ values: [Double], ascending: Bool, steps: Int, ties: RandomStream) {
    order = ranking(of: values, ascending: ascending, ties: ties)
    size = Self.size(values.count, steps)
  }

  static func size(_ count: Int, _ steps: Int) -> Int { max(1, (count + steps - 1) / steps) }
  static func count(_ count: Int, _ steps: Int) -> Int { (count + size(count, steps) - 1) / size(count, steps) }

  var count: Int { (order.count + size - 1) / size }

  subscript(step: Int) -> ArraySlice<Int32> { order[step * size..<min(order.count, (step + 1) * size)] }

  /// The sum of `values` over each step.
  func sums(_ values: [Double]) -> [Double] {
    (0..<count).map { step in self[step].reduce(0) { $0 + values[Int($1)] } }
  }
}

/// The share of a map's energy, the sum of its squares over all channels, that lies within a mask, in `[0, 1]`:
/// `sum_M a^2 / sum a^2`, signs not counted.
///
/// - Parameters:
///   - map: one map, `(1, C, H, W)`.
///   - mask: the weight of each place of a plane, `H W` values in `[0, 1]`.
/// - Returns: nil where the map is zero.
public func energyShare(of map: Tensor, within mask: [Double]) -> Double? {
  var (inside, total) = (0.0, 0.0)
  map.withUnsafeBuffer { map in
    for place in map.indices {
      let energy = Double(map[place]) * Double(map[place])
      total += energy
      inside += energy * mask[place % mask.count]
    }
  }
  return total > 0 ? inside / total : nil
}

/// The share of what speaks for a class that lies within a mask, in `[0, 1]`: `sum_M max(0, s) / sum max(0, s)`, with
/// `s` the map summed over the channels. What speaks against the class is left out.
///
/// - Parameters:
///   - map: one map, `(1, C, H, W)`.
///   - mask: the weight of each place of a plane, `H W` values in `[0, 1]`.
/// - Returns: nil where nothing speaks for the class.
public func positiveShare(of map: Tensor, within mask: [Double]) -> Double? {
  let plane = mask.count
  let positive = map.withUnsafeBuffer { map in
    (0..<plane).map { place in
      max(0, stride(from: place, to: map.count, by: plane).reduce(0.0) { $0 + Double(map[$1]) })
    }
  }
  let total = positive.reduce(0, +)
  guard total > 0 else { return nil }
  return zip(positive, mask).reduce(0) { $0 + $1.0 * $1.1 } / total
}
