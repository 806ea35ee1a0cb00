import Synchronization

/// The memory under one or more tensors.
///
/// Freshly mapped pages cost more than the arithmetic done on them, so released buffers go to a pool and are handed out
/// again: a second pass through a network touches no new memory.
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

/// Released buffers by capacity. Capacities are rounded up to four steps per power of two, so that a returned buffer
/// serves tensors of nearly its size; at most ``limit`` bytes lie idle.
final class BufferPool: Sendable {
  static let shared = BufferPool()
  private static let alignment = 64
  private let limit = 2 << 30
  private struct Idle {
    var buffers: [Int: [UInt]] = [:]
    var bytes = 0
  }
  private let idle = Mutex(Idle())

  static func roundedCapacity(_ count: Int) -> Int {
    guard count > 64 else { return 64 }
    let step = max(16, 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount - 2))
    return (count + step - 1) / step * step
  }

  func take(_ count: Int) -> (UnsafeMutablePointer<Float>, Int) {
    let capacity = Self.roundedCapacity(count)
    let reused = idle.withLock { idle -> UInt? in
      guard let address = idle.buffers[capacity]?.popLast() else { return nil }
      idle.bytes -= capacity * MemoryLayout<Float>.stride
      return address
    }
    if let reused { return (UnsafeMutablePointer(bitPattern: reused)!, capacity) }
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: capacity * MemoryLayout<Float>.stride, alignment: Self.alignment)
    return (raw.bindMemory(to: Float.self, capacity: capacity), capacity)
  }

  func giveBack(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
    let bytes = capacity * MemoryLayout<Float>.stride
    let kept = idle.withLock { idle -> Bool in
      guard idle.bytes + bytes <= limit else { return false }
      idle.buffers[capacity, default: []].append(UInt(bitPattern: pointer))
      idle.bytes += bytes
      return true
    }
    if !kept { UnsafeMutableRawPointer(pointer).deallocate() }
  }
}
