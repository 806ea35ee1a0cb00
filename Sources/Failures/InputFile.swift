import Foundation

/// A regular file open for reading, its size known before anything is allocated for it.
public struct InputFile: ~Copyable {
  /// The path as it was given, for messages.
  public let path: String
  /// The number of bytes when the file was opened.
  public let size: Int
  private let descriptor: Int32

  /// Opens the file at `path`.
  ///
  /// - Parameter pipes: whether a pipe will do: then `-` is standard input, and what comes out of a pipe is kept in a
  ///   nameless file until the end, since its size must be known.
  /// - Throws: `PullbackError` of kind `noInput` if there is no such file or it is a folder, device or pipe; with
  ///   `pipes` of kind `data` if more than ``pipeLimit`` bytes come out, `io` if they cannot be kept.
  public init(_ path: String, pipes: Bool = false) throws {
    let isStandardInput = pipes && ["-", "/dev/stdin"].contains(path)
    let name = isStandardInput ? "standard input" : path
    // Without O_NONBLOCK, opening a pipe that nobody writes to waits for ever.
    let opened =
      isStandardInput
      ? dup(STDIN_FILENO) : PathText.withPath(path) { open($0, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
    guard opened >= 0 else { throw PullbackError(.noInput, name, "cannot be opened: \(systemMessage())") }
    var status = stat()
    guard fstat(opened, &status) == 0, status.isRegularFile || (pipes && status.isPipe) else {
      defer { close(opened) }
      let isTerminal = isatty(opened) == 1
      throw PullbackError(
        .noInput, name, "expected a file, found \(isTerminal ? "a terminal" : status.kindOfFile)",
        advice: isTerminal ? "pipe one in" : nil)
    }
    var file = (descriptor: opened, size: Int(status.st_size))
    if status.isRegularFile {
      if isStandardInput { lseek(opened, 0, SEEK_SET) }
    } else {
      defer { close(opened) }
      if !isStandardInput { _ = fcntl(opened, F_SETFL, 0) }
      file = try Self.contents(ofPipe: opened, name)
    }
    self.path = name
    descriptor = file.descriptor
    size = file.size
  }

  /// The largest number of bytes read from a pipe: more than any picture has.
  public static let pipeLimit = 1 << 30

  /// All that comes out of a pipe, in a nameless file, and how much it is.
  private static func contents(ofPipe pipe: Int32, _ name: String) throws -> (descriptor: Int32, size: Int) {
    // A named pipe that nobody has opened for writing yet looks like one that has ended.
    var event = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
    while poll(&event, 1, -1) < 0 && errno == EINTR {}
    guard let file = tmpfile() else {
      throw PullbackError(.io, name, "no temporary file can be made to keep it: \(systemMessage())")
    }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var size = 0
    while true {
      let count = Foundation.read(pipe, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw PullbackError(.io, name, "cannot be read: \(systemMessage())") }
      if count == 0 { break }
      size += count
      guard size <= pipeLimit else {
        throw PullbackError(.data, name, "expected at most \(pipeLimit) bytes, found more")
      }
      guard fwrite(buffer, 1, count, file) == count else {
        throw PullbackError(.io, name, "cannot be kept in a temporary file: \(systemMessage())")
      }
    }
    let kept = fflush(file) == 0 ? dup(fileno(file)) : -1
    guard kept >= 0, lseek(kept, 0, SEEK_SET) == 0 else {
      throw PullbackError(.io, name, "cannot be kept in a temporary file: \(systemMessage())")
    }
    return (kept, size)
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

  /// Begins anew: what is read next is the file's first byte.
  public func rewind() { lseek(descriptor, 0, SEEK_SET) }

  /// The whole file in memory of its own, read-only, also after this value is gone; the caller unmaps it. Holes of a
  /// sparse file take no memory.
  ///
  /// - Throws: `PullbackError` of kind `io` if there is no memory for it, as for an empty file there never is, if it
  ///   cannot be read, or if somebody changed it meanwhile.
  public func copy() throws -> UnsafeRawBufferPointer {
    let options = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, options, -1, 0), memory != MAP_FAILED else {
      throw PullbackError(.io, path, "cannot be read into memory (\(size) bytes): \(systemMessage())")
    }
    // Fresh pages cost as much as the copy itself; large ones cost less. A refusal does not matter.
    madvise(memory, size, MADV_HUGEPAGE)
    do {
      let before = try status()
      let (seekData, seekHole): (Int32, Int32) = (3, 4)
      var position = 0
      while position < size {
        // File systems that know no holes call everything data.
        let start = lseek(descriptor, position, seekData)
        if start < 0 && errno == ENXIO { break }
        let first = start < 0 ? position : min(size, Int(start))
        let end = start < 0 ? -1 : lseek(descriptor, start, seekHole)
        let last = end < 0 ? size : min(size, Int(end))
        guard lseek(descriptor, first, SEEK_SET) == first else {
          throw PullbackError(.io, path, "cannot be read: \(systemMessage())")
        }
        try read(into: UnsafeMutableRawBufferPointer(start: memory + first, count: last - first))
        position = last
      }
      guard try status() == before else {
        throw PullbackError(.io, path, "changed while it was read", advice: "try again when it is written")
      }
    } catch {
      munmap(memory, size)
      throw error
    }
    mprotect(memory, size, PROT_READ)
    return UnsafeRawBufferPointer(start: memory, count: size)
  }

  /// The size and the times of the last changes of content and of status.
  private func status() throws -> [Int] {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw PullbackError(.io, path, "cannot be read: \(systemMessage())")
    }
    return [
      Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
    ]
  }

  /// All bytes of a file of at most `limit` bytes.
  ///
  /// - Throws: `PullbackError` as ``init(_:)`` and ``read(into:)``, and of kind `data` for a longer file.
  public static func bytes(of path: String, limit: Int, pipes: Bool = false) throws -> [UInt8] {
    let file = try InputFile(path, pipes: pipes)
    guard file.size <= limit else {
      throw PullbackError(.data, file.path, "expected at most \(limit) bytes, found \(file.size)")
    }
    return try file.read(file.size)
  }
}
