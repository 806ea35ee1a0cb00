import Foundation
import Pullbacks

/// A file that appears under its name complete or not at all: it is written beside its place and then renamed.
enum AtomicFile {
  /// Writes what `content` hands to its argument, in order.
  static func write(
    to path: String, _ content: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    let temporary = "\(path).\(UInt64.random(in: .min ... .max)).partial"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(.cannotCreate, path, "cannot be created") }
    do {
      defer { close(descriptor) }
      try content { bytes in
        var rest = bytes
        while let base = rest.baseAddress, rest.count > 0 {
          let written = Foundation.write(descriptor, base, rest.count)
          if written < 0 && errno == EINTR { continue }
          guard written > 0 else { throw failure(.io, path, "cannot be written") }
          rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
      }
      guard fsync(descriptor) == 0 else { throw failure(.io, path, "cannot be written") }
      guard rename(temporary, path) == 0 else { throw failure(.cannotCreate, path, "cannot be put in place") }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func failure(_ kind: PullbackError.Kind, _ path: String, _ problem: String) -> PullbackError {
    PullbackError(kind, path, "\(problem): \(String(cString: strerror(errno)))")
  }
}
