import Failures
import Foundation
import Pullbacks

/// A tensor that the file states or that was computed while it was read. Weights are converted when they are first
/// asked for.
final class StoredValue {
  let kind: ElementKind
  let shape: [Int]
  /// The initialiser's name; nil for what was computed, and for constants without one.
  let name: String?
  private var made: Tensor?
  /// Nil as soon as it is made: the bytes of the file are let go.
  private var make: (() throws -> Tensor)?

  /// - Parameter make: the tensor, of the kind's type and the shape.
  init(_ kind: ElementKind, _ shape: [Int], name: String? = nil, _ make: @escaping () throws -> Tensor) {
    self.kind = kind
    self.shape = shape
    self.name = name
    self.make = make
  }

  /// A computed value.
  convenience init(_ kind: ElementKind, _ tensor: Tensor) {
    self.init(kind, tensor.shape) { tensor }
    made = tensor
    make = nil
  }

  /// Integers along one axis.
  convenience init(integers: [Int]) {
    self.init(.int64, Tensor(shape: [integers.count], integers: integers.map(Int64.init)))
  }

  /// One element in every place.
  convenience init(repeating element: StoredValue, _ shape: [Int]) {
    let kind = element.kind
    self.init(kind, shape) {
      kind.isFloat
        ? Tensor(shape: shape, repeating: try element.floats()[0])
        : Tensor(shape: shape, integers: repeatElement(Int64(try element.integers()[0]), count: shape.product))
    }
  }

  /// The element that every place has, alone; nil where they differ, and where there are none.
  func onlyElement() throws -> StoredValue? {
    let tensor = try tensor()
    if kind.isFloat {
      let values = tensor.scalars
      guard let first = values.first, values.allSatisfy({ $0 == first }) else { return nil }
      return StoredValue(kind, Tensor(shape: [1], [first]))
    }
    let values = tensor.integers
    guard let first = values.first, values.allSatisfy({ $0 == first }) else { return nil }
    return StoredValue(kind, Tensor(shape: [1], integers: [first]))
  }

  func tensor() throws -> Tensor {
    if let made { return made }
    let tensor = try make!()
    made = tensor
    make = nil
    return tensor
  }

  var count: Int { shape.product }

  /// The elements as integers; floats are rounded towards zero.
  func integers() throws -> [Int] {
    let tensor = try tensor()
    if tensor.type == .int64 { return tensor.integers.map(Int.init) }
    return tensor.scalars.map { $0.isFinite ? Int(max(min($0, 0x1p62), -0x1p62)) : 0 }
  }

  /// The elements as floats.
  func floats() throws -> [Float] {
    let tensor = try tensor()
    return tensor.type == .float32 ? tensor.scalars : tensor.integers.map(Float.init)
  }
}

extension Array where Element == Int {
  /// The number of elements of a shape; the largest integer where they cannot be counted.
  var product: Int {
    reduce(1) { count, extent in
      let (product, overflows) = count.multipliedReportingOverflow(by: extent)
      return overflows ? .max : product
    }
  }
}

/// The shape that a file states, if all of its extents can be counted together.
func checkedShape(_ dims: [Int64]) -> [Int]? {
  var count = 1
  for dim in dims {
    guard dim >= 0, dim <= Int(Int32.max) else { return nil }
    let (product, overflows) = count.multipliedReportingOverflow(by: Swift.max(1, Int(dim)))
    guard !overflows, product <= 1 << 33 else { return nil }
    count = product
  }
  return dims.map(Int.init)
}

