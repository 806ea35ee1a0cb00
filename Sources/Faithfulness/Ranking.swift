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

/// The values of an image taken in order of importance, in equal steps; the last may be shorter.
struct Steps: Sendable {
  let order: [Int32]
  let size: Int

  /// - Parameter steps: how many; fewer if there are fewer values.
  init(_ values: [Double], ascending: Bool, steps: Int) {
    order = ranking(of: values, ascending: ascending)
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
