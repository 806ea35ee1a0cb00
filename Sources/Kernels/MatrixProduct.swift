import COpenBLAS
import Glibc
import Synchronization

/// A matrix operand in row-major order: `rows` x `columns` as stored, `stride` floats from row to row.
package struct MatrixOperand {
  let pointer: UnsafePointer<Float>
  let stride: Int
  let transposed: Bool

  package init(_ pointer: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
    self.pointer = pointer
    self.stride = stride
    self.transposed = transposed
  }
}

/// OpenBLAS runs on the calling thread alone: with several threads its last bits depend on their number. Work is split
/// by our callers, from shapes.
private let singleThreadedBLAS: Void = openblas_set_num_threads(1)

/// `c = a b`, or `c += a b` when `accumulating`: `c` is `m` x `n`, the inner extent is `k`.
package func matrixProduct(
  _ a: MatrixOperand, _ b: MatrixOperand, into c: UnsafeMutablePointer<Float>, stride: Int, m: Int, n: Int, k: Int,
  scale: Float = 1, accumulating: Bool = false
) {
  _ = singleThreadedBLAS
  guard m > 0, n > 0 else { return }
  BLASBuffers.using {
    cblas_sgemm(
      CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans,
      Int32(m), Int32(n), Int32(k), scale, a.pointer, Int32(a.stride), b.pointer, Int32(b.stride),
      accumulating ? 1 : 0, c, Int32(stride))
  }
}

/// OpenBLAS's buffers, one for each product at a time, which it keeps.
///
/// If the system has no room for a buffer, OpenBLAS asks for it again for ever. So when there are more products at a
/// time than ever before, we first check whether there is room. This is exact but for one order of events: one of the
/// counted products may give its buffer back before another has asked for its own, so that OpenBLAS made one buffer
/// less than is remembered. It then makes it later, unseen, and only if there is no room by then does the program hang.
/// OpenBLAS tells nobody how many it has.
private enum BLASBuffers {
  /// A little more than the 128 MB that it takes on x86-64, the most of any processor.
  private static let size = 136 << 20
  private static let products = Atomic<Int>(0)
  private static let buffers = Atomic<Int>(0)
  private static let lock = Locked(())

  static func using(_ product: () -> Void) {
    defer { products.subtract(1, ordering: .relaxed) }
    // Counted only if it begins: a product that waits for its turn has no buffer.
    var running = products.load(ordering: .relaxed)
    while running < buffers.load(ordering: .relaxed) {
      let (isExchanged, found) = products.weakCompareExchange(
        expected: running, desired: running + 1, ordering: .relaxed)
      if isExchanged { return product() }
      running = found
    }
    lock.withLock { _ in
      let count = products.add(1, ordering: .relaxed).newValue
      // The end that an allocation comes to which fails.
      if count > buffers.load(ordering: .relaxed) && !isThereRoom { abort() }
      product()
      buffers.max(count, ordering: .relaxed)
    }
  }

  private static var isThereRoom: Bool {
    let options = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    let memory = mmap(nil, size, PROT_READ | PROT_WRITE, options, -1, 0)
    return memory != MAP_FAILED && munmap(memory, size) == 0
  }
}

/// The processor family whose kernels OpenBLAS has chosen ("Haswell", "SkylakeX", ...). Results differ between families
/// in the last bits.
public func blasCoreName() -> String { String(cString: openblas_get_corename()) }

/// OpenBLAS's name, version and the settings it was built with.
public func blasConfiguration() -> String { String(cString: openblas_get_config()) }

/// `count` cut into `pieces` nearly equal ranges.
package func split(_ count: Int, into pieces: Int) -> [Range<Int>] {
  (0..<pieces).map { count * $0 / pieces..<count * ($0 + 1) / pieces }
}
