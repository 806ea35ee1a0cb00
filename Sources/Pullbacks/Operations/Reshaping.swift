import Kernels

// Operations that move values and do not change them; each one's gradient moves them back.

/// The same values under another shape, the batch axis left alone.
public struct Reshape: Operation {
  /// The new shape, the batch axis not counted.
  public var shape: [Int]
  public init(_ shape: [Int]) { self.shape = shape }

  public var kind: String { "reshape" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "to \(shape)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    guard inputs[0].product == shape.product, shape.allSatisfy({ $0 > 0 }) else {
      throw PullbackError(.usage, kind, "shape \(inputs[0]) cannot become \(shape): the element counts differ")
    }
    return shape
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(inputs[0].reshaped([inputs[0].shape[0]] + shape))
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [v.reshaped(site.inputShapes[0])] }
}

/// Axes in another order: axis i of the output is axis `order[i]` of the input, the batch axis not counted.
public struct Transpose: Operation {
  /// For each axis of the output, the axis of the input that it was.
  public var order: [Int]
  public init(_ order: [Int]) { self.order = order }

  public var kind: String { "transpose" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "axes \(order)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    guard order.sorted() == Array(inputs[0].indices) else {
      throw PullbackError(.usage, kind, "\(order) is not an order of the axes of shape \(inputs[0])")
    }
    return order.map { inputs[0][$0] }
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(inputs[0].permuted([0] + order.map { $0 + 1 }))
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    var inverse = order
    for (place, axis) in order.enumerated() { inverse[axis] = place }
    return [v.permuted([0] + inverse.map { $0 + 1 })]
  }
}

/// The part `range` of one axis, the batch axis not counted.
public struct Slice: Operation {
  /// Which axis, the batch axis not counted.
  public var axis: Int
  /// The places of the axis that are kept.
  public var range: Range<Int>

  public init(axis: Int, _ range: Range<Int>) {
    self.axis = axis
    self.range = range
  }

  public var kind: String { "slice" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "axis \(axis), \(range)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    guard inputs[0].indices.contains(axis), !range.isEmpty, range.lowerBound >= 0, range.upperBound <= inputs[0][axis]
    else {
      throw PullbackError(.usage, kind, "\(range) of axis \(axis) is not within shape \(inputs[0])")
    }
    var shape = inputs[0]
    shape[axis] = range.count
    return shape
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    var shape = x.shape
    shape[axis + 1] = range.count
    return Evaluation(
      Tensor(shape: shape) { y in
        x.withUnsafeBuffer { x in
          copyBlocks(of: y.baseAddress!, shape, from: x.baseAddress!, inputs[0].shape)
        }
      })
  }

  /// v in its place, zeros around it.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    var dx = Tensor(shape: site.inputShapes[0])
    dx.withUnsafeMutableBuffer { dx in
      v.withUnsafeBuffer { source in
        let inner = v.shape.dropFirst(axis + 1).reduce(1, *)
        let wide = site.inputShapes[0].dropFirst(axis + 1).reduce(1, *)
        let offset = range.lowerBound * wide / site.inputShapes[0][axis + 1]
        for outer in 0..<v.count / inner {
          (dx.baseAddress! + outer * wide + offset).update(from: source.baseAddress! + outer * inner, count: inner)
        }
      }
    }
    return [dx]
  }

  private func copyBlocks(
    of y: UnsafeMutablePointer<Float>, _ shape: [Int], from x: UnsafePointer<Float>, _ input: [Int]
  ) {
    let inner = shape.dropFirst(axis + 1).reduce(1, *)
    let wide = input.dropFirst(axis + 1).reduce(1, *)
    let offset = range.lowerBound * wide / input[axis + 1]
    for outer in 0..<shape.product / inner {
      (y + outer * inner).update(from: x + outer * wide + offset, count: inner)
    }
  }
}

/// Tensors joined along one axis, the batch axis not counted.
public struct Concatenate: Operation {
  /// Which axis, the batch axis not counted.
  public var axis: Int
  public init(axis: Int = 0) { self.axis = axis }

  public var kind: String { "concat" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "axis \(axis)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    var shape = inputs[0]
    guard shape.indices.contains(axis) else {
      throw PullbackError(.usage, kind, "axis \(axis) is not an axis of shape \(shape)")
    }
    for other in inputs.dropFirst() {
      var expected = shape
      if other.indices.contains(axis) { expected[axis] = other[axis] }
      guard other == expected else {
        throw PullbackError(.usage, kind, "shapes \(inputs[0]) and \(other) differ in more than axis \(axis)")
      }
      shape[axis] += other[axis]
    }
    return shape
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    var shape = inputs[0].shape
    shape[axis + 1] = inputs.reduce(0) { $0 + $1.shape[axis + 1] }
    let wide = shape.dropFirst(axis + 1).reduce(1, *)
    return Evaluation(
      Tensor(shape: shape) { y in
        var offset = 0
        for x in inputs {
          let inner = x.shape.dropFirst(axis + 1).reduce(1, *)
          x.withUnsafeBuffer { x in
            for outer in 0..<x.count / inner {
              (y.baseAddress! + outer * wide + offset).update(from: x.baseAddress! + outer * inner, count: inner)
            }
          }
          offset += inner
        }
      })
  }

  /// Each input's part of v.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    var first = 0
    return site.inputShapes.map { shape in
      let part = Slice(axis: axis, first..<first + shape[axis + 1])
      first = part.range.upperBound
      return part.forward([v], [], mode: .evaluation).output
    }
  }
}

/// The input itself: dropout in evaluation, and a name for a place in the graph.
public struct Identity: Operation {
  public let kind: String
  public var character: OperationCharacter { .linear }
  public init(kind: String = "identity") { self.kind = kind }

  /// Dropout, which does nothing to a trained network.
  public static var dropout: Identity { Identity(kind: "dropout") }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] { inputs[0] }
  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation { Evaluation(inputs[0]) }
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [v] }
}

extension Tensor {
  /// Axes in another order: axis i of the result is axis `order[i]` of this tensor.
  public func permuted(_ order: [Int]) -> Tensor {
    precondition(order.sorted() == Array(shape.indices), "\(order) is not an order of the axes of \(shape)")
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    let extents = order.map { shape[$0] }
    let reading = order.map { strides[$0] }
    let tail = extents.dropFirst().reduce(1, *)
    return withUnsafeBuffer { x in
      Tensor(shape: extents) { y in
        guard rank > 1 else { return y.baseAddress!.update(from: x.baseAddress!, count: count) }
        // A piece is some rows along the second axis, for one index along the first.
        let rows = 64
        let pieces = (extents[1] + rows - 1) / rows
        let inner = tail / max(1, extents[1])
        Parallel.forEach(extents[0] * pieces) { index in
          let (outer, first) = (index / pieces, index % pieces * rows)
          Arrays.permute(
            x.baseAddress! + outer * reading[0] + first * reading[1], y.baseAddress! + outer * tail + first * inner,
            [min(rows, extents[1] - first)] + extents.dropFirst(2), Array(reading.dropFirst()), rank - 1)
        }
      }
    }
  }
}
