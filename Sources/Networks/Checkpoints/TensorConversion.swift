import Pullbacks

extension StoredTensor {
  /// The tensor in float32. Dense, aligned float32 is used in place, backed by the mapped file; all else is converted
  /// element by element, to the nearest float32 (ties to even).
  func read(from file: MappedFile) throws -> Tensor {
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
