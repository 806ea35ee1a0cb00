import Glibc

/// A value that one thread at a time may read or change.
///
/// The lock is that of POSIX threads, whose calls ThreadSanitizer follows. `Synchronization.Mutex` waits on futexes of
/// its own, which ThreadSanitizer does not see: it would report every access to what the lock guards.
package final class Locked<Value: Sendable>: @unchecked Sendable {
  private var value: Value
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  package init(_ value: Value) {
    self.value = value
    pthread_mutex_init(lock, nil)
  }

  deinit {
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body(&value)
  }
}
