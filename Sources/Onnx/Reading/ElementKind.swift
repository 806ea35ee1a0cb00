import Pullbacks

/// The type of a value's elements, in the file's words. In the core, floats of every width are float32, and integers
/// and conditions are int64.
enum ElementKind: Int, Sendable {
  case float = 1
  case uint8, int8, uint16, int16, int32, int64, string, bool, float16, double, uint32, uint64, complex64, complex128
  case bfloat16

  var isFloat: Bool { [.float, .float16, .double, .bfloat16].contains(self) }
  var isNumber: Bool { ![.string, .complex64, .complex128].contains(self) }

  /// The type of a tensor that holds such elements.
  var type: ElementType { isFloat ? .float32 : .int64 }

  /// The number of bytes of an element in raw data.
  var byteCount: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .float, .int32, .uint32, .string: 4
    case .int64, .uint64, .double, .complex64: 8
    case .complex128: 16
    }
  }

  /// The least and the largest integer that a quantiser gives; nil for kinds that none gives.
  var quantisedRange: ClosedRange<Float>? {
    switch self {
    case .uint8: 0...255
    case .int8: -128...127
    case .uint16: 0...65535
    case .int16: -32768...32767
    default: nil
    }
  }

  /// The integer as this kind of element has room for it, wrapped around where it does not fit.
  func wrapped(_ value: Int64) -> Int64 {
    switch self {
    case .uint8: Int64(UInt8(truncatingIfNeeded: value))
    case .int8: Int64(Int8(truncatingIfNeeded: value))
    case .uint16: Int64(UInt16(truncatingIfNeeded: value))
    case .int16: Int64(Int16(truncatingIfNeeded: value))
    case .uint32: Int64(UInt32(truncatingIfNeeded: value))
    case .int32: Int64(Int32(truncatingIfNeeded: value))
    case .bool: value == 0 ? 0 : 1
    default: value
    }
  }

  /// The float as this kind has room for it.
  func rounded(_ value: Float) -> Float {
    switch self {
    case .bfloat16:
      guard value.isFinite else { return value }
      let bits = value.bitPattern
      return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
    case .float16: return value.asHalf
    default: return value
    }
  }
}

extension Float {
  /// The value of a float16.
  init(half: UInt16) {
    let scaled = Float(bitPattern: UInt32(half & 0x7FFF) << 13) * 0x1p112
    let special: UInt32 = half & 0x7C00 == 0x7C00 ? 0x7F80_0000 : 0
    self.init(bitPattern: scaled.bitPattern | special | UInt32(half & 0x8000) << 16)
  }

  /// The nearest float16, ties to even.
  fileprivate var asHalf: Float {
    guard isFinite else { return self }
    // A sum with a number of the right size drops the digits that a half has no room for.
    let size = Swift.max(magnitude.exponentOrLeast, -14)
    let unit = Float(sign: .plus, exponent: size - 10, significand: 1)
    let rounded = (self / unit).rounded(.toNearestOrEven) * unit
    return rounded.magnitude > 65504 ? (self < 0 ? -.infinity : .infinity) : rounded
  }

  private var exponentOrLeast: Int { self == 0 ? -14 : Int(exponent) }
}
