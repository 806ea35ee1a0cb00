import Pullbacks

// Where the elements of known tensors come from when they are moved: an offset for each place of the result.

/// Steps in memory along each axis of a shape.
func strides(_ shape: [Int]) -> [Int] {
  var strides = [Int](repeating: 1, count: shape.count)
  for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
  return strides
}

/// Offsets for all places of `shape` where axis i advances by `steps[i]` from `start`.
func offsets(_ shape: [Int], steps: [Int], start: Int = 0) -> [Int] {
  var result = [start]
  for (extent, step) in zip(shape, steps) {
    var next: [Int] = []
    next.reserveCapacity(result.count * extent)
    for offset in result { for index in 0..<extent { next.append(offset + index * step) } }
    result = next
  }
  return result
}

/// Offsets into a tensor of `source` for every place of `shape`, to which it broadcasts.
func broadcastOffsets(_ source: [Int], to shape: [Int]) -> [Int] {
  let steps = strides(source)
  let missing = shape.count - source.count
  return offsets(
    shape, steps: shape.indices.map { $0 < missing || source[$0 - missing] == 1 ? 0 : steps[$0 - missing] })
}

/// The shape that several broadcast to; nil where they do not.
func broadcastShape(_ shapes: [[Int]]) -> [Int]? {
  let rank = shapes.map(\.count).max() ?? 0
  var result = [Int](repeating: 1, count: rank)
  for shape in shapes {
    for (axis, extent) in zip(rank - shape.count..<rank, shape) where extent != 1 {
      guard result[axis] == 1 || result[axis] == extent else { return nil }
      result[axis] = extent
    }
  }
  return result
}

/// The axis that a number from `-rank` on means; nil where there is none.
func axis(_ axis: Int, of rank: Int) -> Int? {
  let positive = axis < 0 ? axis + rank : axis
  return (0..<rank).contains(positive) ? positive : nil
}

extension Tensor {
  /// The elements at certain offsets; 0 where the offset is negative.
  func taking(_ offsets: [Int], _ shape: [Int]) -> Tensor {
    if type == .int64 {
      let values = integers
      return Tensor(shape: shape, integers: offsets.map { $0 < 0 ? 0 : values[$0] })
    }
    return withUnsafeBuffer { x in
      Tensor(shape: shape) { y in for (place, offset) in offsets.enumerated() { y[place] = offset < 0 ? 0 : x[offset] }
      }
    }
  }
}

/// The places that a slice keeps of an axis, as in Python.
func slicePlaces(_ start: Int, _ end: Int, _ step: Int, extent: Int) -> [Int]? {
  guard step != 0 else { return nil }
  // Steps beyond every axis are alike, and are added without overflow.
  let step = min(max(step, -1 << 40), 1 << 40)
  func bound(_ place: Int) -> Int {
    let fromFront = place < 0 ? (place < -extent - 1 ? -1 : place + extent) : place
    return step > 0 ? min(max(fromFront, 0), extent) : min(max(fromFront, -1), extent - 1)
  }
  return Array(stride(from: bound(start), to: bound(end), by: step))
}
