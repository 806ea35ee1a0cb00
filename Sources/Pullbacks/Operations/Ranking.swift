import Kernels

// The largest or the smallest values along an axis, and where they are. Of equal values the one at the lower place comes
// first; no number counts as the largest.

/// The k largest or smallest values along an axis, in order: of `(N, ..., D, ...)` those of `(N, ..., k, ...)`.
///
/// A pullback holds the choice constant: each v goes to the value that was chosen.
public struct TopK: Operation {
  /// How many values.
  public var count: Int
  /// The axis, the batch axis not counted.
  public var axis: Int
  /// Whether the largest are taken, or the smallest.
  public var takesLargest: Bool

  /// - Parameters:
  ///   - count: how many values.
  ///   - axis: the batch axis not counted.
  ///   - largest: whether the largest are taken, or the smallest.
  public init(_ count: Int, axis: Int, largest: Bool = true) {
    self.count = count
    self.axis = axis
    takesLargest = largest
  }

  public var kind: String { "topk" }
  public var character: OperationCharacter { .selection }
  public var settings: String { "\(count) \(takesLargest ? "largest" : "smallest"), axis \(axis)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try Ranking.shape(inputs, count, axis, of: kind)
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let ranking = Ranking(inputs[0].shape, axis, count)
    return Evaluation(
      Tensor(shape: ranking.outputShape) { y in
        inputs[0].withUnsafeBuffer { x in
          ranking.forEachLine { input, output in
            for (rank, place) in ranking.places(x, input, takesLargest).enumerated() {
              y[output + rank * ranking.inner] = x[input + place * ranking.inner]
            }
          }
        }
      })
  }

  /// The values are ranked again.
  public var gradientNeeds: Needs { .inputs }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let ranking = Ranking(site.inputShapes[0], axis, count)
    let x = site.input()
    var dx = Tensor(shape: site.inputShapes[0])
    dx.withUnsafeMutableBuffer { dx in
      Tensor.withPointers(x, v) { x, v in
        let values = UnsafeBufferPointer(start: x, count: site.inputShapes[0].product)
        ranking.forEachLine { input, output in
          for (rank, place) in ranking.places(values, input, takesLargest).enumerated() {
            dx[input + place * ranking.inner] = v[output + rank * ranking.inner]
          }
        }
      }
    }
    return [dx]
  }
}

/// The places along an axis of its k largest or smallest values, as integers; its derivative is 0.
public struct TopPlaces: Operation {
  /// How many places.
  public var count: Int
  /// The axis, the batch axis not counted.
  public var axis: Int
  /// Whether those of the largest values are taken, or of the smallest.
  public var takesLargest: Bool
  /// Whether of equal values the one at the higher place comes first.
  public var prefersLast: Bool

  /// - Parameters:
  ///   - count: how many places.
  ///   - axis: the batch axis not counted.
  ///   - largest: whether those of the largest values are taken, or of the smallest.
  ///   - prefersLast: whether of equal values the one at the higher place comes first.
  public init(_ count: Int, axis: Int, largest: Bool = true, prefersLast: Bool = false) {
    self.count = count
    self.axis = axis
    takesLargest = largest
    self.prefersLast = prefersLast
  }

  public var kind: String { "topplaces" }
  public var character: OperationCharacter { .routing }
  public var settings: String { "\(count) \(takesLargest ? "largest" : "smallest"), axis \(axis)" }

  public func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType {
    guard inputs == [.float32] else { throw PullbackError(.usage, kind, "expected floats, found integers") }
    return .int64
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try Ranking.shape(inputs, count, axis, of: kind)
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let ranking = Ranking(inputs[0].shape, axis, count)
    var places = [Int64](repeating: 0, count: ranking.outputShape.product)
    inputs[0].withUnsafeBuffer { x in
      ranking.forEachLine { input, output in
        for (rank, place) in ranking.places(x, input, takesLargest, prefersLast: prefersLast).enumerated() {
          places[output + rank * ranking.inner] = Int64(place)
        }
      }
    }
    return Evaluation(Tensor(shape: ranking.outputShape, integers: places))
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [Tensor(shape: site.inputShapes[0])] }
}

/// The lines of a tensor along one axis, whose values are ranked.
private struct Ranking {
  let outputShape: [Int]
  /// Steps from one value of a line to the next.
  let inner: Int
  private let outer, extent, count: Int

  static func shape(_ inputs: [[Int]], _ count: Int, _ axis: Int, of kind: String) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    var shape = inputs[0]
    guard shape.indices.contains(axis), (1...max(1, shape[axis])).contains(count), shape[axis] > 0 else {
      throw PullbackError(.usage, kind, "\(count) values along axis \(axis) of shape \(shape) cannot be taken")
    }
    shape[axis] = count
    return shape
  }

  /// - Parameter shape: batch axis included.
  init(_ shape: [Int], _ axis: Int, _ count: Int) {
    outer = shape[...axis].reduce(1, *)
    extent = shape[axis + 1]
    inner = shape.dropFirst(axis + 2).reduce(1, *)
    self.count = count
    var output = shape
    output[axis + 1] = count
    outputShape = output
  }

  /// Calls `body` with the offsets of every line's first value, in the input and in the output.
  func forEachLine(_ body: (_ input: Int, _ output: Int) -> Void) {
    for part in 0..<outer {
      for place in 0..<inner { body(part * extent * inner + place, part * count * inner + place) }
    }
  }

  /// The places of the line that begins at an offset, in order of their values.
  func places(
    _ x: UnsafeBufferPointer<Float>, _ offset: Int, _ takesLargest: Bool, prefersLast: Bool = false
  ) -> [Int] {
    func precedes(_ a: Int, _ b: Int) -> Bool {
      let (p, q) = (x[offset + a * inner], x[offset + b * inner])
      if p.isNaN != q.isNaN { return p.isNaN == takesLargest }
      if p != q, !p.isNaN { return takesLargest ? p > q : p < q }
      return prefersLast ? a > b : a < b
    }
    guard count > 1 else {
      return [(1..<max(1, extent)).reduce(0) { best, place in precedes(place, best) ? place : best }]
    }
    return Array((0..<extent).sorted(by: precedes).prefix(count))
  }
}
