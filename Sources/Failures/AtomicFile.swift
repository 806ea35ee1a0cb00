import Foundation
import Synchronization

/// Files that appear whole or not at all.
///
/// The bytes go to a temporary name in the file's own folder, are forced to the disk, and the temporary is renamed over
/// the file: a reader sees the old contents or the new, and a failure leaves the old ones and removes the temporary. A
/// symbolic link stays a link, and its target is replaced; a file that is replaced keeps its permissions. The temporary
/// of a process that was killed is removed by the next one that writes into the folder.
public enum AtomicFile {
  /// Takes the next bytes of a file.
  public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

  private static let serial = Atomic<Int>(0)
  /// The number of links that Linux follows at most.
  private static let maximumLinkCount = 40

  /// Writes `bytes` to `path`, replacing what is there.
  ///
  /// - Throws: `PullbackError` of kind `cannotCreate` if the file cannot be made, `io` if writing fails midway.
  public static func write(_ bytes: some ContiguousBytes, to path: String) throws {
    try write(to: path) { sink in try bytes.withUnsafeBytes(sink) }
  }

  /// Writes `text` to `path` as UTF-8.
  public static func write(text: String, to path: String) throws {
    try write(Array(text.utf8), to: path)
  }

  /// Writes what `content` hands to its argument, in order: a file that need not be in memory as a whole.
  ///
  /// - Throws: as ``write(_:to:)``, and whatever `content` throws.
  public static func write(to path: String, _ content: (Sink) throws -> Void) throws {
    let target = try followLinks(path)
    let permissions = try permissions(ofReplaced: target, path)
    let (descriptor, temporary) = try createTemporary(beside: target, permissions, for: path)
    do {
      defer { AbandonedTemporaries.release(descriptor) }
      // The mask of the process may have narrowed what was asked for.
      if let permissions, fchmod(descriptor, permissions) != 0 { throw failure(.cannotCreate, path, "be created") }
      try content { try write($0, to: descriptor, path) }
      guard fsync(descriptor) == 0 else { throw failure(.io, path, "be written") }
      let renamed = PathText.withPath(temporary) { from in PathText.withPath(target) { rename(from, $0) } }
      guard renamed == 0 else { throw failure(.cannotCreate, path, "be created") }
    } catch {
      PathText.withPath(temporary) { _ = unlink($0) }
      throw error
    }
  }

  /// The file that `path` means, whether it exists or not.
  private static func followLinks(_ path: String) throws -> String {
    var target = path
    for _ in 0..<maximumLinkCount {
      guard let destination = destination(ofLink: target) else { return target }
      target = destination.hasPrefix("/") ? destination : "\(Failures.folder(of: target))/\(destination)"
    }
    throw PullbackError(.cannotCreate, path, "expected a file, found a circle of symbolic links")
  }

  /// The destination of a symbolic link; nil if the path is no link.
  private static func destination(ofLink path: String) -> String? {
    var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = bytes.withUnsafeMutableBytes { bytes in
      PathText.withPath(path) { readlink($0, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count) }
    }
    return count < 0 ? nil : PathText.text(of: bytes.prefix(count))
  }

  /// The permissions of the file at `target`, nil if there is none. Renaming onto a device would replace the device.
  private static func permissions(ofReplaced target: String, _ path: String) throws -> mode_t? {
    guard let status = Failures.status(of: target) else { return nil }
    guard status.isRegularFile else {
      throw PullbackError(.cannotCreate, path, "expected the name of a file, found \(status.kindOfFile)")
    }
    return status.st_mode & 0o777
  }

  /// A new file under a name nobody has, open for writing.
  private static func createTemporary(
    beside target: String, _ permissions: mode_t?, for path: String
  ) throws -> (Int32, String) {
    let folder = Failures.folder(of: target)
    AbandonedTemporaries.remove(from: folder)
    while true {
      let number = serial.add(1, ordering: .relaxed).newValue
      let name = "\(folder)/.\(getpid())-\(number).part"
      let descriptor = PathText.withPath(name) {
        open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions ?? 0o666)
      }
      if descriptor >= 0 {
        if AbandonedTemporaries.claim(descriptor) { return (descriptor, name) }
        close(descriptor)
        continue
      }
      guard errno == EEXIST else {
        let advice = errno == ENOENT ? "make the folder \(folder) first" : nil
        throw failure(.cannotCreate, path, "be created", advice)
      }
    }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: String) throws {
    var rest = bytes
    while !rest.isEmpty {
      let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(.io, path, "be written") }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  private static func failure(
    _ kind: PullbackError.Kind, _ path: String, _ what: String, _ advice: String? = nil
  ) -> PullbackError {
    PullbackError(kind, path, "cannot \(what): \(systemMessage())", advice: advice)
  }
}

/// The files that killed processes leave behind: ``AtomicFile`` had begun to write them.
///
/// A writer holds a lock on its temporary, which the system takes back however the writer ends. A temporary that can be
/// locked is therefore nobody's, whatever the process number in its name: containers that share a folder do not see
/// each other's processes. Where a file system has no locks, nothing is removed.
enum AbandonedTemporaries {
  /// The folders that were looked through, guarded by `lock`, whose calls ThreadSanitizer follows; those of
  /// `Synchronization.Mutex` it does not see.
  nonisolated(unsafe) private static var swept: Set<String> = []
  private static let lock = NSLock()

  /// Locks a temporary that was just made; false if another process took it for abandoned before it was locked.
  static func claim(_ descriptor: Int32) -> Bool {
    _ = flock(descriptor, LOCK_EX)
    var status = stat()
    return fstat(descriptor, &status) != 0 || status.st_nlink > 0
  }

  /// Gives a claimed file back and closes it. Closing alone would not: a process that is being started has copies of
  /// all descriptors until its program begins, and the lock with them.
  static func release(_ descriptor: Int32) {
    _ = flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Removes the abandoned temporaries in `folder`, once for each folder: thousands of files may be written into it.
  static func remove(from folder: String) {
    guard lock.withLock({ swept.insert(folder).inserted }) else { return }
    for name in (try? namesOfFiles(in: folder)) ?? [] {
      guard name.wholeMatch(of: /\.[0-9]+-[0-9]+\.part/) != nil else { continue }
      let path = "\(folder)/\(name)"
      let descriptor = PathText.withPath(path) { open($0, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) }
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { PathText.withPath(path) { _ = unlink($0) } }
      close(descriptor)
    }
  }
}