extension StoredValue {
  /// A tensor of the file. Sizes are compared before anything is converted.
  ///
  /// - Throws: `PullbackError` where its type cannot be read, or it has more or fewer elements than its shape says.
  convenience init(_ proto: Onnx_TensorProto, name: String?, in file: ModelFile) throws {
    let subject = "tensor \(quoted(proto.name))"
    guard let kind = ElementKind(rawValue: Int(proto.dataType)), kind.isNumber else {
      let found = Onnx_TensorProto.DataType(rawValue: Int(proto.dataType)).map { "\($0)" } ?? "\(proto.dataType)"
      throw file.failure(
        subject, "has elements of the type \(found), which is not read",
        advice: "floats of 16, 32 and 64 bits, bfloat16, integers of 8 to 64 bits and bool are")
    }
    guard let shape = checkedShape(proto.dims) else {
      throw file.failure(subject, "the shape \(proto.dims) cannot be that of a tensor")
    }
    let count = shape.product
    func expect(_ found: Int, _ what: String, of expected: Int) throws {
      guard found == expected else {
        throw file.failure(
          subject, "expected \(expected) \(what) for the shape \(shape), found \(found)",
          advice: "export the model again")
      }
    }
    if proto.hasDataLocation, proto.dataLocation == .external {
      let bytes = try file.external(proto, count: count * kind.byteCount)
      self.init(kind, shape, name: name) { convert(kind, shape, bytes()) }
    } else if proto.hasRawData {
      try expect(proto.rawData.count, "bytes", of: count * kind.byteCount)
      let data = proto.rawData
      self.init(kind, shape, name: name) { data.withUnsafeBytes { convert(kind, shape, $0) } }
    } else {
      let typed = TypedData(proto, kind)
      try expect(typed.count, "elements", of: count)
      self.init(kind, shape, name: name) { typed.tensor(kind, shape) }
    }
  }
}

/// The elements of a tensor that are not stored as bytes.
private enum TypedData {
  case floats([Float])
  case doubles([Double])
  case small([Int32])
  case integers([Int64])
  case unsigned([UInt64])

  init(_ proto: Onnx_TensorProto, _ kind: ElementKind) {
    switch kind {
    case .float: self = .floats(proto.floatData)
    case .double: self = .doubles(proto.doubleData)
    case .int64: self = .integers(proto.int64Data)
    case .uint32, .uint64: self = .unsigned(proto.uint64Data)
    default: self = .small(proto.int32Data)
    }
  }

  var count: Int {
    switch self {
    case .floats(let values): values.count
    case .doubles(let values): values.count
    case .small(let values): values.count
    case .integers(let values): values.count
    case .unsigned(let values): values.count
    }
  }

  func tensor(_ kind: ElementKind, _ shape: [Int]) -> Tensor {
    switch self {
    case .floats(let values): Tensor(shape: shape, values)
    case .doubles(let values): Tensor(shape: shape, values.map { Float($0) })
    case .integers(let values): Tensor(shape: shape, integers: values)
    case .unsigned(let values): Tensor(shape: shape, integers: values.map { Int64(clamping: $0) })
    case .small(let values):
      switch kind {
      case .float16: Tensor(shape: shape, values.map { Float(half: UInt16(truncatingIfNeeded: $0)) })
      case .bfloat16:
        Tensor(shape: shape, values.map { Float(bitPattern: UInt32(UInt16(truncatingIfNeeded: $0)) << 16) })
      default: Tensor(shape: shape, integers: values.map { kind.wrapped(Int64($0)) })
      }
    }
  }
}

/// Raw little-endian elements as a tensor.
private func convert(_ kind: ElementKind, _ shape: [Int], _ bytes: UnsafeRawBufferPointer) -> Tensor {
  func floats<Stored: BitwiseCopyable>(_: Stored.Type, _ convert: (Stored) -> Float) -> Tensor {
    Tensor(shape: shape) { target in
      let width = MemoryLayout<Stored>.size
      for i in 0..<target.count { target[i] = convert(bytes.loadUnaligned(fromByteOffset: i * width, as: Stored.self)) }
    }
  }
  func integers<Stored: BitwiseCopyable & FixedWidthInteger>(_: Stored.Type) -> Tensor {
    let width = MemoryLayout<Stored>.size
    return Tensor(
      shape: shape,
      integers: (0..<shape.product).map {
        Int64(clamping: bytes.loadUnaligned(fromByteOffset: $0 * width, as: Stored.self))
      })
  }
  switch kind {
  case .float:
    return Tensor(shape: shape) { UnsafeMutableRawBufferPointer($0).copyMemory(from: bytes) }
  case .double: return floats(Double.self) { Float($0) }
  case .float16: return floats(UInt16.self) { Float(half: $0) }
  case .bfloat16: return floats(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
  case .int8: return integers(Int8.self)
  case .uint8: return integers(UInt8.self)
  case .bool: return Tensor(shape: shape, integers: bytes.prefix(shape.product).map { $0 == 0 ? 0 : 1 })
  case .int16: return integers(Int16.self)
  case .uint16: return integers(UInt16.self)
  case .int32: return integers(Int32.self)
  case .uint32: return integers(UInt32.self)
  case .uint64: return integers(UInt64.self)
  default: return integers(Int64.self)
  }
}
