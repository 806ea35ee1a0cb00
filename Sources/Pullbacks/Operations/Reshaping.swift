import Kernels

// Operations that move values and do not change them; each one's gradient moves them back.

/// The same values, floats or integers, under another shape, the batch axis left alone.
public struct Reshape: Operation {
  /// The new shape, the batch axis not counted.
  public var shape: [Int]
  public init(_ shape: [Int]) { self.shape = shape }

  public var kind: String { "reshape" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "to \(shape)" }

  public func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType { inputs[0] }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
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
    try checkCount(inputs, 1, of: kind)
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

/// The input itself: dropout in evaluation, and a name for a place in the graph.
public struct Identity: Operation {
  public let kind: String
  public var character: OperationCharacter { .linear }
  public init(kind: String = "identity") { self.kind = kind }

  /// Dropout, which does nothing to a trained network.
  public static var dropout: Identity { Identity(kind: "dropout") }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    return inputs[0]
  }
  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation { Evaluation(inputs[0]) }
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [v] }
}

extension Tensor {
  /// Axes in another order: axis i of the result is axis `order[i]` of this tensor.
  public func permuted(_ order: [Int]) -> Tensor {
    precondition(order.sorted() == Array(shape.indices), "\(order) is not an order of the axes of \(shape)")
    // A matrix in pieces of rows, as one of a batch.
    if rank == 2, order == [1, 0] {
      return reshaped([1] + shape).permuted([0, 2, 1]).reshaped([shape[1], shape[0]])
    }
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
