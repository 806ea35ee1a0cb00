import Pullbacks

/// One tensor of a checkpoint, as its header describes it.
public struct TensorEntry: Equatable, Sendable {
  /// As the state dict calls it, without a `module.` that all names share.
  public let name: String
  /// The element type in the file; ``Checkpoint/tensor(_:requireFinite:)`` converts to float32.
  public let dtype: ScalarType
  /// The extents of its axes; none for a scalar.
  public let shape: [Int]
}

/// Where a tensor lies in its file: a strided view of a run of bytes.
///
/// The initialiser proves that every element the view reaches lies inside `bytes`, and `bytes` inside the file.
struct StoredTensor: Sendable {
  let entry: TensorEntry
  /// Elements between neighbours along each axis; zero where an axis repeats one element.
  let strides: [Int]
  /// The first element, in bytes from the start of the file.
  let start: Int
  /// The number of elements.
  let count: Int

  /// A dense tensor that fills `bytes` exactly.
  init(_ entry: TensorEntry, filling bytes: Range<Int>, of file: MappedFile) throws {
    let count = try Self.elementCount(entry, file)
    let (size, overflow) = count.multipliedReportingOverflow(by: entry.dtype.byteCount)
    guard !overflow, size == bytes.count else {
      throw file.malformed(
        "tensor \(quoted(entry.name)) of shape \(entry.shape) and type \(entry.dtype.rawValue) has "
          + "\(bytes.count) bytes")
    }
    try self.init(entry, strides: Self.denseStrides(entry.shape), offset: 0, in: bytes, of: file)
  }

  /// A view whose element `i` is at `offset + sum(i * strides)`, counted in elements from the start of `bytes`.
  init(
    _ entry: TensorEntry, strides: [Int], offset: Int, in bytes: Range<Int>, of file: MappedFile
  ) throws {
    guard bytes.lowerBound >= 0, bytes.upperBound <= file.count else {
      throw file.malformed("tensor \(quoted(entry.name)) reaches outside the file")
    }
    guard strides.count == entry.shape.count, offset >= 0, strides.allSatisfy({ $0 >= 0 }) else {
      throw file.malformed(
        "tensor \(quoted(entry.name)) has shape \(entry.shape), strides \(strides) and offset \(offset)")
    }
    let count = try Self.elementCount(entry, file)
    let width = entry.dtype.byteCount
    var start = bytes.lowerBound
    if count > 0 {
      var last = offset
      for (extent, stride) in zip(entry.shape, strides) {
        let (reach, overflow1) = (extent - 1).multipliedReportingOverflow(by: stride)
        let (sum, overflow2) = last.addingReportingOverflow(reach)
        guard !overflow1, !overflow2 else {
          throw file.malformed(
            "tensor \(quoted(entry.name)) of shape \(entry.shape) has strides \(strides): its extent overflows")
        }
        last = sum
      }
      guard last < bytes.count / width else {
        throw file.malformed(
          "tensor \(quoted(entry.name)) reads element \(last) of a storage of \(bytes.count / width)")
      }
      start += offset * width
    }
    // An axis of stride zero makes a tensor larger than its file: such an expansion stays within 2^24 elements.
    guard count <= max(bytes.count / width, 1 << 24) else {
      throw file.malformed("tensor \(quoted(entry.name)) expands \(bytes.count / width) stored elements to \(count)")
    }
    self.entry = entry
    self.strides = strides
    self.start = start
    self.count = count
  }

  /// Row-major order without gaps.
  var isDense: Bool {
    zip(zip(entry.shape, strides), Self.denseStrides(entry.shape)).allSatisfy { $0.0 == 1 || $0.1 == $1 } || count == 0
  }

  static func denseStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      // A zero extent elsewhere may excuse a huge product; nothing is read through these strides then.
      strides[axis] = strides[axis + 1].multipliedReportingOverflow(by: max(1, shape[axis + 1])).partialValue
    }
    return strides
  }

  /// The product of the shape. Zero extents do not excuse an overflow: whoever multiplies in another order would trap.
  private static func elementCount(_ entry: TensorEntry, _ file: MappedFile) throws -> Int {
    guard entry.shape.count <= 64 else {
      throw file.malformed("tensor \(quoted(entry.name)) has \(entry.shape.count) axes")
    }
    var product = 1
    for extent in entry.shape {
      guard extent >= 0 else {
        throw file.malformed("tensor \(quoted(entry.name)) has the shape \(entry.shape)")
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: max(1, extent))
      guard !overflow else {
        throw file.malformed("tensor \(quoted(entry.name)) has the shape \(entry.shape): its size overflows")
      }
      product = next
    }
    return entry.shape.contains(0) ? 0 : product
  }
}
