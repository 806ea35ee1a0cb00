import Pullbacks

/// One tensor of a checkpoint, as its header describes it.
public struct TensorEntry: Equatable, Sendable {
  /// The name in the state dict, without the prefixes of wrappers.
  public let name: String
  /// The element type in the file; ``Checkpoint/tensor(_:requireFinite:)`` converts to float32.
  public let dtype: ScalarType
  /// The extents of its axes; none for a scalar.
  public let shape: [Int]
}

/// The place of a tensor in its file: a strided view of a run of bytes.
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
  init(_ entry: TensorEntry, filling bytes: Range<Int>, of file: FileCopy) throws {
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
    _ entry: TensorEntry, strides: [Int], offset: Int, in bytes: Range<Int>, of file: FileCopy
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
  private static func elementCount(_ entry: TensorEntry, _ file: FileCopy) throws -> Int {
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

/// The type of a stored tensor's elements; the raw value is PyTorch's name for it.
public enum ScalarType: String, Sendable, CaseIterable {
  /// Binary floating point.
  case float64, float32, float16, bfloat16
  /// Signed, in two's complement.
  case int64, int32, int16, int8
  /// Unsigned.
  case uint64, uint32, uint16, uint8
  /// A byte, 0 or 1.
  case bool
  // Listed, so that a file which holds one beside its weights can be read; not converted to float32.
  /// Two numbers a value.
  case complex64, complex128
  /// Four bits of exponent, three of significand.
  case float8E4M3 = "float8_e4m3fn"
  /// Five bits of exponent, two of significand.
  case float8E5M2 = "float8_e5m2"

  /// Whether its values are whole numbers.
  public var isWhole: Bool {
    switch self {
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool: true
    case .float64, .float32, .float16, .bfloat16, .complex64, .complex128, .float8E4M3, .float8E5M2: false
    }
  }

  /// Bytes per element.
  public var byteCount: Int {
    switch self {
    case .complex128: 16
    case .float64, .int64, .uint64, .complex64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool, .float8E4M3, .float8E5M2: 1
    }
  }

  /// The name safetensors gives the type, where it has one.
  var safeTensorsName: String {
    switch self {
    case .float64: "F64"
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .int64: "I64"
    case .int32: "I32"
    case .int16: "I16"
    case .int8: "I8"
    case .uint64: "U64"
    case .uint32: "U32"
    case .uint16: "U16"
    case .uint8: "U8"
    case .bool: "BOOL"
    case .complex64: "C64"
    case .complex128: "C128"
    case .float8E4M3: "F8_E4M3"
    case .float8E5M2: "F8_E5M2"
    }
  }
}

extension StoredTensor {
  /// The tensor in float32. Dense, aligned float32 is used in place, backed by the copy of the file; all else is
  /// converted element by element, to the nearest float32 (ties to even).
  func read(from file: FileCopy) throws -> Tensor {
    let shape = entry.shape
    guard count > 0 else { return Tensor(shape: shape) }
    let bytes = try file.bytes(in: start..<start + reach * entry.dtype.byteCount)
    guard let base = bytes.baseAddress else { return Tensor(shape: shape) }
    switch entry.dtype {
    case .float32:
      let alignment = MemoryLayout<Float>.alignment
      if isDense, UInt(bitPattern: base) % UInt(alignment) == 0 {
        return Tensor(shape: shape, borrowing: base.assumingMemoryBound(to: Float.self), owner: file)
      }
      return gather(UInt32.self, bytes) { Float(bitPattern: $0) }
    case .float64: return gather(UInt64.self, bytes) { Float(Double(bitPattern: $0)) }
    case .float16: return gather(UInt16.self, bytes, Self.widened)
    case .bfloat16: return gather(UInt16.self, bytes) { Float(bitPattern: UInt32($0) << 16) }
    case .int64: return gather(Int64.self, bytes) { Float($0) }
    case .int32: return gather(Int32.self, bytes) { Float($0) }
    case .int16: return gather(Int16.self, bytes) { Float($0) }
    case .int8: return gather(Int8.self, bytes) { Float($0) }
    case .uint64: return gather(UInt64.self, bytes) { Float($0) }
    case .uint32: return gather(UInt32.self, bytes) { Float($0) }
    case .uint16: return gather(UInt16.self, bytes) { Float($0) }
    case .uint8: return gather(UInt8.self, bytes) { Float($0) }
    case .bool: return gather(UInt8.self, bytes) { $0 == 0 ? 0 : 1 }
    case .complex64, .complex128, .float8E4M3, .float8E5M2:
      throw file.malformed(
        "tensor \(quoted(entry.name)) is stored as \(entry.dtype.rawValue), which is not read",
        advice: "save it as float32")
    }
  }

  /// The number of elements between the first and the last one read, both included.
  private var reach: Int { zip(entry.shape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 } }

  /// Reads the view in row-major order: runs along the last axis, an odometer over the others.
  private func gather<Stored: BitwiseCopyable>(
    _: Stored.Type, _ bytes: UnsafeRawBufferPointer, _ convert: (Stored) -> Float
  ) -> Tensor {
    let width = MemoryLayout<Stored>.size
    // A dense view is one run, whatever its shape.
    let shape = isDense ? [count] : entry.shape
    let strides = isDense ? [1] : self.strides
    return Tensor(shape: entry.shape) { target in
      let run = shape[shape.count - 1]
      let step = strides[shape.count - 1] * width
      var index = [Int](repeating: 0, count: shape.count)
      var source = 0
      for first in stride(from: 0, to: count, by: run) {
        for i in 0..<run {
          target[first + i] = convert(bytes.loadUnaligned(fromByteOffset: source + i * step, as: Stored.self))
        }
        var axis = shape.count - 2
        while axis >= 0 {
          index[axis] += 1
          source += strides[axis] * width
          guard index[axis] == shape[axis] else { break }
          source -= shape[axis] * strides[axis] * width
          index[axis] = 0
          axis -= 1
        }
      }
    }
  }
  /// The value of a float16, exactly. The processor's baseline instructions do not know the type, and the library's
  /// conversion takes ten times as long: the bits are moved into place and the exponent's bias made up by a product,
  /// which also normalises subnormals; an infinity or NaN keeps its exponent of all ones.
  private static func widened(_ half: UInt16) -> Float {
    let scaled = Float(bitPattern: UInt32(half & 0x7FFF) << 13) * 0x1p112
    let special: UInt32 = half & 0x7C00 == 0x7C00 ? 0x7F80_0000 : 0
    return Float(bitPattern: scaled.bitPattern | special | UInt32(half & 0x8000) << 16)
  }
}
