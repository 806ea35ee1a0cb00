import Attribution
import Kernels

/// Passes through a network, added up from any thread.
public final class PassCounter: Sendable {
  private let total = Locked(Cost(forward: 0, backward: 0))

  public init() {}

  public func add(_ cost: Cost) { total.withLock { $0 = $0 + cost } }
  public var passes: Cost { total.withLock { $0 } }
}
