import Kernels

// Operations that look values up by integers. No cotangent reaches an integer.

/// The values of `data` along an axis at certain indices, image by image.
///
/// Inputs are the data `(N, ..., D, ...)` and integer indices `(N, i, ...)`; in the output, the axis is replaced by
/// those of the indices. A negative index counts from the end. One outside the axis yields NaN, so that bad input stays
/// visible.
public struct Gather: Operation {
  /// The axis of the data, the batch axis not counted.
  public var axis: Int
  /// - Parameter axis: an axis of the data, the batch axis not counted.
  public init(axis: Int = 0) { self.axis = axis }

  public var kind: String { "gather" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "axis \(axis)" }
  public var takesBatchesOfOne: Bool { true }

  public func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType {
    guard inputs == [.float32, .int64] else {
      throw PullbackError(.usage, kind, "expected floats and integers, found \(inputs.map(\.rawValue))")
    }
    return .float32
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 2, of: kind)
    guard inputs[0].indices.contains(axis) else {
      throw PullbackError(.usage, kind, "axis \(axis) is not an axis of shape \(inputs[0])")
    }
    return inputs[0].prefix(axis) + inputs[1] + inputs[0].dropFirst(axis + 1)
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let data = inputs[0]
    let lookup = Lookup(data.shape, inputs[1], axis: axis)
    return Evaluation(
      Tensor(shape: [lookup.images] + (try! outputShape(inputs.map { Array($0.shape.dropFirst()) }))) { y in
        data.withUnsafeBuffer { data in
          lookup.forEachRow { source, place in
            let row = y.baseAddress! + place
            if let source {
              row.update(from: data.baseAddress! + source, count: lookup.inner)
            } else {
              row.update(repeating: .nan, count: lookup.inner)
            }
          }
        }
      })
  }

  /// The indices are read again.
  public var gradientNeeds: Needs { .inputs }

  /// Each v is added to the value that was looked up.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let shape = site.inputShapes[0]
    let lookup = Lookup(shape, site.input(1), axis: axis)
    return [lookup.adjoint(v, shape: shape), nil]
  }
}

/// A learned vector for each integer: token ids `(N, ...)` to `(N, ..., width)`.
///
/// Parameter: `weight` `(count, width)`. An id outside `0 ..< count` yields NaN. As no cotangent reaches the ids, a
/// network is explained from the embedding's value on: ``Network/starting(at:)``.
public struct Embedding: Operation {
  /// The number of vectors.
  public var count: Int
  /// The number of values of each vector.
  public var width: Int

  /// - Parameters:
  ///   - count: the number of vectors.
  ///   - width: the number of values of each.
  public init(_ count: Int, width: Int) {
    self.count = count
    self.width = width
  }

  public var kind: String { "embedding" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "\(count) of \(width)" }

  public func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType {
    guard inputs == [.int64] else { throw PullbackError(.usage, kind, "expected integers, found floats") }
    return .float32
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] { inputs[0] + [width] }
  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    [ParameterDescription("weight", [count, width])]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let ids = inputs[0].integers
    return Evaluation(
      Tensor(shape: inputs[0].shape + [width]) { y in
        parameters[0].withUnsafeBuffer { weight in
          for (place, id) in ids.enumerated() {
            let row = y.baseAddress! + place * width
            if (0..<Int64(count)).contains(id) {
              row.update(from: weight.baseAddress! + Int(id) * width, count: width)
            } else {
              row.update(repeating: .nan, count: width)
            }
          }
        }
      })
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [nil] }

  /// The sum of v over the places of each id.
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let ids = site.input().integers
    var weight = Tensor(shape: [count, width])
    weight.withUnsafeMutableBuffer { weight in
      v.withUnsafeBuffer { v in
        for (place, id) in ids.enumerated() where (0..<Int64(count)).contains(id) {
          Arrays.accumulate(v.baseAddress! + place * width, weight.baseAddress! + Int(id) * width, width)
        }
      }
    }
    return [weight]
  }
}

/// The places in the data from which a ``Gather`` takes the rows of its output.
private struct Lookup {
  /// The number of images of the output; data and indices have as many, or one.
  let images: Int
  /// Values of a row.
  let inner: Int
  private let dataImages, indexImages, outer, extent: Int
  private let indices: [Int64]

  init(_ data: [Int], _ indices: Tensor, axis: Int) {
    self.indices = indices.integers
    dataImages = data[0]
    indexImages = indices.shape[0]
    images = max(dataImages, indexImages)
    outer = data[1..<axis + 1].reduce(1, *)
    extent = data[axis + 1]
    inner = data.dropFirst(axis + 2).reduce(1, *)
  }

  /// Calls `body` with every row's offset in the data, nil for an index outside the axis, and in the output.
  func forEachRow(_ body: (_ source: Int?, _ place: Int) -> Void) {
    let count = indices.count / indexImages
    for image in 0..<images {
      let first = indexImages == 1 ? 0 : image * count
      for part in 0..<outer {
        for index in 0..<count {
          let place = indices[first + index] < 0 ? indices[first + index] + Int64(extent) : indices[first + index]
          let start = ((dataImages == 1 ? 0 : image) * outer + part) * extent
          let source = (0..<Int64(extent)).contains(place) ? (start + Int(place)) * inner : nil
          body(source, ((image * outer + part) * count + index) * inner)
        }
      }
    }
  }

  func adjoint(_ v: Tensor, shape: [Int]) -> Tensor {
    var dx = Tensor(shape: shape)
    dx.withUnsafeMutableBuffer { dx in
      v.withUnsafeBuffer { v in
        forEachRow { source, place in
          if let source { Arrays.accumulate(v.baseAddress! + place, dx.baseAddress! + source, inner) }
        }
      }
    }
    return dx
  }
}
