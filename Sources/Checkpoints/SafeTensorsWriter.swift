import Failures
import Pullbacks

/// Writing safetensors files. ``Checkpoint`` reads them.
public enum SafeTensors {
  /// The element type of a written file.
  public enum Precision: Sendable {
    /// Every bit of a value.
    case float32
    /// Halves the file; each value is rounded to the nearest float16, ties to even.
    case float16
  }

  /// Writes `tensors` to `path`, whole or not at all.
  ///
  /// Tensors lie in the order of their names' bytes, metadata likewise: equal tensors make equal files, the same bytes
  /// as the Python library's (`safetensors.numpy.save_file`) where the metadata has at most one key.
  ///
  /// - Throws: `PullbackError` if two tensors share a name or one is called `__metadata__`, if a finite value is
  ///   beyond float16's 65504 (`float16` only), or if the file cannot be written.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:], as precision: Precision = .float32,
    to path: String
  ) throws {
    let sorted = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let width = precision == .float32 ? 4 : 2
    var names: Set<String> = []
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      members.append(
        "\"__metadata__\":{" + pairs.map { "\(json($0.key)):\(json($0.value))" }.joined(separator: ",") + "}")
    }
    var offset = 0
    for (name, tensor) in sorted {
      guard name != "__metadata__", names.insert(name).inserted else {
        throw PullbackError(.usage, quoted(name), "names two tensors, or is the name the format reserves")
      }
      if precision == .float16 { try requireFloat16Range(tensor, name) }
      let end = offset + tensor.count * width
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let dtype = (precision == .float32 ? ScalarType.float32 : .float16).safeTensorsName
      let fields = "\"dtype\":\"\(dtype)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]"
      members.append("\(json(name)):{\(fields)}")
      offset = end
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    // The tensors begin at a multiple of eight bytes, so that they can be used in place.
    while header.count % 8 != 0 { header.append(0x20) }
    guard header.count <= SafeTensorsReader.longestHeader else {
      throw PullbackError(.usage, path, "a header of \(header.count) bytes is longer than the format allows")
    }

    try AtomicFile.write(to: path) { sink in
      try withUnsafeBytes(of: UInt64(header.count).littleEndian, sink)
      try header.withUnsafeBytes(sink)
      for (_, tensor) in sorted {
        try tensor.withUnsafeBuffer { values in
          switch precision {
          case .float32: try sink(UnsafeRawBufferPointer(values))
          case .float16: try values.map { Float16($0).bitPattern.littleEndian }.withUnsafeBytes(sink)
          }
        }
      }
    }
  }

  private static func requireFloat16Range(_ tensor: Tensor, _ name: String) throws {
    try tensor.withUnsafeBuffer { values in
      if let index = values.firstIndex(where: { $0.isFinite && !Float16($0).isFinite }) {
        throw PullbackError(
          .usage, "tensor \(quoted(name))", "holds \(values[index]) at index \(index), beyond float16's 65504",
          advice: "write float32")
      }
    }
  }

  /// A JSON string, escaped only where JSON demands it.
  private static func json(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{8}": result += "\\b"
      case "\u{C}": result += "\\f"
      case "\u{0}"..."\u{1F}": result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
