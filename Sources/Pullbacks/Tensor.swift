import Kernels

/// The type of a tensor's elements.
public enum ElementType: String, Hashable, Sendable {
  /// 32-bit floats: everything that a cotangent can reach.
  case float32
  /// 64-bit integers: indices, token ids, shapes, conditions.
  case int64
}

/// A dense array in row-major order, with value semantics: of 32-bit floats unless said otherwise, or of 64-bit
/// integers.
///
/// Images are `(N, C, H, W)`, token sequences `(N, T, C)`, feature vectors `(N, C)`. A rank-0 tensor has shape `[]` and
/// one element. Copies share their storage until one of them is written to. Reading floats out of a tensor of integers,
/// or integers out of one of floats, is a programming error and traps.
public struct Tensor: Sendable {
  /// The extent of each axis, outermost first.
  public let shape: [Int]
  /// The type of the elements.
  public let type: ElementType
  private var storage: TensorStorage

  /// The number of elements, the product of ``shape``.
  public let count: Int

  /// A tensor of floats whose elements `initialise` writes, every one of them.
  public init(
    shape: [Int], initialisedBy initialise: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    self.init(shape: shape, type: .float32, storage: nil)
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

  /// A tensor of the given integers, in row-major order.
  ///
  /// - Precondition: `integers.count` is the product of `shape`.
  public init(shape: [Int], integers: some Collection<Int64>) {
    precondition(
      integers.count == shape.reduce(1, *), "\(integers.count) integers do not fill a tensor of shape \(shape)")
    self.init(shape: shape, type: .int64, storage: nil)
    storage.withIntegers(count) { _ = $0.initialize(fromContentsOf: integers) }
  }

  /// A tensor over memory that belongs to `owner` (a mapped file): read in place, copied on the first write.
  public init(shape: [Int], borrowing pointer: UnsafePointer<Float>, owner: AnyObject) {
    let count = shape.reduce(1, *)
    self.init(
      shape: shape, type: .float32, storage: TensorStorage(borrowing: pointer, count: count, owner: owner))
  }

  /// Over `storage`, or over new memory.
  private init(shape: [Int], type: ElementType, storage: TensorStorage?) {
    self.shape = shape
    self.type = type
    count = shape.reduce(1, *)
    self.storage = storage ?? TensorStorage(count: count * type.words)
  }

  /// The number of axes.
  public var rank: Int { shape.count }

  /// The elements in row-major order.
  public var scalars: [Float] { withUnsafeBuffer { Array($0) } }

  /// The integers in row-major order.
  ///
  /// - Precondition: a tensor of integers.
  public var integers: [Int64] {
    precondition(type == .int64, "a tensor of floats has no integers")
    return storage.withIntegers(count) { Array($0) }
  }

  /// Calls `body` with the elements in row-major order, for reading.
  public func withUnsafeBuffer<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
    precondition(type == .float32, "a tensor of integers has no floats")
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(start: storage.pointer, count: count))
  }

  /// Calls `body` with the elements in row-major order, for reading and writing.
  public mutating func withUnsafeMutableBuffer<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    precondition(type == .float32, "a tensor of integers has no floats")
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
    return Tensor(shape: shape, type: type, storage: storage)
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
  /// Equal shapes and equal elements, floats as IEEE 754 compares them.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.shape == b.shape, a.type == b.type else { return false }
    if a.type == .int64 { return a.integers == b.integers }
    return a.withUnsafeBuffer { a in b.withUnsafeBuffer { b in a.elementsEqual(b) } }
  }
}

// MARK: Batches

extension Tensor {
  /// Images `range` of a batch, a copy: axis 0 is the batch.
  ///
  /// - Precondition: the batch has these images.
  public func images(_ range: Range<Int>) -> Tensor {
    precondition(rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0], "no images \(range) in \(shape)")
    let size = count / max(1, shape[0]) * type.words
    let part = Tensor(shape: [range.count] + shape.dropFirst(), type: type, storage: nil)
    part.storage.pointer.update(from: storage.pointer + range.lowerBound * size, count: range.count * size)
    return part
  }

  /// One image of a batch, as a batch of one.
  ///
  /// - Precondition: the batch has this image.
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
  /// - Precondition: at least one tensor, equal shapes but for axis 0, and elements of one type.
  public init(batching parts: [Tensor]) {
    let tail = parts[0].shape.dropFirst()
    precondition(
      parts.allSatisfy { $0.shape.dropFirst() == tail && $0.type == parts[0].type },
      "images of a batch must have one shape")
    self.init(shape: [parts.reduce(0) { $0 + $1.shape[0] }] + tail, type: parts[0].type, storage: nil)
    var place = storage.pointer
    for part in parts {
      place.update(from: part.storage.pointer, count: part.count * type.words)
      place += part.count * type.words
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

// MARK: Memory

/// The memory under one or more tensors.
///
/// Freshly mapped pages cost more than the arithmetic done on them, so released buffers go to a pool and are handed out
/// again: a second pass through a network touches no new memory.
///
/// It may cross threads unchecked, because a tensor writes only to storage that it alone refers to.
private final class TensorStorage: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  let capacity: Int
  /// The owner that keeps borrowed memory alive (a mapped checkpoint); nil if the memory is the pool's.
  private let owner: AnyObject?

  /// Uninitialised memory for at least `count` words of 32 bits.
  init(count: Int) {
    (pointer, capacity) = BufferPool.shared.take(count)
    owner = nil
  }

  /// Memory that `owner` keeps alive and nobody writes to.
  init(borrowing pointer: UnsafePointer<Float>, count: Int, owner: AnyObject) {
    self.pointer = UnsafeMutablePointer(mutating: pointer)
    self.capacity = count
    self.owner = owner
  }

  /// Borrowed memory is read-only, whoever holds the only reference.
  var isBorrowed: Bool { owner != nil }

  /// Calls `body` with the memory as `count` integers.
  func withIntegers<Result>(_ count: Int, _ body: (UnsafeMutableBufferPointer<Int64>) -> Result) -> Result {
    defer { withExtendedLifetime(self) {} }
    return pointer.withMemoryRebound(to: Int64.self, capacity: count) {
      body(UnsafeMutableBufferPointer(start: $0, count: count))
    }
  }

  deinit {
    if owner == nil { BufferPool.shared.giveBack(pointer, capacity: capacity) }
  }
}

extension ElementType {
  /// The number of 32-bit words of an element.
  fileprivate var words: Int { self == .float32 ? 1 : 2 }
}
