import Files
import Pullbacks

/// NumPy's array files (NEP 1), for tensors: little-endian float32 in row-major order.
///
/// Reads format versions 1, 2 and 3; writes the bytes that `numpy.save` writes.
public enum NPY {
  /// Reads the array in the file at `path`.
  ///
  /// - Throws: `PullbackError` of kind `noInput` if there is no such file, `data` if it is not an array of float32 in
  ///   row-major order or its length does not agree with its shape.
  public static func read(_ path: String) throws -> Tensor {
    let file = try InputFile(path)
    let header = try NPYHeader(reading: file)
    let length = file.size - header.byteCount
    guard length == header.dataByteCount else {
      throw PullbackError(
        .data, path, "expected \(header.dataByteCount) bytes of data for the shape \(header.shape), found \(length)")
    }
    return try Tensor(shape: header.shape) { try file.read(into: UnsafeMutableRawBufferPointer($0)) }
  }

  /// Writes `tensor` to `path`, whole or not at all.
  ///
  /// - Throws: `PullbackError` as `AtomicFile` does, and of kind `usage` for more than NumPy's 64 axes.
  public static func write(_ tensor: Tensor, to path: String) throws {
    let header = try NPYHeader.bytes(for: tensor.shape)
    try header.withUnsafeBytes { header in
      try tensor.withUnsafeBuffer { values in
        try AtomicFile.write(to: path) { sink in
          try sink(header)
          try sink(UnsafeRawBufferPointer(values))
        }
      }
    }
  }
}
