import Foundation

/// What killed processes leave behind: files that ``AtomicFile`` had begun to write.
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
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      guard name.wholeMatch(of: /\.[0-9]+-[0-9]+\.part/) != nil else { continue }
      let path = "\(folder)/\(name)"
      let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(descriptor)
    }
  }
}
