import Foundation
import Kernels
import Synchronization
import Testing

/// Work that is shared out: everything is done once, whoever asks, from wherever, and however many threads there are.
@Suite struct ParallelTests {
  @Test(arguments: [1, 2, 3, 100, 10_000]) func everyIndexOnce(_ count: Int) {
    let calls = Locked([Int](repeating: 0, count: count))
    Parallel.forEach(count) { index in calls.withLock { $0[index] += 1 } }
    #expect(calls.withLock { $0 } == [Int](repeating: 1, count: count))
  }

  @Test func nothingToDo() {
    Parallel.forEach(0) { _ in Issue.record("there is no index") }
    #expect(Parallel.mapWholes(0) { $0 }.isEmpty)
  }

  @Test func workWithinWork() {
    let sums = Parallel.mapWholes(5) { outer in
      let sum = Atomic<Int>(0)
      Parallel.forEach(100) { sum.wrappingAdd(outer * $0, ordering: .relaxed) }
      return sum.load(ordering: .relaxed)
    }
    #expect(sums == (0..<5).map { $0 * 4950 })
  }

  /// Short calls, one after another and from several threads, some of which come while another's is under way.
  @Test func callsOfManyThreads() async {
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let done = Atomic<Int>(0)
          for _ in 0..<2000 { Parallel.forEach(3) { done.wrappingAdd($0 + 1, ordering: .relaxed) } }
          return done.load(ordering: .relaxed)
        }
      }
      for await done in group { #expect(done == 12_000) }
    }
  }

  /// Helpers that went to sleep are woken, or not needed.
  @Test func callsAfterAPause() {
    for _ in 0..<20 {
      usleep(1000)
      let done = Atomic<Int>(0)
      Parallel.forEach(64) { _ in done.wrappingAdd(1, ordering: .relaxed) }
      #expect(done.load(ordering: .relaxed) == 64)
    }
  }
}
