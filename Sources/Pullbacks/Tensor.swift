/// A dense array of 32-bit floats in row-major order, with value semantics.
///
/// Images are `(N, C, H, W)`, token sequences `(N, T, C)`, feature vectors `(N, C)`. A rank-0 tensor has shape `[]` and
/// one element. Copies share their storage until one of them is written to.
public struct Tensor: Sendable {
  /// The extent of each axis, outermost first.
  public let shape: [Int]
  private var storage: TensorStorage

  /// The number of elements, the product of ``shape``.
  public let count: Int

  /// A tensor whose elements `initialise` writes, every one of them.
  public init(
    shape: [Int], initialisedBy initialise: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    self.shape = shape
    count = shape.reduce(1, *)
    storage = TensorStorage(count: count)
    try initialise(UnsafeMutableBufferPointer(start: storage.pointer, count: count))
  }

  /// A tensor with every element equal to `value`.
  public init(shape: [Int], repeating value: Float = 0) {
    self.init(shape: shape) { $0.update(repeating: value) }
  }

  /// A tensor of the given elements, in row-major order.
  ///
  /// - Precondition: `values.count` is the product of `shape`.
  public init(shape: [Int], _ values: some Collection<Float>) {
    precondition(
      values.count == shape.reduce(1, *), "\(values.count) values do not fill a tensor of shape \(shape)")
    self.init(shape: shape) { _ = $0.initialize(fromContentsOf: values) }
  }

  /// A tensor over memory that belongs to `owner` (a mapped file): read in place, copied on the first write.
  public init(shape: [Int], borrowing pointer: UnsafePointer<Float>, owner: AnyObject) {
    self.shape = shape
    count = shape.reduce(1, *)
    storage = TensorStorage(borrowing: pointer, count: count, owner: owner)
  }

  private init(shape: [Int], storage: TensorStorage) {
    self.shape = shape
    count = shape.reduce(1, *)
    self.storage = storage
  }

  /// The number of axes.
  public var rank: Int { shape.count }

  /// The elements in row-major order.
  public var scalars: [Float] { withUnsafeBuffer { Array($0) } }

  /// Calls `body` with the elements in row-major order, for reading.
  public func withUnsafeBuffer<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(start: storage.pointer, count: count))
  }

  /// Calls `body` with the elements in row-major order, for reading and writing.
  public mutating func withUnsafeMutableBuffer<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    if !isKnownUniquelyReferenced(&storage) || storage.isBorrowed {
      let copy = TensorStorage(count: count)
      copy.pointer.update(from: storage.pointer, count: count)
      storage = copy
    }
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeMutableBufferPointer(start: storage.pointer, count: count))
  }

  /// The same elements under another shape; nothing is copied.
  ///
  /// - Precondition: both shapes have the same number of elements.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count, "a tensor of shape \(self.shape) cannot be viewed as \(shape)")
    return Tensor(shape: shape, storage: storage)
  }

  /// The element at `index`, one number per axis.
  public subscript(index: Int...) -> Float {
    get { withUnsafeBuffer { $0[offset(index)] } }
    set {
      let offset = offset(index)
      withUnsafeMutableBuffer { $0[offset] = newValue }
    }
  }

  private func offset(_ index: [Int]) -> Int {
    precondition(index.count == rank, "\(index.count) indices for a tensor of rank \(rank)")
    return zip(index, shape).reduce(0) { sum, axis in
      precondition(axis.0 >= 0 && axis.0 < axis.1, "index \(index) outside shape \(shape)")
      return sum * axis.1 + axis.0
    }
  }
}

extension Tensor: Equatable {
  /// Equal shapes and equal elements, as IEEE 754 compares them.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    a.shape == b.shape && a.withUnsafeBuffer { a in b.withUnsafeBuffer { b in a.elementsEqual(b) } }
  }
}

extension Tensor {
  /// Images `range` of a batch, a copy: axis 0 is the batch.
  public func images(_ range: Range<Int>) -> Tensor {
    let size = count / max(1, shape[0])
    return withUnsafeBuffer { source in
      Tensor(shape: [range.count] + shape.dropFirst(), source[range.lowerBound * size..<range.upperBound * size])
    }
  }

  /// One image of a batch, as a batch of one.
  public func image(_ index: Int) -> Tensor { images(index..<index + 1) }

  /// A batch of one image, `count` times over.
  ///
  /// - Precondition: the batch has one image.
  public func repeated(_ count: Int) -> Tensor {
    precondition(shape[0] == 1, "expected a batch of one image, found shape \(shape)")
    return count == 1 ? self : Tensor(batching: [Tensor](repeating: self, count: count))
  }

  /// Batches joined along axis 0.
  ///
  /// - Precondition: at least one tensor, and equal shapes but for axis 0.
  public init(batching parts: [Tensor]) {
    let tail = parts[0].shape.dropFirst()
    precondition(parts.allSatisfy { $0.shape.dropFirst() == tail }, "images of a batch must have one shape")
    self.init(shape: [parts.reduce(0) { $0 + $1.shape[0] }] + tail) { buffer in
      var offset = 0
      for part in parts {
        part.withUnsafeBuffer { source in
          _ = buffer[offset..<offset + source.count].initialize(fromContentsOf: source)
        }
        offset += part.count
      }
    }
  }
}

/// The squared Euclidean norm of each image of a batch is taken in Double: float32 sums of 150,528 squares lose digits.
extension Tensor {
  /// The Euclidean norm over all values of each image of a batch.
  public var imageNorms: [Double] {
    let size = count / max(1, shape[0])
    return withUnsafeBuffer { buffer in
      (0..<shape[0]).map { image in
        var sum = 0.0
        for value in buffer[image * size..<(image + 1) * size] { sum += Double(value) * Double(value) }
        return sum.squareRoot()
      }
    }
  }
}
