/// Released buffers by capacity. Capacities are rounded up to four steps per power of two, so that a returned buffer
/// serves tensors of nearly its size; at most ``limit`` bytes lie idle.
package final class BufferPool: Sendable {
  package static let shared = BufferPool()
  private static let alignment = 64
  private let limit = 2 << 30
  private struct Idle {
    var buffers: [Int: [UInt]] = [:]
    var bytes = 0
  }
  private let idle = Locked(Idle())

  static func roundedCapacity(_ count: Int) -> Int {
    guard count > 64 else { return 64 }
    let step = max(16, 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount - 2))
    return (count + step - 1) / step * step
  }

  package func take(_ count: Int) -> (UnsafeMutablePointer<Float>, Int) {
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

  package func giveBack(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
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

/// Calls `body` with uninitialised scratch memory for `count` floats.
package func withScratch<Result>(_ count: Int, _ body: (UnsafeMutablePointer<Float>) throws -> Result) rethrows
  -> Result
{
  let (pointer, capacity) = BufferPool.shared.take(count)
  defer { BufferPool.shared.giveBack(pointer, capacity: capacity) }
  return try body(pointer)
}
