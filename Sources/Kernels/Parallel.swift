import CKernels
import Glibc
import Synchronization

/// Spreads work over threads.
///
/// Every piece of work is cut by its shape alone and writes memory of its own, so results do not depend on the number
/// of threads.
public enum Parallel {
  private static let limit = Atomic<Int>(0)

  /// The largest number of threads to use; 0, the default, is one per core.
  public static var threads: Int {
    get { limit.load(ordering: .relaxed) }
    set { limit.store(max(0, newValue), ordering: .relaxed) }
  }

  /// The largest number of threads: ``threads``, or one per core.
  public static var most: Int { workers }

  /// Whether work that is cut into pieces here is spread over several threads.
  package static var spreads: Bool { threads != 1 && !pb_thread_is_taken() }

  /// Calls `body` with 0 ..< count, on several threads at once; on the calling one alone while another thread's work is
  /// shared out.
  ///
  /// The calls must write to disjoint memory: what `body` captures (mostly pointers) is shared between threads
  /// unchecked.
  package static func forEach(_ count: Int, _ body: (Int) -> Void) {
    let workers = min(count, pb_thread_is_taken() ? 1 : self.workers)
    guard workers > 1 else { return (0..<count).forEach(body) }
    let isShared = withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { body in
        pb_share(
          count, workers, { $0!.assumingMemoryBound(to: ((Int) -> Void).self).pointee($1) },
          UnsafeMutableRawPointer(mutating: body))
      }
    }
    if !isShared { (0..<count).forEach(body) }
  }

  private static var workers: Int { threads > 0 ? threads : ProcessorCount.value }

  /// Cuts `count` elements into blocks and calls `body` with each block, on several threads at once.
  package static func forEachBlock(of count: Int, size: Int = 1 << 16, _ body: (Range<Int>) -> Void) {
    let blocks = (count + size - 1) / size
    forEach(blocks) { block in body(block * size..<min(count, (block + 1) * size)) }
  }

  /// The results of 0 ..< count, each on one thread; a last few that would leave threads idle are computed one after
  /// another, with all threads each. For work that is as good on one thread as cut into pieces.
  package static func mapWholes<Result>(_ count: Int, _ body: (Int) -> Result) -> [Result] {
    let wholes = workers > 1 && !pb_thread_is_taken() ? count - count % workers : 0
    var results = [Result?](repeating: nil, count: count)
    results.withUnsafeMutableBufferPointer { buffer in
      let address = buffer.baseAddress!
      forEach(wholes) { index in
        pb_take_thread(true)
        defer { pb_take_thread(false) }
        address[index] = body(index)
      }
      for index in wholes..<count { address[index] = body(index) }
    }
    return results.map { $0! }
  }
}

private enum ProcessorCount {
  static let value = pb_processors()
}

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
