import Kernels

/// The memory under one or more tensors.
///
/// Freshly mapped pages cost more than the arithmetic done on them, so released buffers go to a pool and are handed out
/// again: a second pass through a network touches no new memory.
///
/// It may cross threads unchecked, because a tensor writes only to storage that it alone refers to.
final class TensorStorage: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  let capacity: Int
  /// Whoever keeps borrowed memory alive (a mapped checkpoint); nil where the memory is the pool's.
  private let owner: AnyObject?

  /// Uninitialised memory for at least `count` floats.
  init(count: Int) {
    (pointer, capacity) = BufferPool.shared.take(count)
    owner = nil
  }

  /// Memory that `owner` keeps alive and nobody writes to.
  init(borrowing pointer: UnsafePointer<Float>, count: Int, owner: AnyObject) {
    self.pointer = UnsafeMutablePointer(mutating: pointer)
    self.capacity = count
    self.owner = owner
  }

  /// Borrowed memory is read-only, whoever holds the only reference.
  var isBorrowed: Bool { owner != nil }

  deinit {
    if owner == nil { BufferPool.shared.giveBack(pointer, capacity: capacity) }
  }
}
