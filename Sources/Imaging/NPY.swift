import Failures
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
    try write(shape: tensor.shape, to: path) { append in try append(tensor) }
  }

  /// Writes an array that comes in parts, in row-major order: it need not be in memory as a whole.
  ///
  /// - Throws: as ``write(_:to:)``, and whatever `content` throws; then no file is left.
  /// - Precondition: the parts have as many elements as `shape`.
  public static func write(
    shape: [Int], to path: String, _ content: (_ append: (Tensor) throws -> Void) throws -> Void
  ) throws {
    let header = try NPYHeader.bytes(for: shape)
    var count = 0
    try AtomicFile.write(to: path) { sink in
      try header.withUnsafeBytes { try sink($0) }
      try withoutActuallyEscaping(sink) { sink in
        try content { part in
          count += part.count
          try part.withUnsafeBuffer { try sink(UnsafeRawBufferPointer($0)) }
        }
      }
      precondition(count == shape.reduce(1, *), "\(count) elements for an array of shape \(shape)")
    }
  }
}
