import Foundation

/// A regular file open for reading, its size known before anything is allocated for it.
public struct InputFile: ~Copyable {
  /// As it was given, for messages.
  public let path: String
  /// The number of bytes when the file was opened.
  public let size: Int
  private let descriptor: Int32

  /// Opens the file at `path`.
  ///
  /// - Throws: `PullbackError` of kind `noInput` if there is no such file or it is a folder, device or pipe.
  public init(_ path: String) throws {
    // Without O_NONBLOCK, opening a pipe that nobody writes to waits for ever.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw PullbackError(.noInput, path, "cannot be opened: \(systemMessage())") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.isRegularFile else {
      close(descriptor)
      throw PullbackError(.noInput, path, "expected a file, found \(status.kindOfFile)")
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Fills `buffer` with the bytes that follow those read so far.
  ///
  /// - Throws: `PullbackError` of kind `io` if they cannot be read or the file has become too short for them.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let count = Foundation.read(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw PullbackError(.io, path, "cannot be read: \(systemMessage())") }
      guard count > 0 else { throw PullbackError(.io, path, "became shorter while it was read") }
      filled += count
    }
  }

  /// The next `count` bytes, which the file is known to have.
  public func read(_ count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try read(into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
      initialized = count
    }
  }

  /// The whole file mapped into memory, read-only, also after this value is gone; the caller unmaps it.
  ///
  /// Pages are read when first touched. The file must not be truncated by others while it is mapped.
  /// - Throws: `PullbackError` of kind `io` if it cannot be mapped, as an empty file never can.
  public func map() throws -> UnsafeRawBufferPointer {
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw PullbackError(.io, path, "cannot be mapped into memory: \(systemMessage())")
    }
    return UnsafeRawBufferPointer(start: address, count: size)
  }

  /// All bytes of a file of at most `limit` bytes.
  ///
  /// - Throws: `PullbackError` as ``init(_:)`` and ``read(into:)``, and of kind `data` for a longer file.
  public static func bytes(of path: String, limit: Int) throws -> [UInt8] {
    let file = try InputFile(path)
    guard file.size <= limit else {
      throw PullbackError(.data, path, "expected at most \(limit) bytes, found \(file.size)")
    }
    return try file.read(file.size)
  }
}
