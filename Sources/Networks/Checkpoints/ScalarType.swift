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
