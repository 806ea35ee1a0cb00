import Foundation
import Pullbacks

/// A regular file open for reading, its size known before anything is allocated for it.
struct InputFile: ~Copyable {
  let path: String
  let size: Int
  private let descriptor: Int32

  init(_ path: String) throws {
    // Without O_NONBLOCK, opening a pipe that nobody writes to waits for ever.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw PullbackError(.noInput, path, "cannot be opened: \(systemMessage())") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      close(descriptor)
      throw PullbackError(.noInput, path, "expected a file, found \(isFolder ? "a folder" : "a device or pipe")")
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Fills `buffer` with the bytes that follow those read so far.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws {
    var filled = 0
    while filled < buffer.count {
      let count = Foundation.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw PullbackError(.io, path, "cannot be read: \(systemMessage())") }
      guard count > 0 else { throw PullbackError(.io, path, "became shorter while it was read") }
      filled += count
    }
  }

  /// The next `count` bytes.
  func read(_ count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
      try read(into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
      initialised = count
    }
  }

  /// All bytes of a file of at most `limit` bytes.
  static func bytes(of path: String, limit: Int) throws -> [UInt8] {
    let file = try InputFile(path)
    guard file.size <= limit else {
      throw PullbackError(.data, path, "expected at most \(limit) bytes, found \(file.size)")
    }
    return try file.read(file.size)
  }
}

/// What the last failed system call has to say.
func systemMessage() -> String { String(cString: strerror(errno)) }
